"""Connections over WebSockets, on both clients, against a real server."""

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, ConnectionClosedOK
from websockets.sync.server import Server, ServerConnection, serve

from ai_client import labels
from ai_client._sockets import channel
from ai_client._sockets.opening import ReconnectingEvent, ReconnectingOverrides
from ai_client.control import Guardrails
from ai_client.errors import (
    GuardrailError,
    OpenAIError,
    WebSocketConnectionClosedError,
    WebSocketQueueFullError,
)
from ai_client.live import LiveConnect, SidebandConnect
from tests.support.invoke import KEY, Invoke
from tests.support.journals import Journalled

Script = Callable[[ServerConnection], None]


class Peer:
    """A WebSocket server that runs one script for each connection and keeps what it was sent."""

    def __init__(self, server: Server, scripts: list[Script]) -> None:
        self.scripts = scripts
        self.received: list[Any] = []
        self.requests: list[Any] = []
        self.url = f"ws://127.0.0.1:{server.socket.getsockname()[1]}/v1"

    def handle(self, connection: ServerConnection) -> None:
        """Run the next script."""
        self.requests.append(connection.request)
        self.scripts.pop(0)(connection)


@pytest.fixture
def peer() -> Iterator[Peer]:
    """A server, told what to do by appending to its scripts."""
    holder: list[Peer] = []
    with serve(lambda connection: holder[0].handle(connection), "127.0.0.1", 0) as server:  # noqa: PLW0108 - not made yet
        holder.append(Peer(server, []))
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield holder[0]
        server.shutdown()
        thread.join()


def event(kind: str, **members: object) -> str:
    """Encode an event."""
    return json.dumps({"type": kind, **members})


def test_events_both_ways(invoke: Invoke, peer: Peer) -> None:
    """Methods send events of their own name; the server's come out typed, in order, until it closes."""

    def script(connection: ServerConnection) -> None:
        peer.received += [json.loads(connection.recv()) for _ in range(3)]
        connection.send(event("session.started", id="s1"))
        connection.send(event("tomorrow", more={"a": 1}))

    peer.scripts.append(script)
    client = invoke.client(websocket_base_url=peer.url)

    with invoke.within(
        LiveConnect(client).connect(extra_query={"q": "1"}, extra_headers={"x-own": "2"})
    ) as live:
        invoke(live.session.start, session={"model": "m"})
        invoke(live.session.input_audio.append, audio="AAAA", event_id="e1")
        invoke(live.send, {"type": "decision.create", "event_id": "e2"})
        found = invoke.collect(live)
    assert peer.received == [
        {"type": "session.start", "session": {"model": "m"}},
        {"type": "session.input_audio.append", "audio": "AAAA", "event_id": "e1"},
        {"type": "decision.create", "event_id": "e2"},
    ]
    assert [(each.type, each.to_dict()) for each in found] == [
        ("session.started", {"type": "session.started", "id": "s1"}),
        ("tomorrow", {"type": "tomorrow", "more": {"a": 1}}),
    ]
    request = peer.requests[0]
    assert request.path == "/v1/live/sessions?q=1"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["x-own"] == "2"


def calls(connection: Any) -> list[tuple[Callable[..., Any], dict[str, Any], str]]:
    """List every method of a live connection with arguments and the event that it sends."""
    session, item = connection.session, {"type": "message"}
    return [
        (session.start, {"session": {}}, "session.start"),
        (session.update, {"session": {}}, "session.update"),
        (session.close, {}, "session.close"),
        (session.commentary.append, {"content": "c", "delegation_id": None}, "session.commentary.append"),
        (session.instructions.append, {"content": "c", "delegation_id": "d"}, "session.instructions.append"),
        (session.thinking.append, {"content": "c", "delegation_id": "d"}, "session.thinking.append"),
        (session.input_audio.append, {"audio": "AA"}, "session.input_audio.append"),
        (session.input_audio.mute, {}, "session.input_audio.mute"),
        (session.input_audio.unmute, {}, "session.input_audio.unmute"),
        (session.output_audio.fixture.play, {"audio": "AA"}, "session.output_audio.fixture.play"),
        (connection.decision.create, {"event_id": "e"}, "decision.create"),
        (connection.decision.item.create, {"item": item}, "decision.item.create"),
        (connection.decision.item.delete, {"item_id": "i"}, "decision.item.delete"),
        (connection.response.create, {}, "response.create"),
        (connection.response.item.create, {"item": item}, "response.item.create"),
        (connection.transport.dtmf.send, {"event": "5"}, "transport.dtmf.send"),
    ]


