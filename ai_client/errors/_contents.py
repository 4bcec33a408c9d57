"""Requests and responses attached to errors, with their secrets removed."""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar, cast
from urllib.parse import quote, unquote_plus

from .._libraries import httpx

T = TypeVar("T")
_SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "api-key", "x-api-key", "cookie"})
_SECRET_NAMES = re.compile(
    r"(?<!idempotency-)key|token(?!s\b)|secret|password|passwd|passphrase|pwd|signature|credential|auth(?!or)"
    r"|\b(?:sig|code|pass|sas|jwt|sid)\b",
    re.IGNORECASE,
)
_SHORTEST_SECRET = 8


def members_of(value: Any) -> Mapping[str, Any]:
    """Return the members of a decoded JSON object; an empty mapping where *value* is anything else."""
    if type(value) is dict:  # the common case, and a fast check; a call of cast would double its cost
        return value  # pyright: ignore[reportUnknownVariableType]
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def is_secret_name(name: str) -> bool:
    """Return whether a query parameter or header has the name of a secret."""
    return name.lower() in _SECRET_HEADERS or _SECRET_NAMES.search(name) is not None


def without_credentials(value: T, request: "httpx.Request") -> T:
    """Return a copy of *value*, decoded JSON, with the request's own credentials replaced by `[redacted]`."""
    return hide({secret for secret in _secrets(request) if len(secret) >= _SHORTEST_SECRET}, value)


def hide(secrets: Iterable[str], value: T) -> T:
    """Take secrets out of a decoded JSON value, or of a text."""
    return cast("T", _replaced(value, sorted(secrets, key=len, reverse=True)))


def _secrets(request: "httpx.Request") -> Iterator[str]:
    """Yield the credentials of a request in every form in which a server may quote them."""
    for name, value in request.headers.items():
        if not is_secret_name(name):
            continue
        scheme, _, rest = value.partition(" ")
        yield rest if rest and name.endswith("authorization") else value
        if scheme.lower() == "basic":
            try:
                yield base64.b64decode(rest).decode().partition(":")[2]
            except (binascii.Error, UnicodeDecodeError):
                continue
        if name == "cookie":
            yield from (pair.partition("=")[2].strip() for pair in value.split(";"))
    for name, value in _parameters(request):
        if is_secret_name(name):
            yield from (value, plain := unquote_plus(value), quote(plain, safe=""))


def _parameters(request: "httpx.Request") -> Iterator[tuple[str, str]]:
    for part in request.url.query.decode("ascii").split("&"):
        name, _, value = part.partition("=")
        yield unquote_plus(name), value


def _replaced(value: object, secrets: list[str]) -> object:
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, "[redacted]")
        return value
    if isinstance(value, dict):
        members = cast("dict[str, object]", value)
        return {name: _replaced(member, secrets) for name, member in members.items()}
    if isinstance(value, list):
        return [_replaced(item, secrets) for item in cast("list[object]", value)]
    return value


def shown(request: "httpx.Request") -> "httpx.Request":
    """Return a request for an error: the URL, which its repr shows, has no user info, and secret parameters masked."""
    url = request.url
    if not url.userinfo and not any(value and is_secret_name(name) for name, value in _parameters(request)):
        return request
    parts = (part.partition("=") for part in url.query.decode("ascii").split("&"))
    masked = (
        f"{name}={'redacted' if value and is_secret_name(unquote_plus(name)) else value}" if sign else name
        for name, sign, value in parts
    )
    twin: httpx.Request = object.__new__(type(request))
    twin.__dict__.update(request.__dict__)
    twin.url = url.copy_with(userinfo=b"", query="&".join(masked).encode("ascii") or None)
    return twin


def redacted(request: "httpx.Request") -> "httpx.Request":
    """Return a copy of a request without body and credentials."""
    headers = [(name, value) for name, value in request.headers.items() if not is_secret_name(name)]
    return type(request)(request.method, shown(request).url, headers=headers)


def detached(response: "httpx.Response", request: "httpx.Request") -> "httpx.Response":
    """Return a copy of a response without body and cookies, for *request*."""
    headers = [(name, value) for name, value in response.headers.items() if name != "set-cookie"]
    return type(response)(response.status_code, headers=headers, request=request)
