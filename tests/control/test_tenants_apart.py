"""Controls of a client whose tenants have their own credentials: what one does stops no other, nor reaches it."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

import pytest

from ai_client import (
    BudgetExceeded,
    CircuitOpen,
    ClientProvider,
    CredentialsError,
    Labels,
    OpenAIError,
    QueueFull,
    RateLimitError,
    RateLimitExceeded,
    labels,
)
from ai_client.control.assembly import make_layers
from ai_client.control.concurrency import Concurrency
from ai_client.control.fallback import Fallback
from ai_client.control.retry_budget import RetryBudget
from ai_client.testing import Recorded, Reply, Upstream
from ai_client.testing.reply import sse
from tests.support.invoke import CHAT, KEY, Invoke, no_waiting
from tests.support.tenants import Directory, key_of, sent

EVENTS = {"content-type": "text/event-stream"}
CACHED = {**CHAT, "seed": 1}


@pytest.fixture
def other() -> Iterator[Upstream]:
    """Yield an upstream at another address."""
    with Upstream() as upstream:
        yield upstream


def by_key(recorded: Recorded) -> Reply:
    """Answer with the key that was sent, backwards."""
    message = {
        "role": "assistant",
        "content": recorded.headers["authorization"].removeprefix("Bearer ")[::-1],
    }
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    return Reply(
        json={
            "id": "c",
            "object": "chat.completion",
            "created": 1,
            "model": "m",
            "choices": [choice],
            "usage": {"prompt_tokens": 10, "completion_tokens": 10, "total_tokens": 20},
        }
    )


def ask(invoke: Invoke, client: Any, tenant: str | None, **more: Any) -> Any:
    """Make a call of a tenant."""
    with labels(tenant=tenant):
        return invoke(client.chat.completions.create, **{**CHAT, **more})


def controlled(invoke: Invoke, directory: Any, controls: dict[str, Any], **more: Any) -> Any:
    """Make a client with controls."""
    return invoke.client(credentials=directory, layers=make_layers(controls), **more)


@pytest.mark.parametrize("scope", ["all", "tenant", "model"])
@pytest.mark.parametrize("store", ["memory", "sqlite"])
def test_a_cached_answer_is_its_accounts(invoke: Invoke, scope: str, store: str, tmp_path: Any) -> None:
    """An answer that a tenant's key got is served to that account alone, whatever the scope; others share one."""
    address = "memory://" if store == "memory" else f"sqlite:///{tmp_path}/cache.db"
    invoke.upstream.always(by_key)
    client = controlled(invoke, Directory(a=True, b=True), {"cache": {"scope": scope}, "store": address})
    tenants = ["a", "b", "none", "a", "b", "none"]
    answers = [ask(invoke, client, tenant, seed=1).choices[0].message.content for tenant in tenants]
    assert answers == [key_of("a")[::-1], key_of("b")[::-1], KEY[::-1]] * 2
    assert len(invoke.upstream.requests) == 3
    if store == "sqlite":
        data = b"".join(path.read_bytes() for path in tmp_path.iterdir())
        assert data
        assert all(key.encode() not in data for key in (key_of("a"), key_of("b"), KEY))


def test_users_of_one_tenant_with_keys_of_their_own(invoke: Invoke) -> None:
    """Accounts are told apart by their credentials, also where the cache's scope says that they are one."""
    invoke.upstream.always(by_key)

    def of(labels: Labels) -> Any:
        return {"api_key": key_of(labels.user or "")}

    client = controlled(invoke, of, {"cache": {"scope": "tenant"}})
    for user in ("u", "v", "u"):
        with labels(tenant="a", user=user):
            answer = invoke(client.chat.completions.create, **CACHED)
        assert answer.choices[0].message.content == key_of(user)[::-1]
    assert len(invoke.upstream.requests) == 2


