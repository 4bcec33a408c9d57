"""Streams through the official client over ours: each piece arrives before the next one is sent."""

import io
from collections.abc import Callable
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletionChunk

from ai_client.interop import official
from ai_client.testing import Gate, Upstream, sse
from tests.support.chat_scripts import texts
from tests.support.invoke import CHAT, Invoke

CHUNKS = [*map(sse, texts(["a", "b"])), sse("[DONE]")]
RESPONSE = {"id": "r", "object": "response", "output": [], "created_at": 1, "model": "m"}
EVENTS = [
    sse({"type": name, "sequence_number": number, "response": {**RESPONSE, "status": status}}, event=name)
    for number, (name, status) in enumerate(
        [("response.created", "in_progress"), ("response.completed", "completed")]
    )
]
TRANSCRIPT = [
    sse({"type": "transcript.text.delta", "delta": "a"}),
    sse({"type": "transcript.text.done", "text": "a"}),
]
IMAGES = [sse({"type": "image_edit.partial_image"}), sse({"type": "image_edit.completed"})]
BYTES = [b"abc", b"def"]
SPEECH = {"model": "tts-1", "voice": "alloy", "input": "x"}
Made = Callable[[Any], Any]


def of_any_path(client: Any, verb: str, **more: Any) -> Any:
    """Ask for chunks at a path that the API does not have."""
    kind = openai.Stream if isinstance(client, openai.OpenAI) else openai.AsyncStream
    return getattr(client, verb)(
        "/odd", cast_to=ChatCompletionChunk, stream=True, stream_cls=kind[ChatCompletionChunk], **more
    )


STREAMS: dict[str, tuple[Made, list[bytes]]] = {
    "chat": (lambda client: client.chat.completions.create(**CHAT, stream=True), CHUNKS),
    "response": (lambda client: client.responses.create(model="m", input="x", stream=True), EVENTS),
    "a response again": (lambda client: client.responses.retrieve("r", stream=True), EVENTS),
    "the rest of a response": (
        lambda client: client.responses.retrieve("r", stream=True, starting_after=0),
        EVENTS,
    ),
    "transcription": (
        lambda client: client.audio.transcriptions.create(
            model="gpt-4o-transcribe", file=("a.wav", io.BytesIO(b"abc")), stream=True
        ),
        TRANSCRIPT,
    ),
    "image": (
        lambda client: client.images.edit(
            model="gpt-image-1", image=("a.png", b"abc"), prompt="x", stream=True
        ),
        IMAGES,
    ),
    "post": (lambda client: of_any_path(client, "post", body={"a": 1}), CHUNKS),
    "get": (lambda client: of_any_path(client, "get"), CHUNKS),
}
MANAGED: dict[str, tuple[Made, Made, list[bytes]]] = {
    "speech": (
        lambda client: client.audio.speech.with_streaming_response.create(**SPEECH),
        lambda response: response.iter_bytes(),
        BYTES,
    ),
    "file": (
        lambda client: client.files.with_streaming_response.content("f"),
        lambda response: response.iter_bytes(),
        BYTES,
    ),
    "bytes of a chat": (
        lambda client: client.chat.completions.with_streaming_response.create(**CHAT, stream=True),
        lambda response: response.iter_bytes(),
        CHUNKS,
    ),
    "stream helper of a response": (
        lambda client: client.responses.stream(response_id="r"),
        lambda stream: stream,
        EVENTS,
    ),
}


def read(invoke: Invoke, items: Any, gate: Gate) -> int:
    """Read the first item, then let the rest come; return how many items there are."""
    iterator = iter(items) if invoke.sync else aiter(items)
    invoke.next(iterator)
    gate.set()
    return 1 + len(invoke.collect(iterator))


def prepared(upstream: Upstream, pieces: list[bytes]) -> Gate:
    """Have the upstream answer with pieces, all but the first behind a gate, and return that."""
    gate = Gate()
    upstream.reply(chunks=[pieces[0], gate, *pieces[1:]])
    return gate


@pytest.mark.parametrize("name", STREAMS)
def test_streams(invoke: Invoke, upstream: Upstream, name: str) -> None:
    """The first event arrives before the second is sent, whether a body, a form or a query asked for the stream."""
    make, pieces = STREAMS[name]
    gate = prepared(upstream, pieces)
    stream = invoke(make, official(invoke.client(max_retries=0, timeout=10)))
    assert read(invoke, stream, gate) == len(pieces) - (pieces is CHUNKS)


@pytest.mark.parametrize("name", MANAGED)
def test_streaming_responses(invoke: Invoke, upstream: Upstream, name: str) -> None:
    """So do the first bytes of a response that is read piece by piece."""
    make, items_of, pieces = MANAGED[name]
    gate = prepared(upstream, pieces)
    with invoke.within(make(official(invoke.client(max_retries=0, timeout=10)))) as managed:
        assert read(invoke, items_of(managed), gate) >= 2


@pytest.mark.parametrize("name", ["a response again", "get", "chat"])
def test_broken_off(invoke: Invoke, upstream: Upstream, name: str) -> None:
    """A stream that ends without its end mark is an error after what came, whatever asked for it."""
    make, pieces = STREAMS[name]
    upstream.reply(chunks=pieces[:1])
    stream = invoke(make, official(invoke.client(max_retries=0, timeout=10)))
    iterator = iter(stream) if invoke.sync else aiter(stream)
    invoke.next(iterator)
    with pytest.raises(openai.APIConnectionError, match="without"):
        invoke.next(iterator)
