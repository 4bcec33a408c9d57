"""Balances of budgets, and what an operator may change about them, over every store."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any

import pytest

from ai_client import ClientProvider, labels
from ai_client._io import SyncIO
from ai_client._io.async_io import AsyncIO
from ai_client.control.windows import window
from ai_client.errors import BudgetExceeded, ConfigError
from ai_client.operations import BudgetState, as_json_lines
from ai_client.stores import Hold, Spend, open_store
from ai_client.testing import Gate, Upstream, sse
from tests.support.forks import in_child
from tests.support.policies import Clock, finish, sync_io

ASK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}
UNBOUNDED = ("memory://", "django-cache://default")
"""Stores that count any whole number."""
FAR = 9_999_999_999.0
NAMES = ("remaining", "states", "reset", "grant")


class Asked:
    """A book that is asked on either side."""

    def __init__(self, book: Any, *, sync: bool) -> None:
        self._book, self._sync = book, sync

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if self._sync:
            found: Callable[..., Any] = getattr(self._book, name)
            return found
        return lambda *args, **options: asyncio.run(getattr(self._book, f"a{name}")(*args, **options))


def provider_of(upstream: Upstream, store: object, *budgets: Any, **options: Any) -> ClientProvider:
    """Return a provider whose calls count in budgets."""
    controls = {"store": store, "budgets": budgets, "prices": {"m": {"input": 1.0, "output": 2.0}}}
    return ClientProvider(api_key="k", base_url=upstream.base_url, controls=controls, **options)


def ask(provider: ClientProvider, tenant: str | None = None, **options: Any) -> Any:
    """Make a call for a tenant."""
    with labels(tenant=tenant):
        return provider.client.chat.completions.create(**ASK, **options)


@contextmanager
def under_way(upstream: Upstream, provider: ClientProvider, tenant: str) -> Iterator[None]:
    """Have a call of a tenant be under way inside the block."""
    choice = {"index": 0, "delta": {"content": "Hi"}, "finish_reason": None}
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    gate = Gate()
    upstream.reply(chunks=[sse(chunk), gate, sse("[DONE]")])
    stream = ask(provider, tenant, stream=True)
    next(stream)
    try:
        yield
    finally:
        gate.set()
        list(stream)


def figures(state: BudgetState) -> tuple[float, float, float, float]:
    """Return the limit, what is used and held, and what is left."""
    return state.limit, state.used, state.held, state.remaining


TOKENS = {"tokens": 10_000, "per": "total", "scope": "tenant", "name": "plan"}
PLAN = {"requests": 5, "per": "total", "scope": "tenant", "name": "plan"}


def test_a_balance_is_that_of_its_calls(store_url: str, sync: bool, upstream: Upstream) -> None:
    """What is used, held and left is that of the labels that are given, else of the request being served."""
    provider = provider_of(upstream, store_url, TOKENS)
    book = Asked(provider.budgets, sync=sync)
    usage = ask(provider, "acme").usage
    with labels(tenant="acme"):
        with under_way(upstream, provider, "acme"):
            (mine,) = book.remaining()
            assert mine.held > 0
            assert figures(mine) == (10_000, usage.total_tokens, mine.held, 10_000 - mine.used - mine.held)
        (after,) = book.remaining()
        assert after.used > mine.used
        assert figures(after) == (10_000, after.used, 0, 10_000 - after.used)
    (other,) = book.remaining(tenant="bits")
    assert (mine.name, mine.alias, mine.scope, mine.resets_at) == ("plan", "default", "tenant=acme", None)
    assert (other.scope, figures(other)) == ("tenant=bits", (10_000, 0, 0, 10_000))
    provider.close()


ODD = ("acme", "a|b", "|", "||", "a|tenant=b", "a|account=1", "*", "a%b_c", "[x]", "\\", "", None, "会社")


def test_every_scope_with_a_balance_is_listed(store_url: str, sync: bool, upstream: Upstream) -> None:
    """All that was counted is listed once, under the scope that its own balance shows, whatever its labels hold."""
    both = {"requests": 50, "per": "total", "scope": ["endpoint", "tenant"]}
    total = {"requests": 50, "per": "total"}
    provider = provider_of(upstream, store_url, {**PLAN, "name": ""}, both, total)
    book = Asked(provider.budgets, sync=sync)
    assert book.states() == []
    for tenant in ODD:
        ask(provider, tenant)
    found = book.states()
    expected = [state for tenant in ODD for state in provider.budgets.remaining(tenant=tenant)]
    provider.close()
    assert {repr(state) for state in found} == {repr(state) for state in expected}
    assert len(found) == 2 * (len(ODD) - 1) + 1  # no label and an empty one share a budget
    assert sum(state.used for state in found if state.name == "requests/total/tenant") == len(ODD)


def test_a_reset_leaves_what_is_held(store_url: str, sync: bool, upstream: Upstream) -> None:
    """A reset takes away what was used, for the one who is named; calls under way count when they end."""
    provider = provider_of(upstream, store_url, TOKENS)
    book = Asked(provider.budgets, sync=sync)
    usage = [ask(provider, tenant).usage.total_tokens for tenant in ("acme", "acme", "bits")]
    with under_way(upstream, provider, "acme"):
        (before,) = book.remaining(tenant="acme")
        (after,) = book.reset(tenant="acme")
        assert (before.used, before.held) == (usage[0] + usage[1], after.held)
        assert figures(after) == (10_000, 0, before.held, 10_000 - before.held)
    mine, other = book.states()
    assert 0 < mine.used < usage[0]
    assert (mine.scope, mine.held) == ("tenant=acme", 0)
    assert (other.scope, other.used, other.held) == ("tenant=bits", usage[2], 0)
    assert figures(book.reset(tenant="nobody", budget="plan")[0]) == (10_000, 0, 0, 10_000)
    provider.close()


def test_a_grant_is_for_this_window(store_url: str, sync: bool, upstream: Upstream) -> None:
    """A grant raises the limit for whom it is given: used stays used, and errors show the new limit."""
    provider = provider_of(upstream, store_url, {**PLAN, "requests": 1})
    book = Asked(provider.budgets, sync=sync)
    ask(provider, "acme")
    with pytest.raises(BudgetExceeded):
        ask(provider, "acme")
    after = book.grant(2, tenant="acme")
    assert (figures(after), after.granted) == ((3, 1, 0, 2), 2)
    for _ in range(2):
        ask(provider, "acme")
    with pytest.raises(BudgetExceeded) as caught:
        ask(provider, "acme")
    assert (caught.value.details["limit"], caught.value.details["used"]) == (3, 3)
    assert [(state.scope, figures(state)) for state in book.states()] == [("tenant=acme", (3, 3, 0, 0))]
    (after,) = book.reset(tenant="acme")
    assert figures(after) == (3, 0, 0, 3)
    provider.close()


def test_calls_and_grants_at_once(store_url: str) -> None:
    """However many call while limits are raised, what is granted can be spent at once, and no more than that."""
    stores = [open_store(store_url) for _ in range(1 if store_url == "memory://" else 2)]
    start = threading.Barrier(8)

    def work(number: int) -> int:
        store, io = stores[number % len(stores)], sync_io()
        admitted = 0
        start.wait()
        for each in range(12):
            ticket = f"{number}-{each}"
            if number < 2:
                finish(store.adjust(io, ticket, "b", FAR, io.now(), grant=1))
                continue
            hold = Hold("b", 1, 3, FAR)
            refused = finish(store.admit(io, ticket, [hold], (), now=io.now(), expires=io.now() + 900))
            if refused is None:
                finish(store.settle(io, ticket, [Spend("b", 1, FAR)], io.now()))
                admitted += 1
        return admitted

    with ThreadPoolExecutor(8) as pool:
        admitted = sum(pool.map(work, range(8)))
    io = sync_io()
    balance = finish(stores[0].ledger(io, "b", io.now()))
    last = [
        finish(stores[0].admit(io, f"t{n}", [Hold("b", 1, 3, FAR)], (), now=io.now(), expires=io.now() + 900))
        for n in range(28 - admitted)
    ]
    for store in stores:
        store.close()
    assert (balance.used, balance.held, balance.granted) == (admitted, 0, 24)
    assert [one is None for one in last] == [True] * (27 - admitted) + [False]


def test_no_use_is_lost_between_resets(store_url: str) -> None:
    """While calls are counted and balances are reset at once, each use is counted before a reset or after it."""
    store, io = open_store(store_url), sync_io()
    start = threading.Barrier(4)

    def work(number: int) -> None:
        start.wait()
        for each in range(10):
            if number == 0:
                finish(store.adjust(io, f"reset-{each}", "b", FAR, io.now(), reset=True))
            else:
                finish(store.settle(io, f"{number}-{each}", [Spend("b", 1, FAR)], io.now()))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    between = finish(store.ledger(io, "b", io.now()))
    finish(store.settle(io, "last", [Spend("b", 7, FAR)], io.now()))
    after = finish(store.ledger(io, "b", io.now()))
    store.close()
    assert 0 <= between.used <= 30
    assert (between.held, between.resets) == (0, 10)
    assert after.used == between.used + 7


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_grant_is_for_all_processes(upstream: Upstream, tmp_path: Path) -> None:
    """A process that was refused goes on at once where another one raises the limit."""
    provider = provider_of(upstream, f"sqlite:///{tmp_path}/s.db", {**PLAN, "requests": 1})
    ask(provider, "acme")
    with pytest.raises(BudgetExceeded):
        ask(provider, "acme")
    assert in_child(lambda: provider.budgets.grant(1, tenant="acme").limit == 2)
    ask(provider, "acme")
    assert in_child(lambda: figures(provider.budgets.reset(tenant="acme")[0]) == (2, 0, 0, 2))
    (state,) = provider.budgets.states()
    provider.close()
    assert figures(state) == (2, 0, 0, 2)


@pytest.mark.parametrize("change", ["reset", "grant"])
def test_warnings_come_again(change: str, store_url: str, sync: bool, upstream: Upstream) -> None:
    """After a reset or a grant by whatever process, a budget warns once more at each mark, and then no more."""
    heard: list[tuple[float, float]] = []
    budget = {**PLAN, "requests": 2, "warn_at": 0.5, "hard": False}
    budget["on_warning"] = lambda warning: heard.append((warning.used, warning.limit))
    providers = [provider_of(upstream, open_store(store_url), budget)]
    providers.append(provider_of(upstream, providers[0].config.controls["store"], budget))
    for provider in providers:
        ask(provider, "acme")
    assert heard == [(1, 2), (2, 2)]
    book = Asked(providers[1].budgets, sync=sync)
    if change == "reset":
        book.reset(tenant="acme")
        expected = [(1, 2), (2, 2)]
    else:
        book.grant(2, tenant="acme")
        expected = [(3, 4), (4, 4)]
    heard.clear()
    for _ in range(2):
        for provider in providers:
            ask(provider, "acme")
    for provider in providers:
        provider.close()
    providers[0].config.controls["store"].close()
    assert heard == expected


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Return the time of all clients and books."""
    clock = Clock(datetime(2027, 1, 31, 18, 0, tzinfo=UTC).timestamp())
    for side in (SyncIO, AsyncIO):
        monkeypatch.setattr(side, "now", lambda _: clock.now)
    return clock


