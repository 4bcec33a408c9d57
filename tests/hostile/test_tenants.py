"""Tenants with keys of their own: each key reaches the address that it is for, and what is the client's stays there."""

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any

import pytest
from websockets.http11 import Request as Handshake, Response as Refusal

from ai_client import (
    AsyncOpenAI,
    AuthenticationError,
    Credentials,
    Labels,
    OpenAI,
    WebSocketRedirectError,
    labels,
)
from ai_client.control.concurrency import Concurrency
from ai_client.live import LiveConnect
from ai_client.testing import Recorded, Reply, Upstream
from tests.hostile.test_origins import ASK, CHAT, CLIENT, OWN, answer, planted
from tests.support.hostile.framing import framed
from tests.support.hostile.websocket_peer import Peer
from tests.support.hostile.wire import Wire
from tests.support.invoke import Invoke, no_waiting
from tests.support.tenants import Directory, key_of

THEIRS = "sk-theirs-0123456789"


@pytest.fixture
def other() -> Iterator[Wire]:
    """Yield what plays the address of a tenant."""
    with Wire(answer()) as wire:
        yield wire


def client_of(invoke: Invoke, wire: Wire, other: Wire, **options: Any) -> Any:
    """Make a client full of what is planted, with a tenant at another address and one at its own."""
    directory = Directory(
        away=Credentials(THEIRS, base_url=other.base_url, organization="org-theirs"), here={"api_key": THEIRS}
    )
    return invoke.client(base_url=wire.base_url, **{**CLIENT, "credentials": directory, **options})


@pytest.mark.parametrize("stream", [False, True])
def test_nothing_of_the_client_reaches_the_address_of_a_tenant(
    invoke: Invoke, wire: Wire, other: Wire, stream: bool
) -> None:
    """A tenant's address gets its key and names, and neither defaults of the client nor secrets of the call."""
    if stream:
        other.play([*framed([b"data: [DONE]\n\n"], content_type="text/event-stream")])
    client = client_of(invoke, wire, other, admin_api_key="planted-admin")
    headers = {**OWN, "Idempotency-Key": "one", "OpenAI-Beta": "beta"}
    query = {"a": "b", "access_token": "planted-token"}
    with labels(tenant="away"):
        invoke(client.chat.completions.create, **ASK, stream=stream, extra_headers=headers, extra_query=query)
    (request,) = other.requests
    assert planted(request) == []
    assert request.header("authorization") == f"Bearer {THEIRS}"
    assert request.header("openai-organization") == "org-theirs"
    assert (request.header("idempotency-key"), request.header("openai-beta")) == ("one", "beta")
    assert request.header("host") == f"127.0.0.1:{other.port}"
    assert request.target.endswith("?a=b")
    assert not wire.requests


def test_the_account_of_the_client_is_not_the_tenants(invoke: Invoke, wire: Wire, other: Wire) -> None:
    """At the client's own address a tenant has its other defaults, and nothing of its account."""
    wire.play(answer())
    client = client_of(invoke, wire, other, default_query={"mine": "1", "api_key": "planted"})
    defaults = {"X-Default": "kept", "Cookie": "planted", "Authorization": "planted", "X-Api-Key": "planted"}
    with labels(tenant="here"):
        invoke(client.with_options(default_headers=defaults).chat.completions.create, **ASK)
    (request,) = wire.requests
    assert planted(request) == []
    assert (request.header("authorization"), request.header("x-default")) == (f"Bearer {THEIRS}", "kept")
    assert request.target.endswith("?mine=1")


@pytest.mark.parametrize("tenant", ["away", "here"])
def test_an_absolute_address_elsewhere_gets_no_key(
    invoke: Invoke, wire: Wire, other: Wire, tenant: str
) -> None:
    """A whole address that is not of the tenant's origin gets neither its key nor the client's, be it the client's."""
    wire.play(answer())
    there = {"away": wire, "here": other}[tenant]
    client = client_of(invoke, wire, other)
    with labels(tenant=tenant):
        invoke(client.get, f"{there.url}/there", cast_to=object)
    (request,) = there.requests
    assert request.header("authorization") is None
    assert planted(request) == []
    assert not any(THEIRS in value for _, value in request.headers)


