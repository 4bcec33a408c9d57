"""Answers that fail before a result is there: openings of streams that are none, and redirects to nowhere."""

from collections.abc import Iterator
from typing import Any

import pytest

from ai_client import (
    APIConnectionError,
    APIError,
    APIResponseValidationError,
    APITimeoutError,
    OpenAIError,
    StreamInterruptedError,
)
from tests.support.hostile.framing import (
    EVENT_STREAM,
    FRAMINGS,
    SEGMENTATIONS,
    byte_by_byte,
    events,
    framed,
    head,
    script,
    whole,
)
from tests.support.hostile.shapes import chat_events, text_of
from tests.support.hostile.wire import CLOSE, HOLD, RESET, Wire
from tests.support.invoke import CHAT, KEY, Invoke, no_waiting

JSON = b'{"error": {"message": "no", "code": "c"}}'


@pytest.mark.parametrize("end", [CLOSE, RESET, HOLD])
@pytest.mark.parametrize("kind", ["application/json", "application/problem+json", "text/html"])
@pytest.mark.parametrize("framing", ["chunked", "length"])
def test_an_opening_that_breaks_off_is_retried(
    wire: Wire, invoke: Invoke, kind: str, framing: Any, end: Any
) -> None:
    """What answers a stream with something else, and breaks off or falls silent in it, is asked again."""
    text = b"".join(whole(framed([JSON], framing, content_type=kind)))
    with no_waiting():
        check_retried(wire, invoke, [text[:-12], end])


def check_retried(wire: Wire, invoke: Invoke, bad: list[Any]) -> None:
    """Open a stream whose first answer is bad, and one all of whose answers are."""
    good = script([*events(*chat_events())], content_type=EVENT_STREAM)
    end = bad[-1]
    wire.play(bad, good)
    client = invoke.client(
        api_key=KEY, base_url=wire.base_url, max_retries=1, timeout=0.3 if end is HOLD else 30.0
    )
    assert (
        text_of(invoke.collect(invoke(client.chat.completions.create, **CHAT, stream=True)))
        == "one two three"
    )
    assert len(wire.requests) == 2
    wire.play(bad)
    error = APITimeoutError if end is HOLD else APIConnectionError
    with pytest.raises(error):
        invoke(client.chat.completions.create, **CHAT, stream=True)
    assert len(wire.requests) == 2


LOCATIONS = [
    b"http://[::1",
    b"http://h:99999/",
    b"http://h:abc/",
    b"http://",
    b"http:///path",
    b"//",
    b"ftp://127.0.0.1/x",
    b"file:///etc/passwd",
    b"data:text/plain,x",
    b"\xff\xfe",
    b"http://\xc3\xa9\xc3\xa9:1:2/",
    b"http://xn--a/",
    b"http://" + b"a" * 300 + b"/",
    b"/" + b"a" * 70000,
    b"http://a b/",
    b"/\x01",
    b"http://%00/",
]


@pytest.mark.parametrize("location", LOCATIONS, ids=range(len(LOCATIONS)))
@pytest.mark.parametrize("status", [301, 307])
def test_a_redirect_to_nowhere(wire: Wire, invoke: Invoke, location: bytes, status: int) -> None:
    """A `Location` that is no address is an error of ours, whose holder keeps no connection busy."""
    answer = head(status, reason="Moved")
    text = answer + b"Location: " + location + b"\r\nContent-Length: 4\r\n\r\n"
    wire.play([text, 0.01, b"body"])
    client = invoke.client(api_key=KEY, base_url=wire.base_url, max_retries=0, max_connections=1, timeout=5.0)
    for stream in (False, True):
        with pytest.raises(OpenAIError) as raised:
            invoke(client.chat.completions.create, **CHAT, stream=stream)
        wire.play(script([b'{"data": []}']))
        assert invoke(client.models.list).data == []
        assert raised.value.__traceback__ is not None  # it is held all the while
        wire.play([text, 0.01, b"body"])


