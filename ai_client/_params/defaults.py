"""Defaults of the clients and of an application's configuration."""

DEFAULT_READ_TIMEOUT = 600  # no float: it is sent as the official SDK writes it
DEFAULT_CONNECT_TIMEOUT = 5.0
DEFAULT_MAX_RETRIES = 2
LONGEST_SECONDS = 1_000_000_000
"""The longest time to wait, some 30 years: clocks and sockets overflow beyond."""
DEFAULT_MAX_CONNECTIONS = 1000
DEFAULT_KEEPALIVE_EXPIRY = 60.0
DEFAULT_CREDENTIALS_TTL = 60.0
DEFAULT_MAX_RESPONSE_BYTES = 256 * 1024 * 1024
DEFAULT_MAX_EVENT_BYTES = 64 * 1024 * 1024