def test_a_cached_stream_is_its_accounts(invoke: Invoke) -> None:
    """A stream that was cached is replayed to the account alone that opened it."""
    client = controlled(invoke, Directory(a=True, b=True), {"cache": {"scope": "all"}})
    for tenant in ("a", "b", "a", "b"):
        invoke.collect(ask(invoke, client, tenant, seed=1, stream=True))
    assert sent(invoke.upstream) == [key_of("a"), key_of("b")]


def test_equal_calls_at_once_are_not_joined_across_accounts(upstream: Upstream) -> None:
    """Calls that are equal but for their account do not wait for each other, nor get each other's answer."""
    gate = threading.Event()

    def held(recorded: Recorded) -> Reply:
        return by_key(recorded)

    upstream.always(held)
    with Invoke(upstream, sync=True).client(
        credentials=Directory(a=True, b=True), layers=make_layers({"cache": {"scope": "all"}})
    ) as client:

        def one(tenant: str) -> str:
            gate.wait(30)
            with labels(tenant=tenant):
                return str(client.chat.completions.create(**CACHED).choices[0].message.content)

        with ThreadPoolExecutor(16) as threads:
            runs = [(tenant, threads.submit(one, tenant)) for tenant in "ab" * 8]
            gate.set()
            assert all(run.result() == key_of(tenant)[::-1] for tenant, run in runs)
    assert sorted(sent(upstream)) == [key_of("a"), key_of("b")]


def test_a_breaker_opens_for_one_account(invoke: Invoke, other: Upstream) -> None:
    """A tenant whose address is down opens its own circuit, and those of no others."""
    other.always(status=503)
    directory = Directory(a={"api_key": key_of("a"), "base_url": other.base_url}, b=True)
    client = controlled(invoke, directory, {"breaker": {"failures": 2}}, max_retries=0)
    for _ in range(2):
        with pytest.raises(OpenAIError):
            ask(invoke, client, "a")
    with pytest.raises(CircuitOpen) as raised:
        ask(invoke, client, "a")
    ask(invoke, client, "b")
    ask(invoke, client, None)
    assert len(other.requests) == 2
    breaker = next(layer.breaker for layer in client._layers if isinstance(layer, Fallback))
    (fingerprint, _) = client._accounts._clients
    shown = str(raised.value) + str(raised.value.details)
    assert CHAT["model"] in shown
    assert fingerprint not in shown
    assert key_of("a") not in shown + str(list(breaker._known().circuits))


def test_a_stream_that_breaks_counts_for_its_account(invoke: Invoke) -> None:
    """The outcome of a stream is reported to the circuit of the account that it was opened with."""
    client = controlled(invoke, Directory(a=True, b=True), {"breaker": {"failures": 1}}, max_retries=0)
    invoke.upstream.reply(
        chunks=[sse({"error": {"message": "down", "type": "server_error"}})], headers=EVENTS
    )
    with pytest.raises(OpenAIError):
        invoke.collect(ask(invoke, client, "a", stream=True))
    with pytest.raises(CircuitOpen):
        ask(invoke, client, "a")
    ask(invoke, client, "b")


def test_an_upstreams_limit_is_its_accounts(invoke: Invoke) -> None:
    """A 429 to one tenant, and limits that the upstream announces to it, hold back calls of that account alone."""
    client = controlled(invoke, Directory(a=True, b=True, c=True), {"rate_limit_options": {}}, max_retries=0)
    invoke.upstream.reply(status=429, headers={"retry-after": "60"})
    with pytest.raises(RateLimitError):
        ask(invoke, client, "a")
    announced = {
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-limit-requests": "10",
        "x-ratelimit-reset-requests": "60s",
    }
    invoke.upstream.reply(headers=announced)
    ask(invoke, client, "b")
    for tenant in ("a", "b"):
        with pytest.raises(RateLimitExceeded):
            ask(invoke, client, tenant)
    ask(invoke, client, "c")
    ask(invoke, client, None)
    assert sent(invoke.upstream) == [key_of("a"), key_of("b"), key_of("c"), KEY]


