"""What errors carry of requests and answers, without their secrets."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    import httpx

_SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "api-key", "x-api-key", "cookie"})
_SHORTEST_SECRET = 8


def members_of(value: Any) -> Mapping[str, Any]:
    """Give the members of a decoded JSON object; none where *value* is something else."""
    if type(value) is dict:  # nearly always, and much faster to tell; a cast would take as long again
        return value  # pyright: ignore[reportUnknownVariableType]
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def without_credentials(body: object, request: "httpx.Request") -> object:
    """Take the request's own credentials out of what the server says about them."""
    secrets = [value.rpartition(" ")[2] for name, value in request.headers.items() if name in _SECRET_HEADERS]
    return _replaced(body, [secret for secret in secrets if len(secret) >= _SHORTEST_SECRET])


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


def redacted(request: "httpx.Request") -> "httpx.Request":
    headers = [(name, value) for name, value in request.headers.items() if name not in _SECRET_HEADERS]
    return type(request)(request.method, request.url.copy_with(userinfo=b""), headers=headers)


def detached(response: "httpx.Response", request: "httpx.Request") -> "httpx.Response":
    headers = [(name, value) for name, value in response.headers.items() if name != "set-cookie"]
    return type(response)(response.status_code, headers=headers, request=request)