def test_a_window_is_that_of_the_time_zone(sync: bool, upstream: Upstream, clock: Clock) -> None:
    """A balance is that of the present window of the budget's calendar, and of no window that has ended."""
    monthly = {"requests": 5, "per": "month", "timezone": "Asia/Kolkata", "name": "m"}
    provider = provider_of(upstream, "memory://", monthly)
    book = Asked(provider.budgets, sync=sync)
    ask(provider)
    book.grant(3)
    (state,) = book.states()
    assert state.starts == datetime(2026, 12, 31, 18, 30, tzinfo=UTC)
    assert state.resets_at == datetime(2027, 1, 31, 18, 30, tzinfo=UTC)
    assert figures(state) == (8, 1, 0, 7)
    clock.now += 1799
    assert figures(book.remaining()[0]) == (8, 1, 0, 7)
    clock.now += 1
    assert figures(book.remaining()[0]) == (5, 0, 0, 5)
    assert book.states() == []
    provider.close()


def test_a_budget_for_each_model(sync: bool, upstream: Upstream) -> None:
    """Without a model all models with a balance are meant, to be read and reset; a grant needs to know which."""
    provider = provider_of(upstream, "memory://", {"requests": 5, "scope": ["model", "tenant"], "name": "b"})
    book = Asked(provider.budgets, sync=sync)
    for model, tenant in (("m", "acme"), ("n", "acme"), ("n", "bits")):
        with labels(tenant=tenant):
            provider.client.chat.completions.create(**{**ASK, "model": model})
    assert [state.scope for state in book.remaining(tenant="acme")] == [
        "model=m|tenant=acme",
        "model=n|tenant=acme",
    ]
    (one,) = book.remaining(tenant="acme", model="n")
    assert (one.scope, one.used) == ("model=n|tenant=acme", 1)
    with pytest.raises(ConfigError, match="name the model"):
        book.grant(1, tenant="acme")
    assert book.grant(1, tenant="acme", model="n").limit == 6
    assert [state.used for state in book.reset(tenant="acme")] == [0, 0]
    assert [(state.scope, state.used) for state in book.states() if state.used] == [
        ("model=n|tenant=bits", 1)
    ]
    provider.close()