@pytest.mark.parametrize("scope", ["all", "model", "process", "tenant"])
@pytest.mark.parametrize("kind", ["rate_limits", "budgets"])
def test_limits_count_each_account_by_itself(invoke: Invoke, kind: str, scope: str) -> None:
    """A limit of whatever scope that one account has used up has room for others, and for the client's own calls."""
    client = controlled(
        invoke, Directory(a=True, b=True), {kind: [{"requests": 1, "per": "day", "scope": scope}]}
    )
    for tenant in ("a", "b", None):
        ask(invoke, client, tenant)
    for tenant in ("a", "b", None):
        with pytest.raises((RateLimitExceeded, BudgetExceeded)) as raised:
            ask(invoke, client, tenant)
        assert "account" not in str(raised.value.details)
    assert len(invoke.upstream.requests) == 3


@pytest.mark.parametrize("kind", ["rate_limits", "budgets"])
def test_a_new_key_is_no_new_budget(invoke: Invoke, kind: str) -> None:
    """A tenant does not get out of its limit by changing its key, where the limit is for each tenant."""
    directory = Directory(a=True)
    controls = {kind: [{"requests": 1, "per": "day", "scope": "tenant"}]}
    client = controlled(invoke, directory, controls, credentials_ttl=0)
    ask(invoke, client, "a")
    directory.known["a"] = {"api_key": "sk-new-0123456789"}
    with pytest.raises((RateLimitExceeded, BudgetExceeded)):
        ask(invoke, client, "a")


def test_concurrency_has_places_for_each_account(upstream: Upstream) -> None:
    """A tenant whose calls hang has its own places full, and nobody else's."""
    with Upstream() as slow:
        gate = slow_gate(slow)
        policy = Concurrency(max_in_flight=1, max_queue=0)
        directory = Directory(a={"api_key": key_of("a"), "base_url": slow.base_url}, b=True)
        invoke = Invoke(upstream, sync=True)
        client = invoke.client(credentials=directory, layers=[policy])
        with ThreadPoolExecutor(1) as threads:
            first = threads.submit(ask, invoke, client, "a")
            slow.wait_for(lambda: slow.in_flight == 1)
            try:
                assert (policy.in_flight, policy.queue_length) == (1, 0)
                with pytest.raises(QueueFull):
                    ask(invoke, client, "a")
                ask(invoke, client, "b")
                ask(invoke, client, None)
            finally:
                gate.set()
            first.result(30)
        assert policy.in_flight == 0
        invoke.close()


def slow_gate(slow: Upstream) -> threading.Event:
    """Hold the answers of an upstream until the event is set."""
    from ai_client.testing import Gate

    gate = Gate()
    slow.always(gate=gate)
    return gate