def test_every_method_of_a_sideband(invoke: Invoke, peer: Peer) -> None:
    """Each method of a connection beside a session sends the event that its place and name say."""
    peer.scripts.append(
        lambda connection: peer.received.extend(json.loads(message) for message in connection)
    )
    client = invoke.client(websocket_base_url=peer.url)
    manager = SidebandConnect(client).connect(session_id="a/b", graceful_close=True)
    with invoke.within(manager) as connection:
        expected = []
        for method, arguments, kind in calls(connection):
            invoke(method, **arguments)
            expected.append({"type": kind, **arguments})
    assert wait_until(lambda: len(peer.received) == len(expected))
    assert peer.received == expected
    assert peer.requests[0].path == "/v1/live/sessions/a%2Fb/attach?graceful_close=true"


def wait_until(condition: Callable[[], bool], seconds: float = 5) -> bool:
    """Wait for a condition that another thread brings about."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.005)
    return condition()


def test_sent_before_it_is_open(invoke: Invoke, peer: Peer) -> None:
    """What is sent to a connection that is not open yet arrives first and in order, within a bound in bytes."""
    peer.scripts.append(
        lambda connection: peer.received.extend(json.loads(message) for message in connection)
    )
    client = invoke.client(websocket_base_url=peer.url)
    manager = LiveConnect(client).connect(max_queue_size=60)
    manager.send({"type": "first"})
    manager.send({"type": "second"})
    with pytest.raises(WebSocketQueueFullError, match="60 bytes"):
        manager.send({"type": "x" * 60})
    with invoke.within(manager) as connection:
        invoke(connection.send, {"type": "third"})
    assert wait_until(lambda: len(peer.received) == 3)
    assert [each["type"] for each in peer.received] == ["first", "second", "third"]


def test_reconnects_where_asked(invoke: Invoke, peer: Peer) -> None:
    """A connection that the server drops is opened again, with what the application's function changes."""
    seen: list[ReconnectingEvent] = []

    def first(connection: ServerConnection) -> None:
        connection.send(event("one"))
        connection.close(1012, "restart")

    def refused(connection: ServerConnection) -> None:
        connection.close(1013, "later")

    def second(connection: ServerConnection) -> None:
        connection.send(event("two"))

    peer.scripts += [first, refused, second]
    client = invoke.client(websocket_base_url=peer.url)

    def on_reconnecting(attempt: ReconnectingEvent) -> ReconnectingOverrides:
        seen.append(attempt)
        return {"extra_query": {"attempt": attempt.attempt}}

    manager = LiveConnect(client).connect(on_reconnecting=on_reconnecting, initial_delay=0.001)
    with invoke.within(manager) as connection:
        found = invoke.collect(connection)
    assert [each.type for each in found] == ["one", "two"]
    assert [(each.attempt, each.max_attempts, each.close_code) for each in seen] == [
        (1, 5, 1012),
        (2, 5, 1013),
    ]
    assert [request.path for request in peer.requests[1:]] == [
        "/v1/live/sessions?attempt=1",
        "/v1/live/sessions?attempt=2",
    ]


def greet_and_fail(connection: ServerConnection) -> None:
    """Send an event and break off, as an overloaded server does that greets everybody."""
    connection.send(event("session.created"))
    connection.close(1011, "overloaded")


@pytest.mark.parametrize("steady", [False, True])
def test_a_server_that_fails_again_and_again_is_given_up(
    invoke: Invoke, peer: Peer, monkeypatch: pytest.MonkeyPatch, steady: bool
) -> None:
    """Attempts are counted on although each connection brings an event, until one has lasted for a while."""
    peer.scripts += [greet_and_fail] * 12
    client = invoke.client(websocket_base_url=peer.url)
    attempts: list[int] = []

    def on_reconnecting(attempt: ReconnectingEvent) -> ReconnectingOverrides | None:
        attempts.append(attempt.attempt)
        return {"abort": True} if len(attempts) == 10 else None

    monkeypatch.setattr(channel, "_STEADY_SECONDS", 0.0 if steady else 1e9)
    manager = LiveConnect(client).connect(
        on_reconnecting=on_reconnecting, max_retries=3, initial_delay=0.001, max_delay=0.0
    )
    with invoke.within(manager) as connection, pytest.raises(WebSocketConnectionClosedError):
        invoke.collect(connection)
    assert attempts == ([1] * 10 if steady else [1, 2, 3])


