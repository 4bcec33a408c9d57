"""What a server may do to a WebSocket: send it elsewhere, refuse it, break it; keys stay, and errors are ours."""

import pickle
import ssl
from http import HTTPStatus
from typing import Any

import pytest
import trustme

from ai_client import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AsyncAzureOpenAI,
    AuthenticationError,
    AzureOpenAI,
    ClientClosedError,
    DeadlineExceededError,
    InternalServerError,
    OpenAIError,
    RateLimitError,
)
from ai_client.errors import WebSocketConnectionClosedError, WebSocketRedirectError
from tests.support.hostile.websocket_peer import Peer, accepted, frame, redirect
from tests.support.hostile.wire import CLOSE, HOLD, RESET, Wire
from tests.support.invoke import KEY, Invoke

ELSEWHERE = {
    "port": "ws://127.0.0.1:{other}/v1/realtime",
    "as http": "http://127.0.0.1:{other}/v1/realtime",
    "no scheme": "//127.0.0.1:{other}/v1/realtime",
    "name": "ws://localhost:{port}/v1/realtime",
    "user info": "ws://127.0.0.1:{port}@127.0.0.1:{other}/v1/realtime",
    "tls": "wss://127.0.0.1:{port}/v1/realtime",
    "another scheme": "ftp://127.0.0.1:{port}/v1/realtime",
    "no address": "ws://[",
}


BRISK = {"close_timeout": 0.3}
"""For servers that answer no goodbye."""


def connect(invoke: Invoke, client: Any, **options: Any) -> None:
    """Open a realtime session and leave it."""
    with invoke.within(client.realtime.connect(model="m", **options)):
        pass


@pytest.mark.parametrize("kind", ["key", "azure", "headers"])
@pytest.mark.parametrize("where", ELSEWHERE)
def test_redirects_to_another_origin_are_refused(invoke: Invoke, where: str, kind: str) -> None:
    """A WebSocket that the server sends to another origin is not opened there, so that no credential goes along."""
    with Peer() as first, Peer() as second:
        first.before = redirect(ELSEWHERE[where].format(port=first.port, other=second.port))
        if kind == "azure":
            cls = AzureOpenAI if invoke.sync else AsyncAzureOpenAI
            client = invoke.client(cls, api_version="v", websocket_base_url=first.url)
        else:
            headers = {"Cookie": "c=secret", "x-own": "secret"} if kind == "headers" else None
            client = invoke.client(websocket_base_url=first.url, default_headers=headers)
        with pytest.raises(WebSocketRedirectError, match="another origin") as caught:
            connect(invoke, client)
        assert isinstance(caught.value, APIConnectionError)
        assert KEY not in str(caught.value) + repr(caught.value)
        assert (len(first.requests), second.requests) == (1, [])


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "where", ["/v1/there?x=1", "ws://127.0.0.1:{port}/v1/there?x=1", "http://127.0.0.1:{port}/v1/there?x=1"]
)
def test_redirects_within_the_origin_are_followed(invoke: Invoke, where: str, status: int) -> None:
    """A server may send a WebSocket to another address of its own, by both clients and every version of websockets."""
    with Peer() as peer:
        elsewhere = redirect(where.format(port=peer.port), HTTPStatus(status))
        peer.before = lambda request: None if "there" in request.path else elsewhere(request)
        connect(invoke, invoke.client(websocket_base_url=peer.url))
        assert [request.path for request in peer.requests] == ["/v1/realtime?model=m", "/v1/there?x=1"]
        assert peer.requests[1].headers["authorization"] == f"Bearer {KEY}"


def test_redirects_end(invoke: Invoke) -> None:
    """A server that redirects for ever is given up."""
    with Peer() as peer:
        peer.before = redirect("/v1/again")
        with pytest.raises(APIConnectionError, match="redirects"):
            connect(invoke, invoke.client(websocket_base_url=peer.url))
        assert len(peer.requests) < 30


def test_redirects_of_a_reconnection_are_refused_too(invoke: Invoke) -> None:
    """A connection that is opened again goes to no other origin either."""
    with Peer() as first, Peer() as second:
        first.script = lambda connection: connection.close(1012)
        client = invoke.client(websocket_base_url=first.url)
        elsewhere = redirect(second.url + "/realtime")
        first.before = lambda request: None if len(first.requests) == 1 else elsewhere(request)
        manager = client.realtime.connect(model="m", on_reconnecting=lambda _: None, initial_delay=0.001)
        with invoke.within(manager) as connection, pytest.raises(WebSocketRedirectError):
            invoke.collect(connection)
        assert second.requests == []


REFUSED: dict[int, type[Exception]] = {
    200: APIStatusError,
    204: APIStatusError,
    304: APIStatusError,
    401: AuthenticationError,
    429: RateLimitError,
    503: InternalServerError,
}


