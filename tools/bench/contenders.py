"""The contenders: HTTP libraries alone, the official SDK and this package, all called in the same way."""

import os
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from operator import attrgetter
from pathlib import Path
from typing import Any

URL = "https://bench.test/v1"
CHAT, RESPONSES, EMBEDDINGS = "/chat/completions", "/responses", "/embeddings"
_METHODS = {
    CHAT: attrgetter("chat.completions.create"),
    RESPONSES: attrgetter("responses.create"),
    EMBEDDINGS: attrgetter("embeddings.create"),
}
_HEADERS = {"Authorization": "Bearer key"}
BUILD = Path(__file__).parents[2] / "build" / "bench"
"""Where the Makefile puts what has an environment of its own."""
OFFICIAL_2_PLACE = BUILD / "openai2"


@dataclass(frozen=True)
class Contender:
    """A way to call the API.

    Attributes:
        name: The name in the tables.
        library: The underlying HTTP library.
        package: The SDK's import name; empty for the HTTP library alone.
        direct: Whether the SDK gets a transport of the HTTP library instead of a client.
    """

    name: str
    library: str
    package: str = ""
    direct: bool = False


HTTPX = Contender("httpx", "httpx")
HTTPX2 = Contender("httpx2", "httpx2")
OURS = Contender("ours", "httpx", "ai_client")
OURS_DIRECT = Contender("ours over a transport", "httpx", "ai_client", direct=True)
OFFICIAL = Contender("official", "httpx2", "openai")
OFFICIAL_2 = Contender("official 2", "httpx", "openai")
EVERYONE = (HTTPX, HTTPX2, OURS, OFFICIAL, OFFICIAL_2)
SDKS = (OURS, OFFICIAL, OFFICIAL_2)


def environment(contender: str) -> dict[str, str]:
    """Return the environment of a contender's process, in which `openai` is the right one of the two versions."""
    if not contender.startswith(OFFICIAL_2.name):
        return dict(os.environ)
    if not OFFICIAL_2_PLACE.exists():
        raise SystemExit(f"{OFFICIAL_2.name!r} is not installed: run `make build/bench/openai2`.")
    return {**os.environ, "PYTHONPATH": str(OFFICIAL_2_PLACE)}


def in_memory(contender: Contender, body: Iterable[bytes], kind: str, *, is_async: bool) -> Any:
    """Build a client over an in-memory transport that answers at once with this body and content type."""
    library: Any = import_module(contender.library)
    pieces = list(body)
    headers = {"content-type": kind, "x-request-id": "req_1"}

    def content() -> Any:
        if len(pieces) == 1:
            return pieces[0]
        return _again(pieces) if is_async else iter(pieces)

    transport = library.MockTransport(lambda _: library.Response(200, content=content(), headers=headers))
    if contender.direct:
        return sdk(contender, URL, is_async=is_async, http_client=transport)
    http_class = library.AsyncClient if is_async else library.Client
    if not contender.package:
        return http_class(transport=transport, headers=_HEADERS)
    return sdk(contender, URL, is_async=is_async, http_client=http_class(transport=transport))


async def _again(pieces: list[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


def sdk(contender: Contender, base_url: str, *, is_async: bool, **options: Any) -> Any:
    """Build an SDK's client."""
    package = import_module(contender.package)
    client = package.AsyncOpenAI if is_async else package.OpenAI
    return client(api_key="key", base_url=base_url, **options)


def bare(contender: Contender, connections: int, *, is_async: bool) -> Any:
    """Build an HTTP library's client with this many connections."""
    library: Any = import_module(contender.library)
    limits = library.Limits(
        max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=600
    )
    client = library.AsyncClient if is_async else library.Client
    return client(headers=_HEADERS, limits=limits, timeout=60)


def calling(
    contender: Contender, client: Any, path: str, request: dict[str, Any], base_url: str = URL
) -> Callable[[], Any]:
    """Return a function that makes a call with a sync client and returns its result."""
    if contender.package:
        method = _METHODS[path]
        return lambda: method(client)(**request)
    url = base_url + path
    return lambda: client.post(url, json=request).json()


def awaiting(
    contender: Contender, client: Any, path: str, request: dict[str, Any], base_url: str = URL
) -> Callable[[], Any]:
    """Return a function that makes a call with an async client, to be awaited."""
    if contender.package:
        method = _METHODS[path]
        return lambda: method(client)(**request)
    url = base_url + path

    async def post() -> Any:
        return (await client.post(url, json=request)).json()

    return post