def test_a_soft_budget_may_be_overdrawn(sync: bool, upstream: Upstream) -> None:
    """What is left of a budget that only warns is below zero where more was spent."""
    provider = provider_of(upstream, "memory://", {"requests": 1, "hard": False, "warn_at": None})
    for _ in range(3):
        ask(provider)
    (state,) = Asked(provider.budgets, sync=sync).remaining()
    provider.close()
    assert (state.hard, figures(state)) == (False, (1, 3, 0, -2))


@pytest.mark.parametrize("amount", [2**62 + 1, 2**80])
def test_amounts_beyond_all_bounds(amount: int, store_url: str, sync: bool, upstream: Upstream) -> None:
    """Amounts above what a store can count are clamped there, and exported exactly as they are counted."""
    provider = provider_of(upstream, store_url, {"usd": 1e9, "per": "total", "scope": "tenant", "name": "b"})
    book = Asked(provider.budgets, sync=sync)
    (policy,) = provider["default"]._policies()
    key = policy.budgets[0].prefix(window("total", "UTC", 0.0)) + "tenant=acme"
    io = sync_io()
    finish(policy.store.settle(io, "t", [Spend(key, amount, 1e10)], io.now()))
    (state,) = book.states()
    assert state.used >= 2**62 / 1e9
    assert (
        f'"used": {Decimal(2**62).scaleb(-9)}' in as_json_lines([state])
        or "django-cache" in store_url
        or (store_url == "memory://")
    )
    with pytest.raises(ConfigError, match="above zero"):
        book.grant(amount, tenant="acme")
    assert book.grant(Decimal("0.000000001"), tenant="acme").granted == 1e-9
    assert book.reset(tenant="acme")[0].used == 0
    provider.close()