@pytest.mark.parametrize("status", REFUSED)
def test_refusals_are_typed_by_status(invoke: Invoke, wire: Wire, status: int) -> None:
    """A server that answers in plain HTTP is heard as for any call, without the key that it may repeat."""
    body = b'{"error": {"message": "no: %b", "code": "c"}}' % KEY.encode()
    if status in {204, 304}:
        body = b""
    head = b"HTTP/1.1 %d Reason\r\nx-request-id: r1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    wire.play([head % (status, len(body)), body, CLOSE])
    client = invoke.client(websocket_base_url=wire.base_url)
    with pytest.raises(REFUSED[status]) as caught:
        connect(invoke, client)
    assert isinstance(caught.value, APIStatusError)
    assert (caught.value.status_code, caught.value.request_id) == (status, "r1")
    assert KEY not in str(caught.value)
    wire.wait_for(lambda: wire.open == 0)


UNOPENED: dict[str, list[Any]] = {
    "closed": [CLOSE],
    "reset": [RESET],
    "no http": [b"220 smtp.example ESMTP\r\n", CLOSE],
    "half a head": [b"HTTP/1.1 101 Switching", CLOSE],
    "no accept": [
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        CLOSE,
    ],
    "no upgrade": [b"HTTP/1.1 101 Switching Protocols\r\n\r\n", CLOSE],
    "long head": [b"HTTP/1.1 101 Switching Protocols\r\nX: " + b"x" * 100_000 + b"\r\n\r\n", CLOSE],
    "half a refusal": [b"HTTP/1.1 500 No\r\nContent-Length: 9\r\n\r\n{", CLOSE],
    "bad gzip": [b"HTTP/1.1 500 No\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", CLOSE],
}


@pytest.mark.parametrize("fault", UNOPENED)
def test_connections_that_do_not_open(invoke: Invoke, wire: Wire, fault: str) -> None:
    """Whatever a server does in place of opening a WebSocket is one of our errors, and leaves nothing open."""
    wire.play(UNOPENED[fault])
    client = invoke.client(websocket_base_url=wire.base_url)
    with pytest.raises((APIConnectionError, APIStatusError)):
        connect(invoke, client)
    wire.wait_for(lambda: wire.open == 0)
    assert len(client._sessions) == 0


def test_silence_is_a_timeout(invoke: Invoke, wire: Wire) -> None:
    """A server that says nothing is given up by the time for opening, and by the client's deadline, which says so."""
    wire.play([HOLD])
    client = invoke.client(websocket_base_url=wire.base_url)
    with pytest.raises(APITimeoutError) as caught:
        connect(invoke, client, websocket_connection_options={"open_timeout": 0.2})
    assert not isinstance(caught.value, DeadlineExceededError)
    with pytest.raises(DeadlineExceededError):
        connect(invoke, client.with_options(deadline=0.2))
    wire.wait_for(lambda: wire.open == 0)


