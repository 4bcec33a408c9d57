"""Reservations of calls that last are renewed; those of killed processes expire, and count or are released."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from ai_client import APIConnectionError, ConfigError
from ai_client.control import Call, Next, Reply
from ai_client.control.accounting.budget import Budget, Budgets
from ai_client.control.accounting.rate_limit import RateLimit, RateLimits
from ai_client.stores import Ledger, Store, heartbeat, open_store
from ai_client.testing import Gate, Upstream
from tests.support.accounts import chat_reply
from tests.support.invoke import Invoke, no_waiting
from tests.support.policies import Clock, finish, sync_io

TOKENS = "|tokens|total|UTC|all"


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """Yield a fresh store of each kind."""
    with closing(open_store(store_url)) as store:
        yield store


def balance(store: Store, now: float, key: str = TOKENS) -> Ledger:
    """Return the balance of a ledger at a time."""
    return finish(store.ledger(sync_io(), key, now))


def budgets(store: Store, **options: Any) -> Budgets:
    """Make a budget of tokens and one of requests."""
    return Budgets([Budget(tokens=10**6, per="total"), Budget(requests=100, per="total")], store, **options)


class Renewals:
    """What the heartbeat of this process renews, without what tests before this one have left."""

    def __init__(self) -> None:
        self._others = {*heartbeat._here().renewals}

    def beat(self) -> None:
        """Let the heartbeat find that everything is due."""
        for renewal in self.now():
            renewal.due = 0.0
            renewal.beat()

    def now(self) -> list[heartbeat.Renewal]:
        """Return what is renewed now."""
        return [renewal for renewal in list(heartbeat._here().renewals) if renewal not in self._others]


@pytest.fixture
def renewals() -> Renewals:
    """Return what is renewed from here on."""
    return Renewals()


def test_a_call_that_lasts_holds_what_it_reserved(
    invoke: Invoke, upstream: Upstream, store: Store, clock: Clock, renewals: Renewals
) -> None:
    """However long a call takes, its reservation lasts until it is settled, and nothing is renewed after that."""
    upstream.always(chat_reply)
    seen: list[Ledger] = []

    async def last(call: Call, proceed: Next) -> Reply:
        for _ in range(3):
            clock.now += 800
            renewals.beat()
        seen.append(balance(store, clock.now))
        return await proceed(call)

    client = invoke.client(layers=[budgets(store), last])
    client.io.now = clock
    invoke.chat(client, max_tokens=100)
    assert seen[0].used == 0
    assert seen[0].held > 100
    assert balance(store, clock.now) == Ledger(50, 0)
    assert not renewals.now()


def test_a_stream_that_lasts_holds_what_it_reserved(
    invoke: Invoke, upstream: Upstream, store: Store, clock: Clock, renewals: Renewals
) -> None:
    """The reservation of a stream lasts until its end."""
    hold = Gate()
    upstream.reply(chunks=[b'data: {"choices": []}\n\n', hold])
    client = invoke.client(layers=[budgets(store)])
    client.io.now = clock
    stream = invoke.chat(client, max_tokens=100, stream=True)
    for _ in range(3):
        clock.now += 800
        renewals.beat()
        assert balance(store, clock.now).held > 100
    hold.set()
    invoke(stream.close)
    ledger = balance(store, clock.now)
    assert ledger.held == 0
    assert ledger.used > 100  # it ended early
    assert not renewals.now()


def test_lost_attempts_of_a_call_that_lasts_stay_reserved(
    invoke: Invoke, upstream: Upstream, store: Store, clock: Clock, renewals: Renewals
) -> None:
    """What was reserved for an attempt that was lost is renewed too, for as long as the call goes on."""
    seen: list[Ledger] = []

    def answer(recorded: Any) -> Any:
        clock.now += 800
        renewals.beat()
        clock.now += 800
        seen.append(balance(store, clock.now))
        return chat_reply(recorded)

    upstream.reply(disconnect=True)
    upstream.always(answer)
    client = invoke.client(layers=[budgets(store)], max_retries=1)
    client.io.now = clock
    with no_waiting():
        invoke.chat(client, max_tokens=100)
    assert seen[0].used == 0
    assert balance(store, clock.now) == Ledger(seen[0].held // 2 + 50, 0)


@pytest.mark.parametrize("on_expired", ["count", "release"])
def test_a_call_that_outlives_its_reservation_counts_once(
    invoke: Invoke, upstream: Upstream, store: Store, clock: Clock, on_expired: Any
) -> None:
    """Where a process stood still until its reservation had expired, its call counts what it used all the same."""
    upstream.always(chat_reply)
    seen: list[Ledger] = []

    async def stand_still(call: Call, proceed: Next) -> Reply:
        clock.now += 1000
        seen.append(balance(store, clock.now))
        return await proceed(call)

    client = invoke.client(layers=[budgets(store, on_expired=on_expired), stand_still])
    client.io.now = clock
    invoke.chat(client, max_tokens=100)
    assert seen[0].held == 0
    assert (seen[0].used > 100) == (on_expired == "count")
    assert balance(store, clock.now) == Ledger(50, 0)
    assert balance(store, clock.now, "|requests|total|UTC|all") == Ledger(1, 0)


def test_rates_alone_need_no_heartbeat(
    invoke: Invoke, upstream: Upstream, store: Store, renewals: Renewals
) -> None:
    """A call that only takes of rates has nothing that could expire."""
    seen: list[int] = []

    async def look(call: Call, proceed: Next) -> Reply:
        seen.append(len(renewals.now()))
        return await proceed(call)

    invoke.chat(invoke.client(layers=[RateLimits([RateLimit(requests=5)], store), look]))
    assert seen == [0]
    assert upstream.requests


def test_a_failed_call_is_renewed_no_more(
    invoke: Invoke, upstream: Upstream, store: Store, renewals: Renewals
) -> None:
    """Nothing is renewed for a call that failed."""
    upstream.reply(disconnect=True)
    with pytest.raises(APIConnectionError):
        invoke.chat(invoke.client(layers=[budgets(store)]))
    assert not renewals.now()


@pytest.mark.parametrize("on_expired", ["count", "release"])
def test_what_a_killed_process_reserved(shared_url: str, upstream: Upstream, on_expired: str) -> None:
    """Once it expires, the reservation of a killed process counts as used or is released, as the option says."""
    upstream.always(never=True)
    command = [sys.executable, "-m", "tests.support.spender", shared_url, upstream.base_url]
    process = subprocess.Popen(
        [*command, "1", "1000", "900", on_expired], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
        upstream.wait_for(lambda: len(upstream.requests) == 1, timeout=60)
    finally:
        process.kill()
        process.communicate()
    with closing(open_store(shared_url)) as store:
        now = time.time()
        before, after = (balance(store, at, "|usd|total|UTC|all") for at in (now, now + 901))
    assert before.used == 0
    assert before.held > 200 * 600_000
    assert after == Ledger(before.held if on_expired == "count" else 0, 0)


def test_an_unknown_way_to_expire_is_rejected(store: Store) -> None:
    """`on_expired` is `count` or `release`."""
    with pytest.raises(ConfigError, match="on_expired"):
        budgets(store, on_expired="forget")
