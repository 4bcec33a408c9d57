"""The official SDK as the oracle: both read the same events off the same wire, or the difference has a reason."""

import asyncio
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import openai
import pytest
from hypothesis import given, settings, strategies as st

import ai_client
from tests.support.hostile.cells import level
from tests.support.hostile.corpus import DIFFERENT, DONE, WELL_FORMED, WHOLE, Z, chunk
from tests.support.hostile.encoding import dumps
from tests.support.hostile.framing import SEGMENTATIONS, anywhere, script
from tests.support.hostile.payloads import ASK
from tests.support.hostile.wire import Wire

Read = tuple[list[Any], str]
STORMS = level() == "all"
MORE = {"few": 1, "sample": 4, "all": 50}[level()]
CUTS = ("whole", "in characters", "at line breaks", "anywhere")


class Readers:
    """Clients of both packages over one wire, which are used again and again."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._runner = asyncio.Runner()
        self._options: dict[str, Any] = {"api_key": "k", "base_url": wire.base_url, "max_retries": 0}
        self._clients: dict[ModuleType, Any] = {
            module: module.OpenAI(**self._options) for module in (ai_client, openai)
        }
        self._async_clients: dict[ModuleType, Any] = {
            module: module.AsyncOpenAI(**self._options) for module in (ai_client, openai)
        }

    def close(self) -> None:
        """Close them."""
        for client in self._clients.values():
            client.close()
        for client in self._async_clients.values():
            self._runner.run(client.close())
        self._runner.close()

    def read(self, module: ModuleType, body: bytes, cut: Callable[[Any], list[bytes]], *, sync: bool) -> Read:
        """Return the items that a package reads of a body, and how it ends."""
        self._wire.play(script([body], "chunked", cut, content_type="text/event-stream"))
        items: list[Any] = []
        try:
            if sync:
                self._read(self._clients[module], items)
            else:
                self._runner.run(self._aread(self._async_clients[module], items))
        except module.OpenAIError:
            return items, "error"
        except ValueError as error:
            if module is not openai:
                raise
            return items, type(error).__name__
        return items, "whole"

    def _read(self, client: Any, items: list[Any]) -> None:
        with client.chat.completions.create(**ASK, stream=True) as stream:
            for item in stream:
                items.append(item.to_dict())  # noqa: PERF401 - what came before an error counts

    async def _aread(self, client: Any, items: list[Any]) -> None:
        async with await client.chat.completions.create(**ASK, stream=True) as stream:
            async for item in stream:
                items.append(item.to_dict())  # noqa: PERF401 - likewise


@pytest.fixture(scope="module")
def readers() -> Iterator[Readers]:
    """Yield clients of both packages."""
    with Wire() as wire:
        readers = Readers(wire)
        yield readers
        readers.close()


@pytest.mark.parametrize("name", WELL_FORMED)
def test_the_same_is_read(readers: Readers, name: str, *, sync: bool) -> None:
    """What the SDK reads of a stream, we read of it in every segmentation."""
    body = WELL_FORMED[name]
    items, end = readers.read(openai, body, SEGMENTATIONS["whole"], sync=sync)
    end = end if end == "whole" else "error"
    for cut in CUTS:
        assert readers.read(ai_client, body, SEGMENTATIONS[cut], sync=sync) == (items, end)


@pytest.mark.parametrize("name", DIFFERENT)
def test_differences_have_reasons(readers: Readers, name: str, *, sync: bool) -> None:
    """Where we read a stream otherwise, it is as the list says, on both sides."""
    body, ours, theirs, _ = DIFFERENT[name]
    for cut in CUTS:
        items, end = readers.read(ai_client, body, SEGMENTATIONS[cut], sync=sync)
        assert (len(items), end) == ours
    items, end = readers.read(openai, body, SEGMENTATIONS["whole"], sync=sync)
    assert (len(items), "whole" if end == "whole" else "error") == theirs


ends = st.sampled_from([b"\n", b"\r\n", b"\r"])
oddities = st.sampled_from(
    [b": x", b":", b"id: 1", b"retry: 7", b"event: x", b"event:", b"unknown", b"a: b: c"]
)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@st.composite
def events(draw: st.DrawFn) -> bytes:
    """Draw a well-formed event: fields in any order, on lines that end in one way."""
    payload = dumps(chunk(draw(texts)))
    data = [b"data:" + draw(st.sampled_from([b" ", b""])) + payload]
    if draw(st.booleans()):
        data = [b"data: {", b"data:" + payload[1:]]
    lines = [*draw(st.lists(oddities, max_size=2)), *data, *draw(st.lists(oddities, max_size=2))]
    end = draw(ends)
    return b"".join(line + end for line in [*lines, b""])


@given(st.lists(events(), max_size=5), st.booleans(), st.integers(0, 10**6), st.booleans())
@settings(max_examples=60 * MORE, derandomize=not STORMS)
def test_well_formed_streams(readers: Readers, body: list[bytes], mark: Any, cut: int, sync: Any) -> None:
    """However the lines of a stream are written and cut, both read the same."""
    stream = b"".join(body) + b"data: " + dumps(Z) + b"\n\n" + (DONE if mark else b"")
    theirs = readers.read(openai, stream, SEGMENTATIONS["whole"], sync=sync)
    assert theirs[1] == "whole"
    assert readers.read(ai_client, stream, anywhere(cut), sync=sync) == theirs


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Draw a stream in which some bytes are lost, doubled or replaced."""
    body = WHOLE
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(body)))
        end = min(len(body), start + draw(st.integers(0, 30)))
        with_what = draw(
            st.sampled_from([b"", body[start:end] * 2, b"\n", b"\n\n", b"\r", b"\x00", b"\xff", b"data: "])
        )
        body = body[:start] + with_what + body[end:]
    return body


@given(damaged(), st.integers(0, 10**6), st.booleans())
@settings(max_examples=100 * MORE, derandomize=not STORMS)
def test_damaged_streams(readers: Readers, body: bytes, cut: int, sync: Any) -> None:
    """Of a damaged stream both read the same, or we say that it is not whole, after items that both read.

    The SDK decodes what is no data too, as text and even as JSON, and fails of it.
    """
    items, end = readers.read(ai_client, body, anywhere(cut), sync=sync)
    theirs, their_end = readers.read(openai, body, SEGMENTATIONS["whole"], sync=sync)
    if their_end in {"UnicodeDecodeError", "JSONDecodeError"}:
        assert theirs == items[: len(theirs)]
    elif end == "whole":
        assert (items, end) == (theirs, their_end)
    else:
        assert items == theirs[: len(items)]
