"""What a request can hold: addresses, header names and header values that are known to work before one is sent."""

import re
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

_LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"{_LABEL}(\.{_LABEL})*\.?", re.IGNORECASE)
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_LONGEST_HOST = 253


@lru_cache(64)  # the clients of a process have few addresses
def address_fault(value: str) -> str | None:
    """Say why *value* is no address of an API, or `None`; it may hold a password, and is not repeated."""
    if not value.isprintable() or " " in value:
        return "must hold no blanks and no line breaks"
    try:
        parts = urlsplit(value)
        host = parts.hostname
    except ValueError:
        parts, host = urlsplit(""), None
    if parts.scheme not in {"http", "https"} or not host:
        return "must be an absolute http or https address, as https://api.openai.com/v1"
    if not _has_port(parts):
        return "must have a port from 1 to 65535"
    if parts.fragment:
        return "must have no fragment (#)"
    return None if _is_host(host) else "must name a host, by a name or an IP address"


def _has_port(parts: SplitResult) -> bool:
    try:
        return parts.port != 0
    except ValueError:
        return False


def _is_host(host: str) -> bool:
    if ":" in host:
        try:
            return bool(ip_address(host))
        except ValueError:
            return False
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:
            return False
    return len(host) <= _LONGEST_HOST and _HOST.fullmatch(host) is not None


def name_fault(value: object) -> str | None:
    """Say why a header may not have this name."""
    if not isinstance(value, str):
        return f"the name of a header must be a string, not {type(value).__name__}"
    if not value:
        return "the name of a header is empty"
    if _TOKEN.fullmatch(value) is None:
        return f"{value!r} is no name of a header, which holds letters, digits and dashes"
    return None


def value_fault(value: object) -> str | None:
    """Say why a header may not have this value, without repeating it."""
    if not isinstance(value, str):
        return f"must be a string, not {type(value).__name__}"
    if "\r" in value or "\n" in value or "\0" in value:
        return "holds a line break, which no HTTP header may"
    if not value.isascii() or not value.replace("\t", " ").isprintable():
        return "holds a character that no HTTP header may, which are those of ASCII"
    return None


def text_fault(value: object) -> str | None:
    """Say why a name, as that of an organization, cannot be sent in a header of its own."""
    if isinstance(value, str) and not value.strip():
        return "is empty; leave it out, or give None"
    return value_fault(value)
