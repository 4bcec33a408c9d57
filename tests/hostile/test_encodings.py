"""Bodies in a content encoding: all that is encoded is read, whatever it is made of, and half of it is no answer."""

import gzip
import zlib
from typing import Any, cast

import httpx
import pytest
from pydantic_core import to_json

from ai_client import APIConnectionError, OpenAIError
from ai_client.control.accounting.cost import Cost
from ai_client.control.cache.policy import Cache
from ai_client.control.fallback import Fallback
from ai_client.control.pricing.prices import Prices
from ai_client.control.record import call_record
from ai_client.stores import open_store
from tests.support.hostile.framing import EVENT_STREAM, SEGMENTATIONS, byte_by_byte, events, framed
from tests.support.hostile.shapes import chat_events
from tests.support.hostile.wire import CLOSE, Request, Step, Wire
from tests.support.invoke import CHAT, KEY, Invoke

DATA = bytes(range(256)) * 40
SEVERAL = gzip.compress(DATA[:5000]) + gzip.compress(b"") + gzip.compress(DATA[5000:])


def raw_deflate(data: bytes) -> bytes:
    """Compress without the header that the standard asks for and some servers leave out."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


WHOLE: dict[str, tuple[str, bytes]] = {
    "gzip": ("gzip", gzip.compress(DATA)),
    "several members": ("gzip", SEVERAL),
    "padded members": ("gzip", gzip.compress(DATA[:9]) + bytes(600) + gzip.compress(DATA[9:]) + bytes(9)),
    "gzip and more": ("gzip", gzip.compress(DATA) + b"\n"),
    "many members": ("gzip", b"".join(gzip.compress(DATA[at : at + 100]) for at in range(0, len(DATA), 100))),
    "deflate": ("deflate", zlib.compress(DATA)),
    "deflate and more": ("deflate", zlib.compress(DATA) + b"\r\n"),
    "deflate without its header": ("deflate", raw_deflate(DATA)),
}
BROKEN: dict[str, tuple[str, bytes]] = {
    "half a member": ("gzip", SEVERAL[:-9]),
    "half a last member": ("gzip", gzip.compress(DATA) + gzip.compress(DATA)[:11]),
    "one byte of a last member": ("gzip", gzip.compress(DATA) + b"\x1f"),
    "a member that is none": ("gzip", gzip.compress(DATA) + b"\x1f\x8bnothing"),
    "half of deflate": ("deflate", zlib.compress(DATA)[:-2]),
    "half of deflate without its header": ("deflate", raw_deflate(DATA)[:-2]),
    "endless nothing": ("gzip", gzip.compress(DATA) + b"nothing" * 300_000),
    "endless members of nothing": ("gzip", gzip.compress(DATA) + gzip.compress(b"") * 60_000),
}
WAYS = {
    "binary": lambda invoke, client: invoke(client.files.content, "f").content,
    "read": lambda invoke, client: _unread(invoke, client, lambda raw: invoke(raw.read)),
    "pieces": lambda invoke, client: _unread(
        invoke, client, lambda raw: b"".join(invoke.collect(raw.iter_bytes()))
    ),
}


def _unread(invoke: Invoke, client: Any, read: Any) -> bytes:
    with invoke.within(client.files.with_streaming_response.content("f")) as raw:
        return bytes(read(raw))


def packed(coding: str, data: bytes, cut: Any = SEGMENTATIONS["halves"], kind: str = "x/y") -> list[Step]:
    """Return the script of an answer in an encoding."""
    pieces = framed([data], "length", headers=[("Content-Encoding", coding)], content_type=kind)
    return [*cut(pieces)]


@pytest.mark.parametrize("backend", ["httpx", "httpx2"])
@pytest.mark.parametrize("way", WAYS)
def test_all_that_is_encoded_is_read(wire: Wire, invoke: Invoke, way: str, backend: str) -> None:
    """A body is what is encoded in it: of all members of gzip, and of deflate in both of its forms."""
    client = invoke.client(api_key=KEY, base_url=wire.base_url, max_retries=0, http_backend=backend)
    for name, (coding, data) in WHOLE.items():
        wire.play(packed(coding, data))
        assert WAYS[way](invoke, client) == DATA, name


@pytest.mark.parametrize("backend", ["httpx", "httpx2"])
@pytest.mark.parametrize("way", WAYS)
def test_what_breaks_off_is_no_answer(wire: Wire, invoke: Invoke, way: str, backend: str) -> None:
    """A body whose last member is cut off, or that goes on without a word, has failed."""
    client = invoke.client(api_key=KEY, base_url=wire.base_url, max_retries=0, http_backend=backend)
    for name, (coding, data) in BROKEN.items():
        wire.play([*packed(coding, data), CLOSE])
        with pytest.raises(APIConnectionError):
            pytest.fail(f"{name}: {len(WAYS[way](invoke, client))}")


def test_encoded_bodies_byte_by_byte(wire: Wire, invoke: Invoke) -> None:
    """However an encoded body is cut, the same is read of it."""
    client = invoke.client(api_key=KEY, base_url=wire.base_url, max_retries=0)
    for coding, data in (
        ("gzip", gzip.compress(b"one ") + bytes(2) + gzip.compress(b"two")),
        ("deflate", zlib.compress(b"one two")),
        ("deflate", raw_deflate(b"one two")),
    ):
        wire.play(packed(coding, data, byte_by_byte))
        assert invoke(client.files.content, "f").content == b"one two"


class _Brotli:
    """What brotli's decoder looks like to the HTTP library: it ends with a full stop, which only it knows."""

    def __init__(self) -> None:
        self.decompressor = self
        self._text = b""

    def decode(self, data: bytes) -> bytes:
        """Give back the data."""
        self._text += data
        return data

    def flush(self) -> bytes:
        """Say nothing of an end that is missing."""
        return b""

    def is_finished(self) -> bool:
        """Return whether it has ended."""
        return self._text.endswith(b".")