def test_abort_of_reconnecting(invoke: Invoke, peer: Peer) -> None:
    """A function that says `abort` ends the attempts, and the close is raised."""
    peer.scripts.append(lambda connection: connection.close(1012, "restart"))
    client = invoke.client(websocket_base_url=peer.url)
    manager = LiveConnect(client).connect(on_reconnecting=lambda _: {"abort": True})
    with invoke.within(manager) as connection, pytest.raises(ConnectionClosedError):
        invoke.collect(connection)
    assert len(peer.requests) == 1


def test_unsent_messages_are_given_back(invoke: Invoke, peer: Peer) -> None:
    """Messages that could not be sent before the connection was given up are in the error, and not in its text."""
    peer.scripts.append(lambda connection: connection.close(1012, "restart"))
    client = invoke.client(websocket_base_url=peer.url)
    holder: list[Any] = []

    def on_reconnecting(_: ReconnectingEvent) -> ReconnectingOverrides:
        holder[0]._outbox.put('{"type": "secret"}')
        return {"abort": True}

    manager = LiveConnect(client).connect(on_reconnecting=on_reconnecting)
    with invoke.within(manager) as connection:
        holder.append(connection)
        with pytest.raises(WebSocketConnectionClosedError) as caught:
            invoke.collect(connection)
    assert caught.value.unsent_messages == ['{"type": "secret"}']
    assert "secret" not in str(caught.value)


def test_handlers(invoke: Invoke, peer: Peer) -> None:
    """Registered functions are called for their type, once where asked, those for `event` for every one."""

    def script(connection: ServerConnection) -> None:
        for kind in ("a", "b", "a"):
            connection.send(event(kind))

    peer.scripts.append(script)
    client = invoke.client(websocket_base_url=peer.url)
    manager = LiveConnect(client).connect()
    seen: list[str] = []
    manager.on("a", lambda each: seen.append(f"on {each.type}")).once("a", lambda _: seen.append("once"))

    @manager.on("event")  # type: ignore[untyped-decorator]
    def every(each: Any) -> None:
        seen.append(f"every {each.type}")

    with invoke.within(manager) as connection:
        connection.on("b", every).off("b", every)
        invoke(connection.dispatch_events)
    assert seen == ["on a", "once", "every a", "every b", "on a", "every a"]


def test_error_without_a_handler(invoke: Invoke, peer: Peer) -> None:
    """An error event that no function is registered for is raised."""
    peer.scripts.append(
        lambda connection: connection.send(event("error", error={"message": "no such session"}))
    )
    client = invoke.client(websocket_base_url=peer.url)
    with (
        invoke.within(LiveConnect(client).connect()) as connection,
        pytest.raises(OpenAIError, match="error"),
    ):
        invoke(connection.dispatch_events)


def test_receive_one_by_one(invoke: Invoke, peer: Peer) -> None:
    """`recv` and `recv_bytes` give the next event, decoded or not, and raise at the end."""

    def script(connection: ServerConnection) -> None:
        connection.send(event("one"))
        connection.send(event("two").encode())

    peer.scripts.append(script)
    client = invoke.client(websocket_base_url=peer.url)
    with invoke.within(LiveConnect(client).connect()) as connection:
        assert invoke(connection.recv).type == "one"
        assert connection.parse_event(invoke(connection.recv_bytes)).type == "two"
        with pytest.raises(ConnectionClosedOK):
            invoke(connection.recv)


def realtime_calls(connection: Any) -> list[tuple[Callable[..., Any], dict[str, Any], str]]:
    """List every method of a realtime connection with arguments and the event that it sends."""
    item = connection.conversation.item
    return [
        (connection.session.update, {"session": {"type": "realtime"}}, "session.update"),
        (connection.response.create, {"response": {"instructions": "Hi"}}, "response.create"),
        (connection.response.cancel, {"response_id": "r"}, "response.cancel"),
        (connection.input_audio_buffer.append, {"audio": "AA"}, "input_audio_buffer.append"),
        (connection.input_audio_buffer.commit, {}, "input_audio_buffer.commit"),
        (connection.input_audio_buffer.clear, {"event_id": "e"}, "input_audio_buffer.clear"),
        (connection.output_audio_buffer.clear, {}, "output_audio_buffer.clear"),
        (item.create, {"item": {"type": "message"}, "previous_item_id": "p"}, "conversation.item.create"),
        (item.delete, {"item_id": "i"}, "conversation.item.delete"),
        (item.retrieve, {"item_id": "i"}, "conversation.item.retrieve"),
        (
            item.truncate,
            {"item_id": "i", "content_index": 0, "audio_end_ms": 10},
            "conversation.item.truncate",
        ),
    ]