def test_an_absolute_address_of_the_tenants_gets_its_key(invoke: Invoke, wire: Wire, other: Wire) -> None:
    """A whole address of the tenant's origin is one of its paths."""
    client = client_of(invoke, wire, other)
    with labels(tenant="away"):
        invoke(client.get, f"{other.url}/there", cast_to=object)
    assert other.requests[0].header("authorization") == f"Bearer {THEIRS}"
    assert planted(other.requests[0]) == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("tenant", ["away", "here"])
def test_a_redirect_elsewhere_takes_no_key_along(
    invoke: Invoke, wire: Wire, other: Wire, tenant: str, status: int
) -> None:
    """Where a tenant's server points to gets no key, not even if it is the address of the client."""
    asked, there = (other, wire) if tenant == "away" else (wire, other)
    asked.play(answer(status, ("Location", f"{there.url}/there")))
    there.play(answer())
    client = client_of(invoke, wire, other)
    with labels(tenant=tenant):
        invoke(client.chat.completions.create, **ASK, extra_headers={"X-Custom": "planted"})
    assert asked.requests[0].header("authorization") == f"Bearer {THEIRS}"
    assert there.requests[0].header("authorization") is None
    assert not any(THEIRS in value for _, value in there.requests[0].headers)
    assert planted(there.requests[0]) == []


def test_a_key_is_in_no_error(invoke: Invoke, wire: Wire, other: Wire) -> None:
    """What a tenant's server quotes of its key is masked in the error."""
    other.play(
        [*framed([b'{"error":{"message":"Incorrect key: %b"}}' % THEIRS.encode()], "length", status=401)]
    )
    client = client_of(invoke, wire, other)
    with labels(tenant="away"), pytest.raises(AuthenticationError) as raised:
        invoke(client.chat.completions.create, **ASK)
    assert THEIRS not in f"{raised.value} {raised.value!r} {raised.value.body}"


def sessions_of(invoke: Invoke, peer: Peer, theirs: Peer, **options: Any) -> Any:
    """Make a client whose tenants open sessions at its own address and at another."""
    address = theirs.url.replace("ws://", "http://")
    directory = Directory(away=Credentials(THEIRS, base_url=address), here={"api_key": THEIRS})
    given = {**CLIENT, "credentials": directory, "websocket_base_url": peer.url, **options}
    return invoke.client(**given)


@pytest.fixture
def peer() -> Iterator[Peer]:
    """Yield a WebSocket server at the client's address."""
    with Peer() as peer:
        yield peer


@pytest.fixture
def theirs() -> Iterator[Peer]:
    """Yield a WebSocket server at a tenant's address."""
    with Peer() as peer:
        yield peer


def heads(peer: Peer) -> list[dict[str, str]]:
    """Return the headers of the handshakes that a server was asked for, the target among them."""
    return [
        {"target": one.path, **{n.lower(): v for n, v in one.headers.raw_items()}} for one in peer.requests
    ]


def test_sessions_are_opened_with_the_tenants_key(invoke: Invoke, peer: Peer, theirs: Peer) -> None:
    """A session goes to its tenant's address with its key, and takes nothing of the client along."""
    client = sessions_of(invoke, peer, theirs)
    given: dict[str, Any] = {
        "extra_headers": {"X-Custom": "planted", "OpenAI-Beta": "b"},
        "extra_query": {"api_key": "planted", "a": "b"},
        "websocket_connection_options": {"additional_headers": {"X-More": "planted"}},
    }
    for tenant in ("away", "here", None):
        with labels(tenant=tenant), invoke.within(LiveConnect(client).connect(**given)):
            pass
    (away,) = heads(theirs)
    here, own = heads(peer)
    assert away["authorization"] == here["authorization"] == f"Bearer {THEIRS}"
    assert own["authorization"] == "Bearer planted-api-key"
    assert "planted" not in str(away)
    assert away["target"].endswith("?a=b")
    assert (here["x-custom"], here["x-more"], away["openai-beta"]) == ("planted", "planted", "b")
    assert "openai-organization" not in here
    assert "openai-organization" in own


