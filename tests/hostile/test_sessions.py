"""Sessions over WebSockets as part of their client's life: opened, counted, labelled and ended with it."""

import asyncio
import gc
import json
import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest
from websockets.sync.server import ServerConnection

from ai_client import (
    AsyncOpenAI,
    BudgetExceeded,
    ClientClosedError,
    ClientProvider,
    OpenAI,
    OpenAIError,
    labels,
)
from ai_client._sockets import sessions as _sessions
from ai_client.control import Call, Next, Reply
from ai_client.control.assembly import make_layers
from ai_client.control.concurrency import Concurrency
from ai_client.control.record import call_record
from ai_client.errors import BlockingCallWarning, GuardrailError, PolicyError, QueueFull
from tests.support.collector import Collector
from tests.support.hostile.websocket_peer import Peer, accepted
from tests.support.hostile.wire import HOLD, Wire
from tests.support.invoke import KEY

_PATIENCE = 20.0


class Side:
    """Drives one of the two clients from the thread of a test, several calls at once."""

    def __init__(self, *, sync: bool) -> None:
        self.sync = sync
        self._executor = ThreadPoolExecutor(8)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    def __repr__(self) -> str:
        return "sync" if self.sync else "async"

    def begin(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> "Future[Any]":
        """Begin a call."""
        if self.sync:
            return self._executor.submit(function, *args, **kwargs)

        async def run() -> Any:
            return await function(*args, **kwargs)

        return asyncio.run_coroutine_threadsafe(run(), self._loop)

    def __call__(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call and wait."""
        return self.begin(function, *args, **kwargs).result(_PATIENCE)

    def client(self, peer: Any, **options: Any) -> Any:
        """Make a client whose WebSockets go to a peer."""
        address = f"ws://127.0.0.1:{peer.port}/v1"
        return (OpenAI if self.sync else AsyncOpenAI)(
            api_key=KEY, base_url="http://x/v1", websocket_base_url=address, **options
        )

    def of(self, provider: ClientProvider) -> Any:
        """Return the client of a provider."""
        return provider.client if self.sync else provider.async_client

    def enter(self, manager: Any) -> Any:
        """Enter a block."""
        return self(manager.__enter__ if self.sync else manager.__aenter__)

    def leave(self, manager: Any) -> None:
        """Leave it."""
        self(manager.__exit__ if self.sync else manager.__aexit__, None, None, None)

    def collect(self, connection: Any) -> "Future[Any]":
        """Begin to iterate over a connection."""

        async def run() -> list[Any]:
            return [event async for event in connection]

        return self.begin(list, connection) if self.sync else self.begin(run)

    def close(self) -> None:
        """Stop."""
        self._executor.shutdown()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@pytest.fixture
def side(sync: bool) -> Iterator[Side]:
    """Each of the two clients, in turn."""
    side = Side(sync=sync)
    yield side
    side.close()


@pytest.fixture
def peer() -> Iterator[Peer]:
    """A started peer."""
    with Peer() as peer:
        yield peer


def provider_of(peer: Peer, **options: Any) -> ClientProvider:
    """Make a provider whose clients' WebSockets go to a peer."""
    return ClientProvider({"api_key": KEY, "base_url": f"http://127.0.0.1:{peer.port}/v1", **options})


@pytest.mark.parametrize("when", ["in the pause", "while it opens"])
@pytest.mark.parametrize("how", ["the block is left", "the connection is closed", "the client is closed"])
def test_a_reconnection_that_nobody_waits_for_ends(side: Side, peer: Peer, when: str, how: str) -> None:
    """Whoever ends a session that is just being opened again has no connection left open."""
    reconnecting, opening, go_on = threading.Event(), threading.Event(), threading.Event()
    peer.script = lambda connection: connection.close(1012)

    def before(_: Any) -> None:
        if len(peer.requests) > 1:
            opening.set()
            assert go_on.wait(_PATIENCE)
            peer.script = peer.collect

    peer.before = before
    client = side.client(peer)
    pause = 60.0 if when == "in the pause" else 0.001
    manager = client.realtime.connect(
        model="m", on_reconnecting=lambda _: reconnecting.set(), initial_delay=pause, max_delay=pause
    )
    connection = side.enter(manager)
    reading = side.collect(connection)
    assert (reconnecting if when == "in the pause" else opening).wait(_PATIENCE)
    if how == "the block is left":
        side.leave(manager)
    else:
        side(connection.close if how == "the connection is closed" else client.close)
    go_on.set()
    error = reading.exception(_PATIENCE)
    assert error is None or isinstance(error, OpenAIError)
    if how == "the client is closed":
        assert isinstance(error, ClientClosedError)
    peer.wait_for(lambda: peer.open == 0 and len(peer.codes) == len(peer.requests))
    side.leave(manager)
    assert len(peer.requests) == (1 if when == "in the pause" else 2)
    assert len(client._sessions) == 0
    side(client.close)


@pytest.mark.parametrize("how", ["iterate", "recv", "send"])
def test_closing_a_client_closes_its_sessions(side: Side, peer: Peer, how: str) -> None:
    """Sessions of a client and its copies end when it is closed, and whoever waits for them hears why."""
    client = side.client(peer)
    managers = [client.realtime.connect(model="m"), client.with_options(max_retries=1).live.connect()]
    connections = [side.enter(manager) for manager in managers]
    reading = [side.collect(each) if how == "iterate" else side.begin(each.recv) for each in connections]
    peer.wait_for(lambda: peer.open == 2)
    side(client.close)
    for each in reading:
        assert isinstance(each.exception(_PATIENCE), ClientClosedError)
    if how == "send":
        with pytest.raises(ClientClosedError):
            side(connections[0].send, {"type": "late"})
    peer.wait_for(lambda: peer.open == 0)
    assert peer.codes == [1001, 1001]
    for manager in managers:
        side.leave(manager)


def test_closing_waits_for_no_peer_that_hangs(side: Side) -> None:
    """A server that neither reads nor answers holds up nobody who closes the client."""
    with Wire() as wire:
        wire.answer = lambda request: [accepted(request), HOLD]
        client = side.client(wire)
        manager = client.realtime.connect(model="m", websocket_connection_options={"close_timeout": 600})
        connection = side.enter(manager)
        reading = side.collect(connection)
        side(client.close)
        assert isinstance(reading.exception(_PATIENCE), ClientClosedError)
        wire.wait_for(lambda: wire.open == 0)
        side.leave(manager)


def test_closing_frees_a_sender_that_is_stuck(side: Side, peer: Peer) -> None:
    """A sender whose server takes nothing any more fails when the client is closed."""
    stop = threading.Event()
    peer.script = lambda _: stop.wait(_PATIENCE) and None
    client = side.client(peer)
    manager = client.realtime.connect(model="m")
    connection = side.enter(manager)

    def stream() -> None:
        while True:
            connection.send_raw("x" * 1_000_000)

    async def stream_on_a_loop() -> None:
        while True:
            await connection.send_raw("x" * 1_000_000)

    sending = side.begin(stream if side.sync else stream_on_a_loop)
    peer.wait_for(lambda: peer.open == 1)
    side(client.close)
    assert isinstance(sending.exception(_PATIENCE), OpenAIError)
    stop.set()
    side.leave(manager)


def test_sessions_are_refused_at_the_end(side: Side, peer: Peer) -> None:
    """A provider's client opens no session once the application ends, nor does a copy of it."""
    provider = provider_of(peer)
    client = side.of(provider)
    copy = client.with_options(layers=())
    provider.close()
    for each in (client, copy):
        with pytest.raises(ClientClosedError):
            side.enter(each.realtime.connect(model="m"))
    assert peer.requests == []


def test_quiet_sessions_end_with_the_application(side: Side, peer: Peer) -> None:
    """A session in which nothing is under way is closed soon after the end has begun, and its iteration ends."""
    provider = provider_of(peer, shutdown_timeout=600)
    manager = side.of(provider).realtime.connect(model="m")
    reading = side.collect(side.enter(manager))
    ending = threading.Thread(target=provider.close)
    ending.start()
    assert reading.result(_PATIENCE) == []
    side.leave(manager)
    ending.join(_PATIENCE)
    assert not ending.is_alive()
    peer.wait_for(lambda: peer.codes == [1001])


def test_a_session_of_a_closed_loop_does_not_hold_the_end_up(peer: Peer) -> None:
    """A session that is still held counts no more once its event loop is closed, since nobody can go on with it."""
    provider = provider_of(peer, shutdown_timeout=600)

    async def open_one() -> Any:
        return await provider.async_client.realtime.connect(model="m").enter()

    connection = asyncio.run(open_one())
    ending = threading.Thread(target=provider.close, daemon=True)
    ending.start()
    ending.join(2 * _PATIENCE)
    assert not ending.is_alive()
    peer.wait_for(lambda: len(peer.codes) == 1)
    del connection
    gc.collect()


def test_answers_under_way_are_finished(side: Side, peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A session that answers when the end begins is waited for until the answer is whole, and then closed."""
    monkeypatch.setattr(_sessions, "QUIET_SECONDS", 0.0)
    asked, go_on = threading.Event(), threading.Event()

    def script(connection: ServerConnection) -> None:
        connection.recv()
        connection.send(json.dumps({"type": "response.created"}))
        asked.set()
        assert go_on.wait(_PATIENCE)
        connection.send(json.dumps({"type": "response.done"}))
        peer.collect(connection)

    peer.script = script
    provider = provider_of(peer, shutdown_timeout=600)
    client = side.of(provider)
    manager = client.realtime.connect(model="m")
    connection = side.enter(manager)
    side(connection.response.create)
    reading = side.collect(connection)
    assert asked.wait(_PATIENCE)
    ending = threading.Thread(target=provider.close)
    ending.start()
    session = connection._session
    peer.wait_for(lambda: session in _sessions._endings()._asked)
    with pytest.raises(ClientClosedError):
        side.enter(client.realtime.connect(model="m"))
    for _ in range(5):
        assert not session.end_if_quiet()
    go_on.set()
    assert [event.type for event in reading.result(_PATIENCE)] == ["response.created", "response.done"]
    ending.join(_PATIENCE)
    assert not ending.is_alive()
    side.leave(manager)


@pytest.mark.parametrize("how", ["close", "aclose", "drain"])
def test_sessions_are_cut_at_the_shutdown_timeout(side: Side, peer: Peer, how: str) -> None:
    """A session that goes on is closed when the time is over, and its reader hears why."""

    def script(connection: ServerConnection) -> None:
        connection.send(json.dumps({"type": "response.created"}))
        peer.collect(connection)

    peer.script = script
    provider = provider_of(peer, shutdown_timeout=0.3)
    manager = side.of(provider).realtime.connect(model="m")
    connection = side.enter(manager)
    assert side(connection.recv).type == "response.created"
    reading = side.collect(connection)
    if how == "aclose":
        asyncio.run(provider.aclose())
    else:
        getattr(provider, how)()
    assert isinstance(reading.exception(_PATIENCE), ClientClosedError)
    provider.close()
    peer.wait_for(lambda: peer.open == 0)
    assert peer.codes == [1001]
    side.leave(manager)


def test_sessions_are_seen_where_they_block(peer: Peer) -> None:
    """Opening a sync session on the thread of an event loop, or waiting for its events, is a sync call."""
    client = OpenAI(api_key=KEY, websocket_base_url=peer.url, on_blocking_call="raise")

    async def main() -> None:
        with pytest.raises(BlockingCallWarning), client.realtime.connect(model="m"):
            pass
        with pytest.raises(BlockingCallWarning):
            connection.recv()

    manager = client.realtime.connect(model="m")
    with manager as connection:
        asyncio.run(main())
    client.close()
    assert len(peer.requests) == 1


def answering(connection: ServerConnection) -> None:
    """Answer each request, saying what it used."""
    for message in connection:
        if json.loads(message)["type"] == "response.create":
            usage = {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}
            connection.send(json.dumps({"type": "response.created", "response": {}}))
            connection.send(
                json.dumps({"type": "response.done", "response": {"model": "gpt-5.5", "usage": usage}})
            )


def test_policies_know_a_session(side: Side, peer: Peer, caplog: pytest.LogCaptureFixture) -> None:
    """A session is one call to logs and hooks, with its labels and the tokens of all its answers, when it has ended."""
    peer.script = answering
    told: list[Any] = []
    controls = {
        "logs": True,
        "hooks": {"on_call": told.append, "on_result": told.append, "on_error": told.append},
        "cost": True,
        "prices": {"gpt-5.5": {"input": 1.0, "output": 2.0}},
    }
    client = side.client(peer, layers=make_layers(controls))
    manager = client.realtime.connect(model="gpt-5.5")

    def talk() -> Any:
        with labels(endpoint="/talk", tenant="acme"), manager as connection:
            for _ in range(2):
                connection.response.create()
                while connection.recv().type != "response.done":
                    pass
            return connection

    async def talk_on_a_loop() -> Any:
        with labels(endpoint="/talk", tenant="acme"):
            async with manager as connection:
                for _ in range(2):
                    await connection.response.create()
                    while (await connection.recv()).type != "response.done":
                        pass
                return connection

    with caplog.at_level(logging.INFO, "ai_client.calls"):
        connection = side(talk if side.sync else talk_on_a_loop)
    (said,) = caplog.records
    members = vars(said)
    assert (members["ai_path"], members["ai_model"], members["ai_stream"]) == ("/realtime", "gpt-5.5", True)
    assert (members["ai_endpoint"], members["ai_tenant"], members["ai_status"]) == ("/talk", "acme", 101)
    assert (members["ai_input_tokens"], members["ai_output_tokens"]) == (20, 10)
    assert members["ai_usd"] == pytest.approx(40e-6)
    assert [type(each).__name__ for each in told] == ["CallDetails", "ResultDetails"]
    record = call_record(connection)
    assert record is not None
    assert (record.usage and record.usage.total, record.attempts) == (30, 1)
    side(client.close)


def test_a_session_is_one_span(side: Side, peer: Peer) -> None:
    """A session is one span until it ends, with its own address and the tokens of all its answers."""
    peer.script = answering
    with closing(Collector()) as collector:
        client = side.client(peer, layers=[collector.telemetry()])
        manager = client.realtime.connect(model="gpt-5.5")
        connection = side.enter(manager)
        for _ in range(2):
            side(connection.response.create)
            while side(connection.recv).type != "response.done":
                pass
        assert collector.spans == []
        side.leave(manager)
        side(client.close)
        (span,) = collector.spans
        assert span.name == "realtime gpt-5.5"
        expected = {
            "gen_ai.usage.input_tokens": 20,
            "gen_ai.usage.output_tokens": 10,
            "server.port": peer.port,
            "gen_ai.response.model": "gpt-5.5",
            "ai_client.complete": True,
        }
        assert expected.items() <= dict(span.attributes).items()
        assert "gen_ai.response.finish_reasons" not in span.attributes
        assert "gen_ai.client.operation.time_per_output_chunk" not in collector.metrics()


def test_a_session_holds_its_place_until_it_ends(side: Side, peer: Peer) -> None:
    """A session counts among the calls under way from its opening to its end, however it ends."""
    concurrency = Concurrency(max_in_flight=1, max_queue=0)
    client = side.client(peer, layers=[concurrency])
    manager = client.realtime.connect(model="m")
    side.enter(manager)
    assert concurrency.in_flight == 1
    with pytest.raises(QueueFull):
        side.enter(client.live.connect())
    side.leave(manager)
    assert concurrency.in_flight == 0
    peer.script = lambda connection: connection.close(1011)
    manager = client.realtime.connect(model="m")
    reading = side.collect(side.enter(manager))
    assert isinstance(reading.exception(_PATIENCE), OpenAIError)
    assert concurrency.in_flight == 0
    side.leave(manager)
    peer.script = peer.collect
    connection = side.enter(client.realtime.connect(model="m"))
    assert concurrency.in_flight == 1
    del connection
    gc.collect()
    peer.wait_for(lambda: concurrency.in_flight == 0 and peer.open == 0)
    side(client.close)


def test_guardrails_are_asked_when_a_session_is_opened(side: Side, peer: Peer) -> None:
    """A model that is not allowed opens no session."""
    client = side.client(peer, layers=make_layers({"guardrails": {"allowed_models": ["gpt-*"]}}))
    with pytest.raises(GuardrailError):
        side.enter(client.realtime.connect(model="other"))
    assert peer.requests == []
    manager = client.realtime.connect(model="gpt-5.5")
    side.enter(manager)
    side.leave(manager)
    side(client.close)


def test_controls_that_no_session_fits_are_passed_by(side: Side, peer: Peer) -> None:
    """Cache, fallback and one's own policy that says so see no session; any other policy of one's own does."""
    seen: list[str] = []

    class Mine:
        def __init__(self, name: str, *, for_sessions: bool) -> None:
            self.name = name
            self.for_sessions = for_sessions

        async def __call__(self, call: Call, proceed: Next) -> Reply:
            seen.append(f"{self.name} {call.path}")
            return await proceed(call)

    controls = {"cache": {"scope": "all"}, "models": {"m": ["a", "b"]}, "retry_budget": True}
    layers = [Mine("yes", for_sessions=True), Mine("no", for_sessions=False), *make_layers(controls)]
    client = side.client(peer, layers=layers)
    manager = client.realtime.connect(model="m")
    side.enter(manager)
    side.leave(manager)
    assert seen == ["yes /realtime"]
    assert peer.requests[0].path == "/v1/realtime?model=m"
    side(client.close)


def test_budgets_count_what_a_session_used(side: Side, peer: Peer) -> None:
    """What the answers of a session report is spent from the budget, and once that is spent no session is opened."""
    peer.script = answering
    client = side.client(peer, layers=make_layers({"budgets": [{"tokens": 25}]}))
    for _ in range(2):
        manager = client.realtime.connect(model="gpt-5.5")
        connection = side.enter(manager)
        side(connection.response.create)
        while side(connection.recv).type != "response.done":
            pass
        side.leave(manager)
    with pytest.raises(BudgetExceeded):
        side.enter(client.realtime.connect(model="gpt-5.5"))
    assert len(peer.requests) == 2
    side(client.close)


def long_answers(connection: ServerConnection) -> None:
    """Say which model transcribes, what the user said, and answer twice with a long prompt."""
    heard = {"audio": {"input": {"transcription": {"model": "gpt-4o-mini-transcribe"}}}}
    connection.send(json.dumps({"type": "session.created", "session": heard}))
    said = {"type": "tokens", "input_tokens": 1000, "output_tokens": 20, "total_tokens": 1020}
    audio = {**said, "input_token_details": {"audio_tokens": 1000, "text_tokens": 0}}
    connection.send(
        json.dumps(
            {
                "type": "conversation.item.input_audio_transcription.completed",
                "item_id": "i",
                "content_index": 0,
                "transcript": "Hi",
                "usage": audio,
            }
        )
    )
    usage = {"input_tokens": 200_000, "output_tokens": 5, "total_tokens": 200_005}
    for tier in ("default", "priority"):
        response = {"model": "gpt-5.5", "usage": usage, "service_tier": tier}
        connection.send(json.dumps({"type": "response.done", "response": response}))


def test_each_answer_of_a_session_is_priced_by_itself(side: Side, peer: Peer) -> None:
    """The answers of a session cost what each costs, at its length and tier, and so does what was transcribed."""
    from genai_prices import Usage, calc_price

    def theirs(model: str, tier: str | None = None, **units: int) -> int:
        context = None if tier is None else {"service_tier": tier}
        found = calc_price(Usage(**units), model, provider_id="openai", price_context=context)
        return round(found.total_price * 10**9)

    peer.script = long_answers
    controls = {"cost": True, "budgets": [{"usd": 100}], "price_options": {"provider": "openai"}}
    client = side.client(peer, layers=make_layers(controls))
    manager = client.realtime.connect(model="gpt-5.5")
    connection = side.enter(manager)
    for _ in range(4):
        side(connection.recv)
    side.leave(manager)
    record = call_record(connection)
    assert record is not None
    prompt = {"input_tokens": 200_000, "output_tokens": 5}
    heard = {"input_tokens": 1000, "output_tokens": 20, "input_audio_tokens": 1000}
    assert record.nano_usd == (
        theirs("gpt-5.5", "default", **prompt)
        + theirs("gpt-5.5", "priority", **prompt)
        + theirs("gpt-4o-mini-transcribe", **heard)
    )
    assert record.usage is not None
    assert (record.usage.input, record.usage.output) == (401_000, 30)
    side(client.close)


def test_a_policy_that_opens_twice_leaves_one_socket(side: Side, peer: Peer) -> None:
    """Where a policy of one's own opens a session twice, the answer that it returns is the only session."""
    concurrency = Concurrency(max_in_flight=5)

    async def twice(call: Call, proceed: Next) -> Reply:
        first = await proceed(call)
        await proceed(call)
        return first

    client = side.client(peer, layers=[twice, concurrency])
    manager = client.realtime.connect(model="m")
    connection = side.enter(manager)
    peer.wait_for(lambda: len(peer.requests) == 2 and peer.open == 1)
    assert concurrency.in_flight == 1
    side(connection.response.create)
    side.leave(manager)
    peer.wait_for(lambda: peer.open == 0)
    assert concurrency.in_flight == 0
    side(client.close)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_policy_that_fails_opens_no_session(side: Side, peer: Peer, *, after: bool) -> None:
    """A fault of a policy of one's own where a session is opened is an error of ours, and leaves no socket open."""

    async def fails(call: Call, proceed: Next) -> Reply:
        if after:
            await proceed(call)
        raise LookupError

    client = side.client(peer, layers=[fails])
    with pytest.raises(PolicyError, match="LookupError"):
        side.enter(client.realtime.connect(model="m"))
    peer.wait_for(lambda: peer.open == 0)
    side(client.close)


def test_a_policy_that_fails_at_an_event_of_a_session(side: Side, peer: Peer) -> None:
    """A fault of a policy of one's own at a message is an error of ours to who waits for it."""
    peer.script = answering

    async def watch(call: Call, proceed: Next) -> Reply:
        reply = await proceed(call)
        reply.on_event.append(lambda data: {}[data])
        return reply

    client = side.client(peer, layers=[watch])
    manager = client.realtime.connect(model="m")
    connection = side.enter(manager)
    side(connection.response.create)
    with pytest.raises(PolicyError, match="KeyError"):
        side(connection.recv)
    side.leave(manager)
    side(client.close)
