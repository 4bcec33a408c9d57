"""Bodies that are read without the objects of the HTTP library."""

import gzip
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

import httpx
import pytest
from pydantic_core import to_json

from ai_client import ClientProvider, OpenAI
from tests.support.hostile.framing import EVENT_STREAM, apart, events, framed
from tests.support.hostile.payloads import chat
from tests.support.hostile.pieces import CHUNKS
from tests.support.hostile.wire import Wire
from tests.support.invoke import CHAT, KEY, Invoke

CONTROLS: dict[str, Any] = {
    "cost": True,
    "logs": True,
    "breaker": True,
    "concurrency": 5,
    "budgets": [{"tokens": 10_000_000, "per": "day"}],
}
PARTS = 3


class _Brotli:
    """What brotli's decoder looks like to the HTTP library, of bytes that are turned around one by one."""

    def __init__(self) -> None:
        self.decompressor = self

    def decode(self, data: bytes) -> bytes:
        """Turn the bits of each byte around."""
        return bytes(255 - byte for byte in data)

    def flush(self) -> bytes:
        """Return nothing more."""
        return b""


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": _Brotli().decode,
}


@pytest.fixture
def wire() -> Iterator[Wire]:
    """Start a server that plays scripts."""
    with Wire() as server:
        yield server


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of the classes of the HTTP library of which objects are made from now on."""
    names: list[str] = []
    for kind in (httpx.Response, httpx.Headers, httpx.Request):
        monkeypatch.setattr(kind, "__init__", _noted(kind.__init__, kind.__name__, names))
    monkeypatch.setitem(cast("Any", httpx)._decoders.SUPPORTED_DECODERS, "br", _Brotli)
    return names


def _noted(init: Any, name: str, names: list[str]) -> Any:
    def noted(self: Any, *args: Any, **options: Any) -> None:
        names.append(name)
        init(self, *args, **options)

    return noted


def answer(body: Sequence[bytes], coding: str | None, framing: Any, kind: str) -> list[bytes]:
    """Return an answer, its head and each part of its body apart."""
    headers = [] if coding is None else [("Content-Encoding", coding)]
    if coding is not None:
        whole = PACKERS[coding](b"".join(body))
        size = len(whole) // PARTS + 1
        body = [whole[at : at + size] for at in range(0, len(whole), size)]
    return apart(framed(body, framing, headers=headers, content_type=kind))


@pytest.mark.parametrize("controls", [None, CONTROLS], ids=["bare", "controls"])
@pytest.mark.parametrize("coding", [None, *PACKERS])
def test_a_body_in_parts(
    wire: Wire, invoke: Invoke, made: list[str], coding: str | None, controls: Any
) -> None:
    """An answer whose body comes after its head, in parts, becomes a result without an object of the library."""
    whole = to_json(chat(1))
    size = len(whole) // PARTS + 1
    parts = [whole[at : at + size] for at in range(0, len(whole), size)]
    for framing in ("chunked", "length"):
        wire.play(answer(parts, coding, framing, "application/json"))
        with_client(wire, invoke, controls, lambda client: check_whole(invoke, client, made))


def check_whole(invoke: Invoke, client: Any, made: list[str]) -> None:
    """Make calls, of which none but the first may make an object of the HTTP library."""
    for _ in range(2):
        made.clear()
        completion = invoke(client.chat.completions.create, **CHAT)
        assert completion.to_dict() == chat(1)
    assert made == []


@pytest.mark.parametrize("controls", [None, CONTROLS], ids=["bare", "controls"])
@pytest.mark.parametrize("coding", [None, *PACKERS])
def test_a_stream(wire: Wire, invoke: Invoke, made: list[str], coding: str | None, controls: Any) -> None:
    """The bytes of a stream become its items without an object of the library."""
    wire.play(answer([*events(*map(to_json, CHUNKS))], coding, "chunked", EVENT_STREAM))
    with_client(wire, invoke, controls, lambda client: check_stream(invoke, client, made))


def check_stream(invoke: Invoke, client: Any, made: list[str]) -> None:
    """Read streams, of which none but the first may make an object of the HTTP library."""
    for _ in range(2):
        made.clear()
        stream = invoke(client.chat.completions.create, **CHAT, stream=True)
        assert [item.to_dict() for item in invoke.collect(stream)] == CHUNKS
    assert made == []


def with_client(wire: Wire, invoke: Invoke, controls: Any, use: Callable[[Any], None]) -> None:
    """Use a client of one's own, or one of a provider with controls."""
    if controls is None:
        use(invoke.client(api_key=KEY, base_url=wire.base_url))
        return
    provider = ClientProvider(api_key=KEY, base_url=wire.base_url, controls=controls)
    try:
        use(provider.client if invoke.sync else provider.async_client)
    finally:
        if invoke.sync:
            provider.close()
        else:
            invoke(provider.aclose)


class _Derived(httpx.Response):
    """A response of an application's own class."""


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_a_response_of_a_derived_class(coding: str) -> None:
    """A body that is encoded is decoded whatever the class of the response that an HTTP client of the user's gives."""

    def respond(_: httpx.Request) -> httpx.Response:
        whole = PACKERS[coding](to_json(chat(1)))
        return _Derived(200, headers={"content-encoding": coding}, stream=httpx.ByteStream(whole))

    with OpenAI(api_key=KEY, http_client=httpx.Client(transport=httpx.MockTransport(respond))) as client:
        assert client.chat.completions.create(**CHAT).to_dict() == chat(1)