def test_every_method_of_realtime(invoke: Invoke, peer: Peer) -> None:
    """Each method of a realtime connection sends the event of its name, and the server's events come typed."""

    def script(connection: ServerConnection) -> None:
        connection.send(event("response.output_text.delta", delta="Hel", event_id="e", item_id="i"))
        peer.received.extend(json.loads(message) for message in connection)

    peer.scripts.append(script)
    client = invoke.client(websocket_base_url=peer.url, default_query={"k": "v"})
    with invoke.within(client.realtime.connect(model="gpt-realtime")) as connection:
        first = invoke(connection.recv)
        expected = []
        for method, arguments, kind in realtime_calls(connection):
            invoke(method, **arguments)
            expected.append({"type": kind, **arguments})
    assert wait_until(lambda: len(peer.received) == len(expected))
    assert peer.received == expected
    assert (type(first).__name__, first.delta) == ("ResponseTextDeltaEvent", "Hel")
    assert peer.requests[0].path == "/v1/realtime?k=v&model=gpt-realtime"


def test_translations(invoke: Invoke, peer: Peer) -> None:
    """A translation's methods send the events of their names."""
    peer.scripts.append(
        lambda connection: peer.received.extend(json.loads(message) for message in connection)
    )
    client = invoke.client(websocket_base_url=peer.url)
    with invoke.within(client.realtime.translations.connect("m")) as connection:
        invoke(connection.session.update, session={"a": 1})
        invoke(connection.session.input_audio_buffer.append, audio="AA")
        invoke(connection.session.close)
    assert wait_until(lambda: len(peer.received) == 3)
    kinds = [each["type"] for each in peer.received]
    assert kinds == ["session.update", "session.input_audio_buffer.append", "session.close"]
    assert peer.requests[0].path == "/v1/realtime/translations?model=m"


def test_address_follows_the_base_url(invoke: Invoke, peer: Peer) -> None:
    """Without an address of its own, a WebSocket goes where the API is, and an async key function is asked."""
    peer.scripts.append(lambda connection: connection.send(event("session.started")))

    async def key() -> str:
        return "fetched"

    options = {"base_url": peer.url.replace("ws:", "http:")}
    client = invoke.client(api_key=(lambda: "fetched") if invoke.sync else key, **options)
    with invoke.within(client.live.connect()) as connection:
        assert invoke(connection.recv).type == "session.started"
    assert peer.requests[0].headers["authorization"] == "Bearer fetched"


def test_responses(invoke: Invoke, peer: Peer) -> None:
    """Responses are asked for over a connection with the parameters of `create`, and their events come typed."""

    def script(connection: ServerConnection) -> None:
        peer.received.extend(json.loads(connection.recv()) for _ in range(2))
        connection.send(
            event("response.output_text.delta", delta="Hel", item_id="i", output_index=0, content_index=0)
        )

    peer.scripts.append(script)
    client = invoke.client(websocket_base_url=peer.url)
    with invoke.within(client.responses.connect()) as connection:
        invoke(connection.response.create, model="m", input="Hello")
        invoke(connection.response.steer, input=[], previous_response_id="r")
        found = invoke.collect(connection)
    assert peer.received == [
        {"type": "response.create", "model": "m", "input": "Hello"},
        {"type": "response.steer", "input": [], "previous_response_id": "r"},
    ]
    assert [(type(each).__name__, each.delta) for each in found] == [("ResponseTextDeltaEvent", "Hel")]
    assert peer.requests[0].path == "/v1/responses"


def test_a_message_without_an_end(invoke: Invoke, peer: Peer) -> None:
    """A message larger than `max_event_bytes` ends the connection by its name, and is not asked for again."""

    def script(connection: ServerConnection) -> None:
        connection.send(event("session.started"))
        with contextlib.suppress(ConnectionClosed):
            connection.send("x" * 10_000 for _ in range(100))
            connection.recv()

    peer.scripts.append(script)
    client = invoke.client(websocket_base_url=peer.url, max_event_bytes=50_000)
    asked: list[Any] = []
    with invoke.within(client.realtime.connect(model="m", on_reconnecting=asked.append)) as connection:
        invoke(connection.recv)
        with pytest.raises(WebSocketConnectionClosedError, match="max_event_bytes") as caught:
            invoke(connection.recv)
    assert caught.value.close_code == 1009
    assert not asked