@pytest.mark.parametrize("amount", [0, -1, 1.5, "x", True, float("nan"), float("inf"), None])
def test_a_grant_is_a_whole_number_above_zero(amount: Any, sync: bool, upstream: Upstream) -> None:
    """What is no amount of the budget's unit is rejected, and nothing is granted."""
    provider = provider_of(upstream, "memory://", PLAN)
    book = Asked(provider.budgets, sync=sync)
    with pytest.raises(ConfigError, match=r"^amount: "):
        book.grant(amount, tenant="acme")
    assert book.states() == []


def test_a_grant_is_exact_in_every_context(upstream: Upstream) -> None:
    """An application that computes with few digits grants every digit all the same."""
    provider = provider_of(upstream, "memory://", {"usd": 1, "name": "b"})
    with localcontext() as context:
        context.prec = 3
        (state,) = [provider.budgets.grant(Decimal("12345.123456789"))]
        assert '"granted": 12345.123456789, ' in as_json_lines([state])


def test_which_budget_is_meant(sync: bool, upstream: Upstream) -> None:
    """A budget is chosen by its name, or by what it shows for one; who chooses none or too many learns their names."""
    provider = provider_of(upstream, "memory://", PLAN, {"usd": 5, "scope": "tenant"})
    book = Asked(provider.budgets, sync=sync)
    assert [state.name for state in book.remaining()] == ["plan", "usd/day/tenant"]
    assert book.grant(0.5, budget="usd/day/tenant").limit == 5.5
    assert [state.name for state in book.reset(budget="plan")] == ["plan"]
    with pytest.raises(ConfigError, match=r"'plan' of 'default', 'usd/day/tenant' of 'default'"):
        book.grant(1)
    for change in (book.reset, lambda **options: book.grant(1, **options)):
        with pytest.raises(ConfigError, match=r"none of the name 'plans'; they are 'plan', 'usd/day/tenant'"):
            change(budget="plans")


