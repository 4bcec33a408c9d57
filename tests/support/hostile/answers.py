"""Every kind of answer as data: how it is asked for, what a server writes, and the one reading of it.

The answers of a kind differ by a number, which stands in everything that is read, so that the answer to one call is
never equal to that of another.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tests.support.hostile.encoding import Dialect, dumps, encode_event
from tests.support.hostile.payloads import (
    ASK,
    INPUT,
    PAGES,
    SOUND_FILE,
    Data,
    Named,
    asks_for_usage,
    chat,
    chat_chunks,
    completion_chunks,
    embeddings,
    file,
    heard,
    image_events,
    named,
    page,
    page_of,
    response_events,
    sound,
    text_of,
    tools_and_text,
    transcript_events,
    unnamed,
    vector,
)
from tests.support.hostile.wire import Request

Shape = Literal[
    "object", "raw", "items", "helper", "pages", "binary", "unread", "unread-object", "unread-items"
]


@dataclass(frozen=True)
class Kind:
    """A kind of answer.

    Attributes:
        name: Its name in the ids of cells.
        shape: How what the client returns is read.
        call: Makes the call on either client; async on the async one where the shape has it so.
        body: Returns the body for a request and a number: events, a JSON value, or bytes.
        reading: Returns what is read of the answer of a number.
        done: Whether its events end with `[DONE]`.
        tokens: Whether it reports the tokens that it took.
        billed: Whether it costs money.
        cached: Whether a cache keeps it.
        requests: How many requests a call makes.
        extract: Reduces what a helper returns to what is compared.
    """

    name: str
    shape: Shape
    call: Callable[[Any], Any]
    body: Callable[[Request, int], Sequence[Named] | Data | bytes]
    reading: Callable[[int], list[Any]]
    done: bool = False
    tokens: bool = True
    billed: bool = True
    cached: bool = False
    requests: int = 1
    extract: Callable[[Any], Any] = lambda result: result.to_dict()

    @property
    def streams(self) -> bool:
        """Whether a web application can pass its items on as they come."""
        return self.shape in {"items", "pages"}

    @property
    def is_managed(self) -> bool:
        """Whether the call returns a context manager, whose block reads the answer."""
        return self.shape.startswith(("unread", "helper"))

    @property
    def has_events(self) -> bool:
        """Whether its body is a stream of events."""
        return self.shape in {"items", "helper", "unread-items"}

    def place(self, request: Request) -> int:
        """Return how many requests of the same call came before a request."""
        return 0 if self.shape != "pages" else page_of(request)

    def parts(self, request: Request, number: int, dialect: Dialect = "lf") -> list[bytes]:
        """Encode an answer in parts: an event each, or some bytes of another body."""
        body = self.body(request, number)
        if isinstance(body, dict):
            body = dumps(body)
        if isinstance(body, bytes):
            return [body[at : at + 150] for at in range(0, len(body), 150)]
        parts = [encode_event(data, name, dialect) for name, data in body]
        return [*parts, encode_event(b"[DONE]", None, dialect)] if self.done else parts

    @property
    def content_type(self) -> str:
        """The media type of its body."""
        if self.has_events:
            return "text/event-stream; charset=utf-8"
        return "application/octet-stream" if self.shape in {"binary", "unread"} else "application/json"


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "chat",
            "object",
            lambda client: client.chat.completions.create(**ASK),
            lambda _, number: chat(number),
            lambda number: [chat(number)],
            cached=True,
        ),
        Kind(
            "chat-raw",
            "raw",
            lambda client: client.chat.completions.with_raw_response.create(**ASK),
            lambda _, number: chat(number),
            lambda number: [chat(number)],
            cached=True,
        ),
        Kind(
            "chat-stream",
            "items",
            lambda client: client.chat.completions.create(
                **ASK, stream=True, stream_options={"include_usage": True}
            ),
            lambda _, number: unnamed(chat_chunks(number, usage=True)),
            lambda number: chat_chunks(number, usage=True),
            done=True,
            cached=True,
        ),
        Kind(
            "chat-unread",
            "unread-object",
            lambda client: client.chat.completions.with_streaming_response.create(**ASK),
            lambda _, number: chat(number),
            lambda number: [chat(number)],
            cached=True,
        ),
        Kind(
            "chat-stream-unread",
            "unread-items",
            lambda client: client.chat.completions.with_streaming_response.create(
                **ASK, stream=True, stream_options={"include_usage": True}
            ),
            lambda _, number: unnamed(chat_chunks(number, usage=True)),
            lambda number: chat_chunks(number, usage=True),
            done=True,
            cached=True,
        ),
        Kind(
            "chat-stream-without-usage",
            "items",
            lambda client: client.chat.completions.create(**ASK, stream=True),
            lambda request, number: unnamed(chat_chunks(number, usage=asks_for_usage(request))),
            lambda number: chat_chunks(number, usage=False),
            done=True,
            cached=True,
        ),
        Kind(
            "chat-stream-without-mark",
            "items",
            lambda client: client.chat.completions.create(
                **ASK, stream=True, stream_options={"include_usage": True}
            ),
            lambda _, number: unnamed(chat_chunks(number, usage=True)),
            lambda number: chat_chunks(number, usage=True),
            cached=True,
        ),
        Kind(
            "chat-helper",
            "helper",
            lambda client: client.chat.completions.stream(**ASK, stream_options={"include_usage": True}),
            lambda _, number: unnamed(chat_chunks(number, usage=True)),
            lambda number: [heard(number)],
            done=True,
            cached=True,
            extract=tools_and_text,
        ),
        Kind(
            "responses-stream",
            "items",
            lambda client: client.responses.create(**INPUT, stream=True),
            lambda _, number: named(response_events(number)),
            response_events,
            cached=True,
        ),
        Kind(
            "responses-helper",
            "helper",
            lambda client: client.responses.stream(**INPUT),
            lambda _, number: named(response_events(number)),
            lambda number: [text_of(number)],
            cached=True,
            extract=lambda response: response.output_text,
        ),
        Kind(
            "completions-stream",
            "items",
            lambda client: client.completions.create(
                model="m",
                prompt="¿Qué?",
                temperature=0,
                max_tokens=50,
                stream=True,
                stream_options={"include_usage": True},
            ),
            lambda _, number: unnamed(completion_chunks(number)),
            completion_chunks,
            done=True,
            cached=True,
        ),
        Kind(
            "transcription-stream",
            "items",
            lambda client: client.audio.transcriptions.create(model="m", file=SOUND_FILE, stream=True),
            lambda _, number: unnamed(transcript_events(number)),
            transcript_events,
        ),
        Kind(
            "image-stream",
            "items",
            lambda client: client.images.generate(model="m", prompt="¿Qué?", stream=True),
            lambda _, number: named(image_events(number)),
            image_events,
        ),
        Kind(
            "speech",
            "binary",
            lambda client: client.audio.speech.create(model="m", input="Grüße", voice="alloy"),
            lambda _, number: sound(number),
            lambda number: [sound(number)],
            tokens=False,
        ),
        Kind(
            "download",
            "binary",
            lambda client: client.files.content("file-1"),
            lambda _, number: sound(number),
            lambda number: [sound(number)],
            tokens=False,
            billed=False,
        ),
        Kind(
            "download-unread",
            "unread",
            lambda client: client.files.with_streaming_response.content("file-1"),
            lambda _, number: sound(number),
            lambda number: [sound(number)],
            tokens=False,
            billed=False,
        ),
        Kind(
            "pages",
            "pages",
            lambda client: client.files.list(),
            page,
            lambda number: [file(number, index) for index in range(2 * PAGES)],
            tokens=False,
            billed=False,
            requests=PAGES,
        ),
        Kind(
            "embeddings",
            "object",
            lambda client: client.embeddings.create(model="m", input="¿Qué?"),
            embeddings,
            lambda number: [vector(number)],
            cached=True,
            extract=lambda result: list(result.data[0].embedding),
        ),
    )
}