def test_endless_redirects(wire: Wire, invoke: Invoke) -> None:
    """A server that redirects for ever is given up, and its connection is free again."""
    wire.play([head(307, [("Location", "/v1/again"), ("Content-Length", "0")], reason="Moved") + b"\r\n"])
    client = invoke.client(api_key=KEY, base_url=wire.base_url, max_retries=0, max_connections=1, timeout=5.0)
    with pytest.raises(APIConnectionError) as raised:
        invoke(client.chat.completions.create, **CHAT)
    wire.play(script([b'{"data": []}']))
    assert invoke(client.models.list).data == []
    assert raised.value.__traceback__ is not None


def test_html_in_place_of_a_stream(wire: Wire, invoke: Invoke) -> None:
    """A page that answers a stream is no stream."""
    wire.play(script([b"<html>"], content_type="text/html; charset=utf-8"))
    client = invoke.client(api_key=KEY, base_url=wire.base_url)
    with pytest.raises(APIResponseValidationError, match="Expected a stream of events"):
        invoke(client.chat.completions.create, **CHAT, stream=True)


LABELS = ["application/json", "application/problem+json", "text/html; charset=utf-8", "text/plain", None]
BEGINNINGS = {
    "data": b"",
    "a comment": b": hello\n\n",
    "an event's name": b"event: message\n",
    "an id": b"id: 1\n",
    "a pause": b"retry: 10\n\n",
    "a mark and blank lines": b"\xef\xbb\xbf\r\n\n",
}


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("cut", ["whole", "at line breaks", "byte by byte"])
@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_a_stream_by_another_name(wire: Wire, invoke: Invoke, beginning: str, cut: str, zipped: bool) -> None:
    """A body that begins as a stream is read as one, each item once, whatever the server calls it."""
    client = invoke.client(api_key=KEY, base_url=wire.base_url, max_retries=0, deadline=60.0)
    segmentation = SEGMENTATIONS.get(cut, byte_by_byte)
    few = cut == "byte by byte"
    for label in LABELS[:1] if few else LABELS:
        for framing in FRAMINGS[:1] if few else FRAMINGS:
            parts = [BEGINNINGS[beginning], *events(*chat_events())]
            wire.play(script(parts, framing, segmentation, content_type=label, zipped=zipped))
            stream = invoke(client.chat.completions.create, **CHAT, stream=True)
            assert text_of(invoke.collect(stream)) == "one two three"
    assert {type(error) for error in half_streams(wire, invoke, client)} == {StreamInterruptedError}


def half_streams(wire: Wire, invoke: Invoke, client: Any) -> Iterator[BaseException]:
    """Read streams by other names that end in the middle, and yield what they raise."""
    for label in LABELS:
        wire.play(script([*events(*chat_events(finish=None), end=None)], content_type=label))
        with pytest.raises(OpenAIError) as caught:
            invoke.collect(invoke(client.chat.completions.create, **CHAT, stream=True))
        yield caught.value


@pytest.mark.parametrize(
    "body",
    [b"", b" ", b"null", b'"data: x"', b"[]", b"<p>data: x", b"dat", b"\xff\xfe{\x00}\x00", b" " * 70_000],
)
@pytest.mark.parametrize("label", ["application/json", "text/html"])
def test_what_is_no_stream_by_name_and_nature(wire: Wire, invoke: Invoke, label: str, body: bytes) -> None:
    """What neither is called a stream nor begins as one is refused, and its connection is free again."""
    client = invoke.client(api_key=KEY, base_url=wire.base_url, max_retries=0)
    for segmentation in (whole, byte_by_byte) if len(body) < 100 else (whole,):
        for framing in FRAMINGS:
            wire.play(script([body], framing, segmentation, content_type=label))
            with pytest.raises(APIResponseValidationError, match="Expected a stream"):
                invoke(client.chat.completions.create, **CHAT, stream=True)


@pytest.mark.parametrize("cut", [whole, byte_by_byte])
def test_an_error_in_place_of_a_stream(wire: Wire, invoke: Invoke, cut: Any) -> None:
    """An error in JSON that answers a streamed call is the server's word, however it arrives."""
    client = invoke.client(api_key=KEY, base_url=wire.base_url, max_retries=0)
    for framing in FRAMINGS:
        wire.play(script([JSON], framing, cut))
        with pytest.raises(APIError, match=r"^no$") as caught:
            invoke(client.chat.completions.create, **CHAT, stream=True)
        assert caught.value.code == "c"