def test_a_session_is_reopened_with_the_key_of_its_tenant(invoke: Invoke, peer: Peer, theirs: Peer) -> None:
    """A broken session is opened again for the tenant that opened it, whoever reads it by then."""
    peer.script = theirs.script = lambda connection: connection.close(1011)
    client = sessions_of(invoke, peer, theirs)
    connect = LiveConnect(client).connect
    with labels(tenant="away"):
        manager = connect(on_reconnecting=lambda _: None, max_retries=2, initial_delay=0.01)
        opened = invoke.within(manager)
        live = opened.__enter__()
    with labels(tenant="here"), pytest.raises(Exception, match="closed"):
        invoke.collect(live)
    opened.__exit__(None, None, None)
    assert [one["authorization"] for one in heads(theirs)] == [f"Bearer {THEIRS}"] * 3
    assert heads(peer) == []


def test_a_rotated_key_opens_a_session(invoke: Invoke, peer: Peer) -> None:
    """A session whose key is rejected is opened with the key in its place; without one the rejection is raised."""
    keys = ["sk-old-0123456789", "sk-new-0123456789", "sk-new-0123456789"]

    def refuse(request: Handshake) -> Refusal | None:
        if request.headers["Authorization"] == "Bearer sk-old-0123456789":
            body = json.dumps({"error": {"message": "no"}}).encode()
            return Refusal(HTTPStatus.UNAUTHORIZED, "no", websocket_headers(body), body)
        return None

    peer.before = refuse
    client = invoke.client(websocket_base_url=peer.url, credentials=lambda _: {"api_key": keys.pop(0)})
    with invoke.within(LiveConnect(client).connect()):
        pass
    assert len(keys) == 1
    client = invoke.client(
        websocket_base_url=peer.url, credentials=lambda _: {"api_key": "sk-old-0123456789"}
    )
    with pytest.raises(AuthenticationError), invoke.within(LiveConnect(client).connect()):
        pass


def websocket_headers(body: bytes) -> Any:
    """Return the headers of a plain answer."""
    from websockets.datastructures import Headers

    return Headers(
        {"Content-Length": str(len(body)), "Content-Type": "application/json", "Connection": "close"}
    )


def test_a_session_is_not_redirected_elsewhere(invoke: Invoke, peer: Peer, theirs: Peer) -> None:
    """A tenant's server cannot send its session, and the key, to the client's address."""

    def redirect(_: Handshake) -> Refusal:
        answered = websocket_headers(b"")
        answered["Location"] = f"http://127.0.0.1:{peer.port}/there"
        return Refusal(HTTPStatus.FOUND, "there", answered, b"")

    theirs.before = redirect
    client = sessions_of(invoke, peer, theirs)
    session = invoke.within(LiveConnect(client).connect())
    with labels(tenant="away"), pytest.raises(WebSocketRedirectError), session:
        pass
    assert heads(peer) == []


CALLS = 1000
TENANTS = ("a", "b", "c", "none")
"""The first has an address of its own, as has the second; the third has a key at that of the client."""