def test_aliases_that_share_a_store_share_a_budget(store_url: str, sync: bool, upstream: Upstream) -> None:
    """A budget that two aliases count in one store is shown once; memories of their own are two."""
    own = {
        "api_key": "k",
        "base_url": upstream.base_url,
        "controls": {"store": store_url, "budgets": [PLAN]},
    }
    provider = ClientProvider(own, aliases={"other": own})
    apart = store_url == "memory://"
    for alias in provider:
        provider[alias].client.chat.completions.create(**ASK)
    book = Asked(provider.budgets, sync=sync)
    assert [state.used for state in book.remaining()] == ([1, 1] if apart else [2])
    assert [state.alias for state in book.states()] == (["default", "other"] if apart else ["default"])
    assert [state.used for state in Asked(provider["other"].budgets, sync=sync).states()] == [
        1 if apart else 2
    ]
    if apart:
        with pytest.raises(ConfigError, match="'plan' of 'default', 'plan' of 'other'"):
            book.grant(1)
        assert Asked(provider["other"].budgets, sync=sync).grant(1).alias == "other"
    else:
        assert book.grant(1).limit == 6
    provider.close()


def test_tenants_with_keys_of_their_own(sync: bool, upstream: Upstream) -> None:
    """A budget that knows no tenants is apart for a tenant with a key of its own, and found by the tenant's label."""
    keys = {"acme": {"api_key": "of-acme"}}
    provider = provider_of(
        upstream,
        "memory://",
        {"requests": 5, "name": "all"},
        PLAN,
        credentials=lambda found: keys.get(found.tenant),
    )
    book = Asked(provider.budgets, sync=sync)
    for tenant in ("acme", "acme", "bits"):
        ask(provider, tenant)
    (mine, plan), (others, _) = book.remaining(tenant="acme"), book.remaining(tenant="bits")
    assert (mine.used, plan.used, others.used, others.scope) == (2, 2, 1, "all")
    assert mine.scope.startswith("all|account=")
    assert "of-acme" not in mine.scope
    assert {state.scope for state in book.states()} == {"all", mine.scope, "tenant=acme", "tenant=bits"}
    assert book.reset(tenant="acme", budget="all")[0].scope == mine.scope
    assert [state.used for state in book.states() if state.name == "all"] == [1]
    provider.close()


async def _key_of_acme(found: Any) -> Any:
    return {"api_key": "of-acme"} if found.tenant == "acme" else None


def test_tenants_of_a_coroutine_function(sync: bool, upstream: Upstream) -> None:
    """Where only the async client can ask for a tenant's key, balances are found on either side all the same."""
    provider = provider_of(
        upstream,
        "memory://",
        {"requests": 5, "name": "all"},
        credentials=_key_of_acme,
        client_class="ai_client.OpenAI",
    )
    book = Asked(provider.budgets, sync=sync)
    assert book.remaining(tenant="acme")[0].scope.startswith("all|account=")
    assert book.remaining(tenant="bits")[0].scope == "all"


def test_without_budgets_there_is_no_balance(sync: bool) -> None:
    """The error of a balance names the control that is missing."""
    book = Asked(ClientProvider(api_key="k").budgets, sync=sync)
    for name in NAMES:
        with pytest.raises(ConfigError, match="'budgets'"):
            getattr(book, name)(*([1] if name == "grant" else []))
