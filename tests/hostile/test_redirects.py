"""Redirects that lead nowhere: said at once, in errors of ours, with the permit given back."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from ai_client import APIConnectionError, DefaultAsyncHttpxClient, DefaultHttpxClient
from tests.support.hostile.wire import Wire
from tests.support.invoke import CHAT, KEY, Invoke, no_waiting

NOWHERE = [
    b"ftp://h/",
    b"mailto:a@b",
    b"javascript:1",
    b"https:",
    b"http://127.0.0.1:99999/",
    b"http://[::1",
    b"http://a b/",
    b"http://.../",
    b"http://a..b/",
    b"http://xn--/",
    b"http://xn--a/",
    b"http://" + b"a" * 300 + b"/",
]
ROUND = [b"/v1/models", b"?", b"#", b"http://", b"//"]


def plain(invoke: Invoke) -> dict[str, Any]:
    """Return the option that has a client stand on one of httpx."""
    cls: Any = httpx.Client if invoke.sync else httpx.AsyncClient
    return {"http_client": cls(follow_redirects=True)}


def default(invoke: Invoke) -> dict[str, Any]:
    """Return the option that has a client stand on our class of httpx's clients."""
    return {"http_client": (DefaultHttpxClient if invoke.sync else DefaultAsyncHttpxClient)()}


CLIENTS: dict[str, Callable[[Invoke], dict[str, Any]]] = {
    "pool": lambda _: {"max_connections": 1},
    "httpx": plain,
    "default": default,
}


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("kind", CLIENTS)
def test_redirects_to_nowhere(wire: Wire, invoke: Invoke, kind: str, streamed: bool) -> None:
    """A redirect to what is no address, and one that goes round, are errors that say so, and not tried again."""
    client = invoke.client(api_key=KEY, base_url=wire.base_url, **CLIENTS[kind](invoke))
    for location in NOWHERE + ROUND:
        wire.play([b"HTTP/1.1 307 Moved\r\nContent-Length: 0\r\nLocation: " + location + b"\r\n\r\n"])
        with no_waiting(), pytest.raises(APIConnectionError, match="redirect") as raised:
            invoke(client.chat.completions.create, **CHAT, stream=streamed)
        assert len(wire.requests) == (21 if location in ROUND else 1), location
        del raised


def test_other_failures_are_tried_again(wire: Wire, invoke: Invoke) -> None:
    """A redirect to where nobody listens may be a server that starts, and is followed again."""
    client = invoke.client(api_key=KEY, base_url=wire.base_url)
    wire.play([b"HTTP/1.1 307 Moved\r\nContent-Length: 0\r\nLocation: http://127.0.0.1:1/\r\n\r\n"])
    with no_waiting(), pytest.raises(APIConnectionError):
        invoke(client.chat.completions.create, **CHAT)
    assert len(wire.requests) == 3


@pytest.mark.parametrize("kind", CLIENTS)
def test_a_redirect_of_what_can_be_read_only_once(wire: Wire, invoke: Invoke, kind: str) -> None:
    """An upload whose source gives its bytes once goes to no second place; a redirect that drops it is followed."""
    client = invoke.client(api_key=KEY, base_url=wire.base_url, **CLIENTS[kind](invoke))
    file = b'{"id": "f", "object": "file"}'
    done = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
        len(file),
        file,
    )
    for status in (301, 302, 303, 307, 308):
        moved = b"HTTP/1.1 %d Moved\r\nContent-Length: 0\r\nLocation: /moved\r\n\r\n" % status
        again = moved.replace(b"%d" % status, b"307")
        wire.play([moved], [again], [done])
        upload = ("name", iter([b"part"] * 3))
        if status < 307:
            assert invoke(client.files.create, file=upload, purpose="batch").id == "f"
            assert [(request.method, request.target) for request in wire.requests][1:] == [
                ("GET", "/moved")
            ] * 2
        else:
            with no_waiting(), pytest.raises(APIConnectionError, match="redirects an upload"):
                invoke(client.files.create, file=upload, purpose="batch")
            assert len(wire.requests) == 1
        wire.play([moved], [done])
        assert invoke(client.files.create, file=b"part", purpose="batch").id == "f"
