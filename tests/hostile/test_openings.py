"""Answers that fail before a result is there: openings of streams that are none, and redirects to nowhere."""

from typing import Any

import pytest

from ai_client import APIConnectionError, APIResponseValidationError, APITimeoutError, OpenAIError
from tests.support.hostile.framing import EVENT_STREAM, events, framed, head, script, whole
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