def test_nobody_there(invoke: Invoke) -> None:
    """A port that nobody listens on, and a server that nobody vouches for, are errors of connecting."""
    with pytest.raises(APIConnectionError):
        connect(invoke, invoke.client(websocket_base_url="ws://127.0.0.1:1/v1"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with Peer(ssl=context) as peer, pytest.raises(APIConnectionError):
        connect(invoke, invoke.client(websocket_base_url=peer.url.replace("ws:", "wss:")))


BROKEN: dict[str, list[Any]] = {
    "closed": [CLOSE],
    "reset": [RESET],
    "half a frame": [b"\x81\x10half", CLOSE],
    "not utf-8": [frame(b"\xff\xfe"), CLOSE],
    "unknown opcode": [frame(b"", 3), CLOSE],
    "masked": [b"\x81\x81abcd1", CLOSE],
    "rubbish": [b"\xff" * 64, CLOSE],
    "long control": [b"\x89\x7e\x01\x00" + b"x" * 256, CLOSE],
    "bad close": [frame(b"\x01", 8), CLOSE],
    "policy": [frame(b"\x03\xf0no", 8), CLOSE],
}


@pytest.mark.parametrize("fault", BROKEN)
@pytest.mark.parametrize("how", ["iterate", "recv", "recv_bytes"])
def test_connections_that_break(invoke: Invoke, wire: Wire, fault: str, how: str) -> None:
    """A connection that breaks is one of our errors, and the package's too, for who catches that."""
    wire.answer = lambda request: [accepted(request) + frame(b'{"type": "one"}'), 0.01, *BROKEN[fault]]
    client = invoke.client(websocket_base_url=wire.base_url)
    from websockets.exceptions import ConnectionClosedError

    with invoke.within(client.live.connect(websocket_connection_options=BRISK)) as connection:
        assert invoke(connection.recv).type == "one"
        with pytest.raises(WebSocketConnectionClosedError) as caught:
            invoke.collect(connection) if how == "iterate" else invoke(getattr(connection, how))
        assert isinstance(caught.value, ConnectionClosedError)
        kept = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 -- our own
        assert (str(kept), kept.close_code) == (str(caught.value), caught.value.close_code)
        with pytest.raises(WebSocketConnectionClosedError) as unsent:
            invoke(connection.send, {"type": "late"})
        assert unsent.value.unsent_messages == ['{"type":"late"}']
    wire.wait_for(lambda: wire.open == 0)
    assert len(client._sessions) == 0


@pytest.mark.parametrize("event", [b"", b"no json", b"null", b"[]", b'"a"', b'{"type": '])
def test_events_that_are_none(invoke: Invoke, wire: Wire, event: bytes) -> None:
    """A message that is no event is one of our errors, and the session goes on after it."""
    wire.answer = lambda request: [accepted(request) + frame(event) + frame(b'{"type": "two"}'), HOLD]
    client = invoke.client(websocket_base_url=wire.base_url)
    with invoke.within(client.live.connect(websocket_connection_options=BRISK)) as connection:
        with pytest.raises(OpenAIError, match="JSON"):
            invoke(connection.recv)
        assert invoke(connection.recv).type == "two"


def test_a_closed_client_opens_nothing(invoke: Invoke) -> None:
    """A closed client, and a copy of one, refuse to open a session."""
    with Peer() as peer:
        client = invoke.client(websocket_base_url=peer.url)
        copy = client.with_options(max_retries=0)
        invoke(client.close)
        for closed in (client, copy):
            for manager in (
                closed.realtime.connect(model="m"),
                closed.responses.connect(),
                closed.live.connect(),
            ):
                with pytest.raises(ClientClosedError), invoke.within(manager):
                    pass
        assert peer.requests == []


AZURE = "http://127.0.0.1:{port}"
PLACES: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "endpoint": ({"azure_endpoint": AZURE}, {}, "/openai/realtime?api-version=v1&deployment=m"),
    "slash": ({"azure_endpoint": AZURE + "/"}, {}, "/openai/realtime?api-version=v1&deployment=m"),
    "deployment": (
        {"azure_endpoint": AZURE, "azure_deployment": "d"},
        {},
        "/openai/realtime?api-version=v1&deployment=d",
    ),
    "call": (
        {"azure_endpoint": AZURE},
        {"call_id": "c"},
        "/openai/realtime?call_id=c&api-version=v1&deployment=m",
    ),
    "base": ({"base_url": AZURE + "/openai/v1"}, {}, "/openai/v1/realtime?api-version=v1&deployment=m"),
    "websocket base": (
        {"azure_endpoint": "http://x", "azure_deployment": "d", "websocket_base_url": AZURE + "/x?q=1"},
        {},
        "/x/realtime?q=1&api-version=v1&deployment=d",
    ),
    "query": (
        {"azure_endpoint": AZURE, "default_query": {"a": "1"}},
        {"extra_query": {"deployment": "z", "api-version": "v9", "b": "2"}},
        "/openai/realtime?a=1&deployment=m&api-version=v1&b=2",
    ),
}


@pytest.mark.parametrize("place", PLACES)
def test_azure_names_the_deployment_in_the_query(invoke: Invoke, place: str) -> None:
    """Azure's realtime API is asked where the official SDK does: the query names the deployment."""
    options, arguments, expected = PLACES[place]
    with Peer() as peer:
        given = {
            name: value.format(port=peer.port) if isinstance(value, str) else value
            for name, value in options.items()
        }
        base_url = given.pop("base_url", None)
        cls = AzureOpenAI if invoke.sync else AsyncAzureOpenAI
        client = invoke.client(cls, api_version="v1", base_url=base_url, **given)
        connect(invoke, client, **arguments)
        path, _, query = peer.requests[0].path.partition("?")
        wanted, _, wanted_query = expected.partition("?")
        assert (path, sorted(query.split("&"))) == (wanted, sorted(wanted_query.split("&")))
        assert peer.requests[0].headers["api-key"] == KEY


def test_azure_needs_a_model(invoke: Invoke) -> None:
    """Without a model Azure's realtime API is not asked, whatever deployment the client has."""
    with Peer() as peer:
        cls = AzureOpenAI if invoke.sync else AsyncAzureOpenAI
        for options in ({}, {"azure_deployment": "d"}):
            address = f"http://127.0.0.1:{peer.port}"
            client = invoke.client(cls, api_version="v1", base_url=None, azure_endpoint=address, **options)
            for arguments in ({}, {"call_id": "c"}, {"model": ""}):
                with (
                    pytest.raises(OpenAIError, match="needs a model"),
                    invoke.within(client.realtime.connect(**arguments)),
                ):
                    pass
        assert peer.requests == []
