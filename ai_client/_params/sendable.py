"""Validation of addresses, header names and header values before a request is sent."""

import re
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

_LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"{_LABEL}(\.{_LABEL})*\.?", re.IGNORECASE)
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_LONGEST_HOST = 253
_ENCODED = "xn--"


@lru_cache(64)  # the clients of a process have few addresses
def address_fault(value: str) -> str | None:
    """Return why *value* is no valid API address, or `None`; the text does not repeat it, as it may hold a password."""
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
    if not host.isascii() or host.startswith(_ENCODED):
        import idna  # noqa: PLC0415 - only for such names

        try:  # as the HTTP library does, which reads fewer names than DNS knows
            host = idna.encode(host.lower()).decode("ascii")
        except UnicodeError:
            return False
    return len(host) <= _LONGEST_HOST and _HOST.fullmatch(host) is not None


def name_fault(value: object) -> str | None:
    """Return why a header name is invalid, or `None`."""
    if not isinstance(value, str):
        return f"the name of a header must be a string, not {type(value).__name__}"
    if not value:
        return "the name of a header is empty"
    if _TOKEN.fullmatch(value) is None:
        return f"{value!r} is no name of a header, which holds letters, digits and dashes"
    return None


def value_fault(value: object) -> str | None:
    """Return why a header value is invalid, or `None`; the text does not repeat it."""
    if not isinstance(value, str):
        return f"must be a string, not {type(value).__name__}"
    if "\r" in value or "\n" in value or "\0" in value:
        return "holds a line break, which no HTTP header may"
    if not value.isascii() or not value.replace("\t", " ").isprintable():
        return "holds a character that no HTTP header may, which are those of ASCII"
    return None


def text_fault(value: object) -> str | None:
    """Return why a name, such as an organization, is no valid header value, or `None`."""
    if isinstance(value, str) and not value.strip():
        return "is empty; leave it out, or give None"
    return value_fault(value)
