"""Types and defaults of the HTTP library, by the names under which the official SDK exports them."""

from types import NoneType
from typing import TypeAlias

import httpx

from .._params.defaults import (
    DEFAULT_CONNECT_TIMEOUT,
    DEFAULT_KEEPALIVE_EXPIRY,
    DEFAULT_MAX_CONNECTIONS,
    DEFAULT_READ_TIMEOUT,
)

__all__ = ["DEFAULT_CONNECTION_LIMITS", "DEFAULT_TIMEOUT", "NoneType", "ProxiesTypes", "Timeout", "Transport"]

Timeout = httpx.Timeout
Transport = httpx.BaseTransport
ProxiesTypes: TypeAlias = str | httpx.Proxy | dict[str | httpx.URL, str | httpx.URL | httpx.Proxy | None]

DEFAULT_TIMEOUT = httpx.Timeout(DEFAULT_READ_TIMEOUT, connect=DEFAULT_CONNECT_TIMEOUT)
"""Seconds that a client waits for each read and write, and for connecting."""
DEFAULT_CONNECTION_LIMITS = httpx.Limits(
    max_connections=DEFAULT_MAX_CONNECTIONS,
    max_keepalive_connections=DEFAULT_MAX_CONNECTIONS,
    keepalive_expiry=DEFAULT_KEEPALIVE_EXPIRY,
)
"""How many connections a client opens and keeps, and for how many seconds it keeps idle ones."""