def test_places_of_accounts_without_calls_are_forgotten(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many accounts leave nothing behind in the bound on concurrent calls."""
    monkeypatch.setattr("ai_client.control.concurrency._ACCOUNTS_SWEPT", 3)
    policy = Concurrency(max_in_flight=1)
    client = invoke.client(credentials=Directory(**{f"t{n}": True for n in range(10)}), layers=[policy])
    for n in range(10):
        ask(invoke, client, f"t{n}")
    assert len(policy._gates().others) <= 3


def test_a_retry_budget_is_its_accounts(
    invoke: Invoke, other: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Retries of a tenant whose address is down use up no other account's."""
    monkeypatch.setattr("ai_client.control.retry_budget._ACCOUNTS_KEPT", 2)
    other.always(status=503)
    directory = Directory(a={"api_key": key_of("a"), "base_url": other.base_url}, b=True)
    policy = RetryBudget(share=0.0, minimum=2)
    client = invoke.client(credentials=directory, layers=[policy], max_retries=5)
    with no_waiting():
        with pytest.raises(OpenAIError):
            ask(invoke, client, "a")
        assert len(other.requests) == 3
        invoke.upstream.reply(status=503, times=2)
        ask(invoke, client, "b")
    assert len(invoke.upstream.requests) == 3
    assert len(policy._retries().counts) <= 2


def test_a_tenants_key_stays_with_its_provider(invoke: Invoke, other: Upstream) -> None:
    """A chain that goes on at another client has that client's key, address and circuit, and never the tenant's."""
    invoke.upstream.always(status=503)
    away = invoke.client(base_url=other.base_url, api_key="own-key-of-it")
    chain = Fallback({"smart": ["m", "n", "away/m"]}, clients={"away": away})
    client = invoke.client(
        credentials=Directory(a=True, b=True), layers=[chain], max_retries=0, organization="o"
    )
    for tenant in ("a", "b", None):
        with labels(tenant=tenant):
            headers = {"Authorization": "planted", "X-Own": "planted", "OpenAI-Organization": "planted"}
            invoke(client.chat.completions.create, **{**CHAT, "model": "smart"}, extra_headers=headers)
    assert sent(other) == ["own-key-of-it"] * 3
    assert "planted" not in str([[*one.headers.items()] for one in other.requests])
    assert all("openai-organization" not in one.headers for one in other.requests)


def test_a_chain_that_comes_back_is_the_tenants_again(invoke: Invoke, other: Upstream) -> None:
    """After a target at another client, one at the client itself has the tenant's key again, and its circuit."""
    other.always(status=503)
    away = invoke.client(base_url=other.base_url, api_key="own-key-of-it", max_retries=0)
    chain = Fallback({"smart": ["away/m", "m"]}, clients={"away": away})
    client = invoke.client(credentials=Directory(a=True), layers=[chain, RetryBudget()], max_retries=0)
    ask(invoke, client, "a", model="smart")
    assert (sent(other), sent(invoke.upstream)) == (["own-key-of-it"], [key_of("a")])
    breaker: Any = chain.breaker
    (account,) = client._accounts._clients
    assert set(breaker._known().circuits) == {"away/m", f"m|account={account}"}
    assert breaker._known().circuits["away/m"].failures == 1


def test_circuits_of_many_accounts_keep_those_that_are_open(
    invoke: Invoke, other: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there are more accounts than circuits are kept for, those of targets that fail stay."""
    monkeypatch.setattr("ai_client.control.breaker._TARGETS_KEPT", 3)
    other.always(status=503)
    known: dict[str, Any] = {f"t{n}": True for n in range(10)}
    directory = Directory(a={"api_key": key_of("a"), "base_url": other.base_url}, **known)
    client = controlled(invoke, directory, {"breaker": {"failures": 1}}, max_retries=0)
    with pytest.raises(OpenAIError):
        ask(invoke, client, "a")
    for tenant in known:
        ask(invoke, client, tenant)
    with pytest.raises(CircuitOpen):
        ask(invoke, client, "a")


def test_another_client_of_a_chain_has_its_own_tenants(invoke: Invoke, other: Upstream) -> None:
    """A tenant may have a key at each client of a chain; each is sent to the address that it is for."""
    invoke.upstream.always(status=503)
    theirs = Directory(a={"api_key": "sk-of-a-elsewhere-0123"})
    away = invoke.client(base_url=other.base_url, api_key="own-key-of-it", credentials=theirs)
    chain = Fallback({"smart": ["m", "away/m"]}, clients={"away": away})
    client = invoke.client(credentials=Directory(a=True, b=True), layers=[chain], max_retries=0)
    for tenant in ("a", "b"):
        ask(invoke, client, tenant, model="smart")
    assert sent(other) == ["sk-of-a-elsewhere-0123", "own-key-of-it"]


def test_a_configured_chain_has_its_own_tenants(invoke: Invoke, other: Upstream) -> None:
    """The same with plain options, whose clients take no function from the first client."""
    invoke.upstream.always(status=503)
    chained = {"base_url": other.base_url, "api_key": "own-key-of-it", "max_retries": 0}
    controls: dict[str, Any] = {
        "models": {"smart": ["m", "away/m", "plain/m"]},
        "fallback": {"clients": {"away": {**chained, "credentials": elsewhere}, "plain": chained}},
    }
    options = {
        "base_url": invoke.upstream.base_url,
        "api_key": KEY,
        "max_retries": 0,
        "credentials": Directory(a=True),
        "controls": controls,
    }
    other.reply(status=503)
    provider = ClientProvider(options)
    client = provider.client if invoke.sync else provider.async_client
    ask(invoke, client, "a", model="smart")
    assert sent(other) == ["sk-of-a-elsewhere-0123", "own-key-of-it"]
    provider.close() if invoke.sync else invoke(provider.aclose)


def elsewhere(labels: Labels) -> Any:
    """Return the key that the tenant has at another provider."""
    return {"api_key": f"sk-of-{labels.tenant}-elsewhere-0123"}


def test_a_failing_function_is_observed(invoke: Invoke) -> None:
    """Hooks and logs see a call whose credentials cannot be found, as they see any other that fails."""
    told: list[Any] = []
    client = controlled(invoke, Directory(a=1), {"hooks": {"on_error": lambda *given: told.append(given)}})
    with pytest.raises(OpenAIError):
        ask(invoke, client, "a")

    def failing(labels: Labels) -> Any:
        raise KeyError(labels)

    client = controlled(invoke, failing, {"hooks": {"on_error": lambda *given: told.append(given)}})
    with pytest.raises(CredentialsError):
        ask(invoke, client, "a")
    assert len(told) == 2


def test_nothing_is_shown_of_a_key(invoke: Invoke, caplog: pytest.LogCaptureFixture) -> None:
    """Records, logs and hooks of a tenant's call hold neither its key nor the fingerprint of it."""
    caplog.set_level("DEBUG")
    told: list[Any] = []
    hooks = {"on_call": told.append, "on_result": told.append, "on_attempt": told.append}
    client = controlled(
        invoke, Directory(a=True), {"hooks": hooks, "logs": True, "budgets": [{"requests": 1}]}
    )
    with labels(tenant="a"):
        invoke(client.chat.completions.create, **CHAT)
    (fingerprint,) = client._accounts._clients
    shown = repr(told) + "".join(str(vars(record)) for record in caplog.records)
    assert "gpt" in shown
    assert len(told) == 3
    assert key_of("a") not in shown
    assert fingerprint not in shown


def test_a_call_in_a_thread_is_its_contexts(upstream: Upstream) -> None:
    """Labels that are carried into a thread decide on the key there."""
    invoke = Invoke(upstream, sync=True)
    client = invoke.client(credentials=Directory(a=True, b=True))
    with labels(tenant="a"):
        context = copy_context()
    with labels(tenant="b"), ThreadPoolExecutor(1) as threads:
        threads.submit(context.run, lambda: client.chat.completions.create(**CHAT)).result()
        client.chat.completions.create(**CHAT)
    assert sent(upstream) == [key_of("a"), key_of("b")]
    invoke.close()


def test_tasks_at_once_have_their_own_places(upstream: Upstream) -> None:
    """Tenants' tasks that wait for a place wait behind those of their own account."""
    invoke = Invoke(upstream, sync=False)
    policy = Concurrency(max_in_flight=1)
    client = invoke.client(credentials=Directory(a=True, b=True), layers=[policy])

    async def main() -> None:
        async def one(tenant: str) -> None:
            with labels(tenant=tenant):
                await client.chat.completions.create(**CHAT)

        await asyncio.gather(*(one(tenant) for tenant in "ab" * 10))

    invoke(main)
    assert sorted(sent(upstream)) == [key_of("a")] * 10 + [key_of("b")] * 10
    assert (policy.in_flight, policy.queue_length) == (0, 0)
    assert upstream.max_in_flight <= 2
    invoke.close()
