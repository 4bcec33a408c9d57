"""Origins: keys, cookies, account names and custom headers go only to the origin they were given for."""

import re
from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import unquote_plus

from .._libraries import httpx
from ..errors import is_secret_name

T = TypeVar("T")

OTHER_ORIGIN = "ai_client.other_origin"
"""The request extension of a request to another origin than its client's; true."""
CREDENTIALS = frozenset(
    {
        "authorization",
        "proxy-authorization",
        "api-key",
        "x-api-key",
        "ocp-apim-subscription-key",
        "cookie",
        "openai-organization",
        "openai-project",
    }
)
"""Headers that are for one account, in lower case."""
_ANYWHERE = frozenset(
    {
        "accept",
        "accept-charset",
        "accept-encoding",
        "accept-language",
        "cache-control",
        "connection",
        "content-encoding",
        "content-language",
        "content-length",
        "content-type",
        "expect",
        "host",
        "idempotency-key",
        "if-match",
        "if-modified-since",
        "if-none-match",
        "if-range",
        "if-unmodified-since",
        "openai-beta",
        "range",
        "transfer-encoding",
        "user-agent",
        "x-stainless-read-timeout",
        "x-stainless-retry-count",
    }
)
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://")


def origin(url: "httpx.URL") -> tuple[str, str, int | None]:
    """Return scheme, host and port, the port `None` where it is the scheme's own."""
    return url.scheme, url.host, url.port


def is_absolute(path: str) -> bool:
    """Return whether a path is a whole address."""
    return "://" in path and _ABSOLUTE.match(path) is not None


def for_anywhere(headers: Mapping[str, T]) -> dict[str, T]:
    """Return the headers that any server may have: about the body, the wanted form of the answer and the protocol."""
    return {name: value for name, value in headers.items() if name.lower() in _ANYWHERE}


def without_credentials(headers: Mapping[str, T]) -> dict[str, T]:
    """Return the headers that are for whatever account."""
    return {name: value for name, value in headers.items() if name.lower() not in CREDENTIALS}


def without_secrets(query: Mapping[str, T]) -> dict[str, T]:
    """Return the parameters of a query whose names are not those of secrets."""
    return {name: value for name, value in query.items() if not is_secret_name(name)}


def path_without_secrets(path: str) -> str:
    """Return a path without the query parameters whose names are those of secrets."""
    head, mark, query = path.partition("?")
    kept = [part for part in query.split("&") if not is_secret_name(unquote_plus(part.partition("=")[0]))]
    return f"{head}?{'&'.join(kept)}" if mark and kept else head