def test_encodings_of_other_packages(wire: Wire, invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    """A body in an encoding that a further package decodes is whole where that says so."""
    monkeypatch.setitem(cast("Any", httpx)._decoders.SUPPORTED_DECODERS, "br", _Brotli)
    client = invoke.client(api_key=KEY, base_url=wire.base_url, max_retries=0)
    wire.play(packed("br", b"whole."))
    assert invoke(client.files.content, "f").content == b"whole."
    wire.play(packed("br", b"half"))
    with pytest.raises(APIConnectionError):
        invoke(client.files.content, "f")


def test_members_are_kept(wire: Wire, invoke: Invoke) -> None:
    """What a cache plays again of an unread stream is all of its members, and half of one is not kept."""
    cache = Cache(scope="all", store=open_store("memory://"), everything=True)
    client = invoke.client(api_key=KEY, base_url=wire.base_url, max_retries=0, layers=[cache])

    def read() -> bytes:
        with invoke.within(
            client.chat.completions.with_streaming_response.create(**CHAT, stream=True)
        ) as raw:
            return b"".join(invoke.collect(raw.iter_bytes()))

    parts = [*events(*chat_events())]
    data = b"".join(gzip.compress(part) for part in parts)
    wire.play(packed("gzip", data[:-4], kind=EVENT_STREAM))
    for _ in range(2):
        with pytest.raises(OpenAIError):
            read()
    assert len(wire.requests) == 2
    wire.play(packed("gzip", data, kind=EVENT_STREAM))
    assert [read() for _ in range(2)] == [b"".join(parts)] * 2
    assert len(wire.requests) == 1


class _Turned:
    """The decoder of an encoding that turns the bits of each byte around, as one of the HTTP library's."""

    def __init__(self) -> None:
        self.decompressor = self

    def decode(self, data: bytes) -> bytes:
        """Turn them back."""
        return bytes(255 - byte for byte in data)

    def flush(self) -> bytes:
        """Return nothing more."""
        return b""


@pytest.mark.parametrize("whole", [False, True])
def test_usage_out_of_encodings_of_other_packages(
    wire: Wire, invoke: Invoke, monkeypatch: pytest.MonkeyPatch, whole: bool
) -> None:
    """What an unread answer used is counted, whatever it is encoded in, a stream or not."""
    monkeypatch.setitem(cast("Any", httpx)._decoders.SUPPORTED_DECODERS, "br", _Turned)
    usage = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
    if whole:
        plain, kind = to_json({"id": "1", "choices": [], "usage": usage}), "application/json"
    else:
        chunks = [*chat_events(), to_json({"id": "1", "choices": [], "usage": usage})]
        plain, kind = b"".join(events(*chunks)), EVENT_STREAM
    wire.play(packed("br", _Turned().decode(plain), kind=kind))
    cost = Cost(Prices(), open_store())
    client = invoke.client(api_key=KEY, base_url=wire.base_url, max_retries=0, layers=[cost])
    with invoke.within(
        client.chat.completions.with_streaming_response.create(**CHAT, stream=not whole)
    ) as raw:
        assert b"".join(invoke.collect(raw.iter_bytes())) == plain
    record = call_record(raw)
    assert record is not None
    assert record.usage is not None
    assert (record.usage.input, record.usage.output) == (3, 4)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br"])
def test_the_head_of_an_encoded_stream(
    wire: Wire, invoke: Invoke, monkeypatch: pytest.MonkeyPatch, coding: str
) -> None:
    """A chain reads the first event of a stream out of whichever member it is in."""
    monkeypatch.setitem(cast("Any", httpx)._decoders.SUPPORTED_DECODERS, "br", _Turned)
    first, *rest = [b": alive\n\n", *events(*chat_events())]
    if coding == "gzip":
        data = gzip.compress(first) + b"".join(gzip.compress(part) for part in rest)
        bad = gzip.compress(first) + gzip.compress(b'data: {"error": {"message": "down"}}\n\n')
    else:
        pack = raw_deflate if coding == "deflate" else _Turned().decode
        data = pack(b"".join([first, *rest]))
        bad = pack(b'data: {"error": {"message": "down"}}\n\n')

    def answer(request: Request) -> list[Step]:
        return packed(coding, data if request.number else bad, kind=EVENT_STREAM)

    wire.answer = answer
    layers = [Fallback(models={CHAT["model"]: [CHAT["model"], "other"]})]
    client = invoke.client(api_key=KEY, base_url=wire.base_url, max_retries=0, layers=layers)
    stream = invoke(client.chat.completions.create, **CHAT, stream=True)
    assert len(invoke.collect(stream)) == len(chat_events())
    assert len(wire.requests) == 2