def sent_within(invoke: Invoke, peer: Peer, rules: Guardrails, connect: str, events: list[Any]) -> list[Any]:
    """Send events in a session of a client with guardrails, the first before it is open, and return what came."""
    done = threading.Event()

    def script(connection: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                peer.received.append(json.loads(connection.recv()))
        done.set()

    peer.scripts.append(script)
    client = invoke.client(websocket_base_url=peer.url, layers=[rules])
    manager = (
        client.realtime.connect(model="gpt-realtime") if connect == "realtime" else client.responses.connect()
    )
    manager.send(events[0])
    with invoke.within(manager) as connection:
        for one in events[1:]:
            if isinstance(one, str):
                invoke(connection.send_raw, one)
            else:
                invoke(connection.send, one)
    assert done.wait(20)
    return peer.received


def test_the_limits_of_a_session_are_capped(invoke: Invoke, peer: Peer) -> None:
    """Limits that events ask for are lowered, the first settings get one, and later ones keep a lower one."""
    transcription = {"type": "session.update", "session": {"type": "transcription"}}
    events: list[Any] = [
        {"type": "session.update", "session": {"type": "realtime", "max_output_tokens": "inf"}},
        {"type": "session.update", "session": {"type": "realtime", "instructions": "Be brief."}},
        {"type": "session.update", "session": {"max_response_output_tokens": 4096}},
        transcription,
        {"type": "response.create"},
        {"type": "response.create", "response": {"max_output_tokens": 1000}},
        {"type": "response.create", "response": {"max_output_tokens": 10}},
        json.dumps({"type": "response.create", "response": {"max_output_tokens": "inf"}}),
        {"type": "input_audio_buffer.append", "audio": "AAAA"},
    ]
    assert sent_within(invoke, peer, Guardrails(max_output_tokens=100), "realtime", events) == [
        {"type": "session.update", "session": {"type": "realtime", "max_output_tokens": 100}},
        events[1],
        {"type": "session.update", "session": {"max_response_output_tokens": 100}},
        transcription,
        {"type": "response.create"},
        {"type": "response.create", "response": {"max_output_tokens": 100}},
        events[6],
        {"type": "response.create", "response": {"max_output_tokens": 100}},
        events[8],
    ]


def test_responses_over_a_socket_are_held_to_the_rules(invoke: Invoke, peer: Peer) -> None:
    """A response that is asked for over a WebSocket gets the cap and the defaults, and needs an allowed model."""
    rules = Guardrails(max_output_tokens=100, allowed_models=["gpt-*"], defaults={"temperature": 0})
    asked = {"type": "response.create", "model": "gpt-5.5", "input": "Hi"}
    events: list[Any] = [{**asked, "max_output_tokens": 1000}, asked]
    out = {**asked, "max_output_tokens": 100, "temperature": 0}
    assert sent_within(invoke, peer, rules, "responses", events) == [out, out]
    for forbidden in ({**asked, "model": "o9"}, json.dumps({**asked, "model": "o9"})):
        with pytest.raises(GuardrailError, match="'o9'"):
            sent_within(invoke, peer, rules, "responses", [asked, forbidden])


def test_a_session_changes_to_no_other_model(invoke: Invoke, peer: Peer) -> None:
    """Settings with a model that is not allowed are not sent, nor is the session opened where they wait for it."""
    rules = Guardrails(allowed_models=["gpt-*"])
    settings = {"type": "session.update", "session": {"type": "realtime", "model": "o9"}}
    for events in ([settings], [{"type": "response.create"}, settings]):
        with pytest.raises(GuardrailError, match="'o9'"):
            sent_within(invoke, peer, rules, "realtime", events)
    assert settings not in peer.received


def test_a_session_has_an_entry_in_the_journal(invoke: Invoke, peer: Peer) -> None:
    """A session is one call there, with its opening as the attempt and the tokens that its answers report."""
    usage = {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}
    done = event("response.done", response={"id": "r", "object": "realtime.response", "usage": usage})
    peer.scripts.append(lambda connection: connection.send(done))
    journal = Journalled({"content": True})
    client = invoke.client(websocket_base_url=peer.url, layers=journal.layers)
    with labels(tenant="acme"), invoke.within(client.realtime.connect(model="gpt-realtime")) as connection:
        invoke(connection.recv)
        assert journal.entries() == []
    entry = journal.only()
    assert (entry.path, entry.model, entry.tenant, entry.stream) == (
        "/realtime",
        "gpt-realtime",
        "acme",
        True,
    )
    assert entry.outcome in {"ok", "cancelled"}
    assert (entry.input_tokens, entry.output_tokens) == (3, 2)
    assert [(one.number, one.status, one.connect) for one in entry.attempts] == [(1, 101, None)]