class Sites:
    """Upstreams that know who may ask them, and note all that is wrong.

    Some attempts fail, and others are slow; each answer repeats the id of its call.
    """

    def __init__(self, own: Upstream, first: Upstream, second: Upstream) -> None:
        self.wrong: list[str] = []
        self.served = Counter[str]()
        self._lock = threading.Lock()
        self.addresses = {"a": first.base_url, "b": second.base_url}
        for upstream, allowed in ((own, {"c", "none"}), (first, {"a"}), (second, {"b"})):
            upstream.always(lambda recorded, allowed=allowed: self._reply(recorded, allowed))

    def _reply(self, recorded: Recorded, allowed: set[str]) -> Reply:
        call = recorded.json()["messages"][0]["content"]
        tenant, _, number = call.partition(":")
        key = recorded.headers["authorization"].removeprefix("Bearer ")
        names = recorded.headers.get("openai-organization"), recorded.headers.get("x-own")
        own = tenant == "none"
        expected_names = ("org-own" if own else None, "own" if own or tenant == "c" else None)
        if tenant not in allowed or key != key_of(tenant) or names != expected_names:
            self.wrong.append(f"{call} at {sorted(allowed)} with {key} and {names}")
        if int(number) % 7 == 0 and recorded.headers["x-stainless-retry-count"] == "0":
            return Reply(status=503)
        with self._lock:
            self.served[tenant] += 1
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": call}}
        return Reply(
            json={**json.loads(CHAT), "choices": [choice]}, delay=0.002 if int(number) % 11 == 0 else 0.0
        )

    def __call__(self, labels: Labels) -> Any:
        """Return the credentials of a tenant."""
        tenant = labels.tenant or ""
        if tenant == "none":
            return None
        return Credentials(key_of(tenant), base_url=self.addresses.get(tenant))

    async def later(self, labels: Labels) -> Any:
        """Return them after a moment."""
        await asyncio.sleep(0)
        return self(labels)

    def options(self, upstream: Upstream) -> dict[str, Any]:
        """Return the options of a client of all tenants; results are asked for again all the time."""
        return {
            "api_key": key_of("none"),
            "base_url": upstream.base_url,
            "organization": "org-own",
            "default_headers": {"X-Own": "own"},
            "credentials_ttl": 0.005,
            "layers": [Concurrency(max_in_flight=8, max_queue=CALLS, queue_timeout=None)],
        }


@pytest.fixture
def sites(upstream: Upstream) -> Iterator[Sites]:
    """Yield the upstreams of several tenants."""
    with Upstream() as first, Upstream() as second:
        yield Sites(upstream, first, second)


def said(call: str) -> dict[str, Any]:
    """Return the parameters of a call that says its id."""
    return {"model": "m", "messages": [{"role": "user", "content": call}]}


def test_tenants_in_many_threads(sites: Sites, upstream: Upstream) -> None:
    """A thousand calls of several tenants in threads, retries among them: each gets its own answer, by its own key."""
    client = OpenAI(**sites.options(upstream), credentials=sites)

    def one(number: int) -> bool:
        tenant = TENANTS[number % len(TENANTS)]
        call = f"{tenant}:{number}"
        with labels(tenant=tenant):
            asked = client if number % 3 else client.with_options(timeout=30)
            return bool(asked.chat.completions.create(**said(call)).choices[0].message.content == call)

    with no_waiting(), ThreadPoolExecutor(16) as threads:
        assert all(threads.map(one, range(CALLS)))
    client.close()
    assert sites.wrong == []
    assert sites.served == {tenant: CALLS // len(TENANTS) for tenant in TENANTS}


def test_tenants_in_many_tasks(sites: Sites, upstream: Upstream) -> None:
    """The same in tasks, some of which are cancelled at any step: no key goes astray, and nothing is left behind."""

    async def one(client: Any, number: int, answered: list[bool]) -> None:
        tenant = TENANTS[number % len(TENANTS)]
        call = f"{tenant}:{number}"
        with labels(tenant=tenant):
            answer = await client.chat.completions.create(**said(call))
            answered.append(answer.choices[0].message.content == call)

    async def main() -> None:
        client = AsyncOpenAI(**sites.options(upstream), credentials=sites.later)
        answered: list[bool] = []
        cancelled = 0
        for first in range(0, CALLS, 50):
            tasks = [asyncio.ensure_future(one(client, n, answered)) for n in range(first, first + 50)]
            for step in range(10):
                for task in tasks[step::20]:
                    task.cancel()
                await asyncio.sleep(0)
            results = await asyncio.gather(*tasks, return_exceptions=True)
            errors = [one for one in results if one is not None]
            assert all(isinstance(error, asyncio.CancelledError) for error in errors)
            cancelled += len(errors)
        assert all(answered)
        assert len(answered) + cancelled == CALLS
        assert cancelled >= 3 * CALLS // 50  # those that had not begun, at the least
        assert not client._credentials._kept().flights
        policy: Any = client._layers[0]
        assert (policy.in_flight, policy.queue_length) == (0, 0)
        await client.close()

    with no_waiting():
        asyncio.run(main())
    assert sites.wrong == []
