"""Addresses of requests as paths below a client's address."""

from collections.abc import Iterator
from typing import Any, cast
from urllib.parse import parse_qsl, unquote

from .._call.call import Call
from .._client.azure_arguments import is_of_a_deployment
from .._exchange.origins import origin
from .._libraries import httpx
from ..errors import members_of

_DEPLOYMENTS = "/deployments/"


def path_of(client: Any, url: "httpx.URL", call: Call) -> str:
    """Return the path of a request below the client's address, or its whole address where it is elsewhere.

    Azure's paths are given as OpenAI has them: the client chooses the deployment.
    """
    target = url.raw_path
    if not url.userinfo and origin(url) == origin(client._base_url):
        for root in _roots(client):
            below = target[len(root) :]
            if target.startswith(root) and not below.startswith(b"/"):
                return _without_deployment("/" + below.decode("ascii"), call)
    return str(url)


def _roots(client: Any) -> Iterator[bytes]:
    yield client._base_url.raw_path.partition(b"?")[0]
    endpoint: httpx.URL | None = getattr(client, "_azure_endpoint", None)
    if endpoint is not None:
        yield endpoint.raw_path.rstrip(b"/") + b"/openai/"


def _without_deployment(path: str, call: Call) -> str:
    if not path.startswith(_DEPLOYMENTS):
        return path
    name, slash, rest = path.removeprefix(_DEPLOYMENTS).partition("/")
    operation = slash + rest
    named = members_of(call.body).get("model")
    if is_of_a_deployment(operation) and unquote(name) == named:
        return operation
    return path


def apart(path: str) -> tuple[str, dict[str, object]]:
    """Split a path from its query, whose parameters then count before those that the client has for every request.

    A query with a name that is repeated in a way that the client would not repeat it stays where it is.
    """
    bare, _, query = path.partition("?")
    found: dict[str, object] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name.endswith("[]"):
            cast("list[str]", found.setdefault(name.removesuffix("[]"), [])).append(value)
        elif name in found:
            return path, {}
        else:
            found[name] = value
    return bare, found
