"""What every backend promises, whatever it is made of."""

import itertools
import random
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from ai_client.stores import Backend, Change, Hold, Ledger, Refusal, Spend, Take, Tally, open_store
from ai_client.stores.base import SLOTS, OnExpired
from ai_client.stores.memory import MemoryBackend
from ai_client.stores.sqlite import SqliteBackend
from tests.support.forks import in_child

NOW = 1_800_000_000.0
DAY = NOW + 86_400


def take(backend: Backend, takes: list[Take], now: float) -> float:
    """Take, and give the seconds until there may be room where there is none."""
    refusal = backend.admit(uuid4().hex, (), takes, now, now)
    return 0.0 if refusal is None else refusal.wait


def add(backend: Backend, ticket: str, period: str, key: str, **amounts: int) -> None:
    """Add to the sums of a period, which are kept for a day from now on."""
    now = time.time()
    assert backend.settle(ticket, (), now, (), Tally(period, key, amounts, now + 86_400)) == []


@pytest.fixture
def backend(store_url: str) -> Iterator[Backend]:
    """Yield the backend of a fresh store."""
    store = open_store(store_url)
    yield store.backend
    store.close()


def test_a_reservation_is_held_and_then_settled(backend: Backend) -> None:
    """What is reserved counts as held until it is settled, at what was used."""
    assert backend.admit("t1", [Hold("a", 70, 100, DAY)], (), NOW, NOW + 60) is None
    assert backend.ledger("a", NOW) == Ledger(0, 70)
    assert backend.admit("t2", [Hold("a", 31, 100, DAY)], (), NOW, NOW + 60) == Refusal(0, 0, 70)
    assert backend.settle("t1", [Spend("a", 12, DAY)], NOW) == [Ledger(12, 0)]
    assert backend.admit("t2", [Hold("a", 88, 100, DAY)], (), NOW, NOW + 60) is None


def test_a_reservation_is_all_or_nothing(backend: Backend) -> None:
    """Where one of several ledgers has no room, none is touched, and the refusal says which it was."""
    holds = [Hold("roomy", 10, 100, DAY), Hold("narrow", 10, 5, DAY)]
    assert backend.admit("t1", holds, (), NOW, NOW + 60) == Refusal(1, 0, 0)
    assert backend.ledger("roomy", NOW) == Ledger(0, 0)


def test_a_reservation_expires(backend: Backend) -> None:
    """What nobody settles is given back when it expires; settling it later still counts what was used."""
    backend.admit("lost", [Hold("a", 100, 100, DAY)], (), NOW, NOW + 60)
    assert backend.admit("next", [Hold("a", 1, 100, DAY)], (), NOW + 59, NOW + 200) == Refusal(0, 0, 100)
    assert backend.admit("next", [Hold("a", 1, 100, DAY)], (), NOW + 60, NOW + 200) is None
    assert backend.settle("lost", [Spend("a", 40, DAY)], NOW + 61) == [Ledger(40, 1)]


def test_a_reservation_may_count_when_it_expires(backend: Backend) -> None:
    """What nobody settles counts as used once it expired where that is asked for, until it is settled after all."""
    holds = [
        Hold("a", 70, 100, DAY, on_expired="count"),
        Hold("b", 7, None, DAY, on_expired="count"),
        Hold("c", 5, 10, DAY),
    ]
    backend.admit("lost", holds, (), NOW, NOW + 60)
    backend.admit("lost too", holds[1:], (), NOW, NOW + 80)
    assert [backend.ledger(key, NOW + 59) for key in "abc"] == [Ledger(0, 70), Ledger(0, 14), Ledger(0, 10)]
    assert [backend.ledger(key, NOW + 60) for key in "abc"] == [Ledger(70, 0), Ledger(7, 7), Ledger(0, 5)]
    assert [backend.ledger(key, NOW + 90) for key in "abc"] == [Ledger(70, 0), Ledger(14, 0), Ledger(0, 0)]
    assert backend.admit("next", [Hold("a", 31, 100, DAY)], (), NOW + 60, NOW + 200) == Refusal(0, 70, 0)
    assert not backend.renew("lost", holds, NOW + 61, NOW + 200)
    spends = [Spend("a", 12, DAY), Spend("b", 1, DAY), Spend("c", 2, DAY)]
    for _ in range(2):
        assert backend.settle("lost", spends, NOW + 90) == [Ledger(12, 0), Ledger(8, 0), Ledger(2, 0)]
    assert backend.admit("next", [Hold("a", 88, 100, DAY)], (), NOW + 90, NOW + 200) is None


def test_a_reservation_of_nothing_may_count_when_it_expires(backend: Backend) -> None:
    """A call that reserved 0, as one of a free model, may expire, count and be settled after all."""
    backend.admit("free", [Hold("a", 0, 100, DAY, on_expired="count")], (), NOW, NOW + 60)
    assert backend.ledger("a", NOW + 61) == Ledger(0, 0)
    assert backend.settle("free", [Spend("a", 3, DAY)], NOW + 62) == [Ledger(3, 0)]


def test_what_counts_after_it_expired_is_forgotten_with_its_ledger(backend: Backend) -> None:
    """What a killed process held counts as long as the rest of its ledger."""
    backend.admit("lost", [Hold("a", 70, 100, NOW + 100, on_expired="count")], (), NOW, NOW + 60)
    backend.settle("t1", [Spend("a", 3, NOW + 100)], NOW + 61)
    assert backend.ledger("a", NOW + 61) == Ledger(73, 0)
    if isinstance(backend, MemoryBackend | SqliteBackend):  # ledgers of others end by the clock of a server
        assert backend.admit("next", [Hold("a", 100, 100, NOW + 300)], (), NOW + 101, NOW + 200) is None


def test_a_renewed_reservation_lasts(backend: Backend) -> None:
    """A reservation that is renewed is held until its new end, also on a ledger that would be forgotten before."""
    holds = [Hold("a", 70, 100, NOW + 60), Hold("b", 1, None, DAY)]
    backend.admit("t1", holds, (), NOW, NOW + 60)
    assert backend.renew("t1", holds, NOW + 59, NOW + 119)
    assert backend.renew("t1", holds, NOW + 59, NOW + 100)  # shortens nothing
    assert backend.ledger("a", NOW + 118) == Ledger(0, 70)
    assert backend.admit("t2", [Hold("a", 31, 100, DAY)], (), NOW + 118, NOW + 200) == Refusal(0, 0, 70)
    assert not backend.renew("t1", holds, NOW + 119, NOW + 300)
    assert backend.admit("t2", [Hold("a", 31, 100, DAY)], (), NOW + 119, NOW + 200) is None
    assert backend.ledger("b", NOW + 119) == Ledger(0, 0)


def test_only_what_is_held_is_renewed(backend: Backend) -> None:
    """What was never admitted, was settled or is held on some ledgers alone is not renewed as a whole."""
    holds = [Hold("a", 10, 100, DAY), Hold("b", 10, 100, DAY)]
    assert not backend.renew("none", holds, NOW, NOW + 60)
    backend.admit("t1", holds[:1], (), NOW, NOW + 60)
    assert not backend.renew("t1", holds, NOW, NOW + 120)
    assert backend.ledger("a", NOW + 60) == Ledger(0, 10)
    assert backend.ledger("b", NOW) == Ledger(0, 0)
    backend.settle("t1", [Spend("a", 3, DAY)], NOW + 60)
    assert not backend.renew("t1", holds[:1], NOW + 61, NOW + 120)
    assert backend.ledger("a", NOW + 61) == Ledger(3, 0)


@pytest.mark.parametrize("order", [*itertools.permutations((60, 61, 120))])
def test_each_reservation_expires_at_its_own_time(backend: Backend, order: tuple[int, ...]) -> None:
    """Reservations on one ledger are given back one by one, in whatever order they were made."""

    def room(now: float) -> int:
        refusal = backend.admit("more", [Hold("a", 101, 100, DAY)], (), now, now + 1)
        assert refusal is not None
        return 100 - refusal.held

    for seconds in order:
        backend.admit(f"t{seconds}", [Hold("a", seconds // 10, 100, DAY)], (), NOW, NOW + seconds)
    assert [room(NOW + now) for now in (59.5, 60, 61, 119.5, 120)] == [76, 82, 88, 88, 100]


def test_settling_twice_counts_once(backend: Backend) -> None:
    """A settlement that is repeated, as after a lost answer, changes nothing."""
    backend.admit("t1", [Hold("a", 10, None, DAY)], (), NOW, NOW + 60)
    for _ in range(2):
        assert backend.settle("t1", [Spend("a", 7, DAY)], NOW) == [Ledger(7, 0)]


def test_reserving_twice_with_one_ticket_holds_once(backend: Backend) -> None:
    """A reservation that is repeated, as after a lost answer, holds its amount once and is not in its own way."""
    for _ in range(2):
        assert backend.admit("t1", [Hold("a", 10, 10, DAY)], (), NOW, NOW + 60) is None
    assert backend.ledger("a", NOW) == Ledger(0, 10)


def test_amounts_may_be_large(backend: Backend) -> None:
    """A million USD in nano-USD is counted to the last one."""
    amount = 10**15 + 1
    backend.admit("t1", [Hold("a", amount, 2 * amount, DAY)], (), NOW, NOW + 60)
    assert backend.settle("t1", [Spend("a", amount, DAY)], NOW) == [Ledger(amount, 0)]


def test_threads_never_reserve_more_than_there_is(backend: Backend) -> None:
    """Of 200 reservations from 8 threads exactly as many succeed as there is room for."""
    with ThreadPoolExecutor(8) as pool:
        refusals = list(
            pool.map(
                lambda number: backend.admit(f"t{number}", [Hold("a", 1, 50, DAY)], (), NOW, NOW + 60),
                range(200),
            )
        )
    assert sum(refusal is None for refusal in refusals) == 50
    assert backend.ledger("a", NOW) == Ledger(0, 50)


def test_a_window_holds_its_limit(backend: Backend) -> None:
    """A window takes up to its limit, and says when there is room again."""
    ten = Take("w", 10, 100, 60.0)
    assert [take(backend, [ten], NOW + step) for step in range(10)] == [0.0] * 10
    wait = take(backend, [ten], NOW + 10)
    assert 50 <= wait <= 52
    assert take(backend, [ten], NOW + 10 + wait - 1.5) > 0
    assert take(backend, [ten], NOW + 10 + wait) == 0


def test_who_comes_late_is_counted(backend: Backend) -> None:
    """A take whose clock is behind that of one before it counts all the same."""
    assert take(backend, [Take("w", 1, 2, 60.0)], NOW) == 0
    assert take(backend, [Take("w", 1, 2, 60.0)], NOW - 1.5) == 0
    assert take(backend, [Take("w", 1, 2, 60.0)], NOW) > 0


def test_what_comes_late_is_adjusted(backend: Backend) -> None:
    """An adjustment of a take whose clock is behind that of one before it counts, upwards and downwards."""
    assert take(backend, [Take("w", 10, 100, 60.0)], NOW) == 0
    assert take(backend, [Take("w", 10, 100, 60.0)], NOW - 1.5) == 0
    backend.settle("up", (), NOW, [Change("w", 70, 60.0, NOW - 1.5)])
    assert take(backend, [Take("w", 11, 100, 60.0)], NOW) > 0
    backend.settle("down", (), NOW, [Change("w", -80, 60.0, NOW - 1.5)])
    assert take(backend, [Take("w", 91, 100, 60.0)], NOW) > 0
    assert take(backend, [Take("w", 90, 100, 60.0)], NOW) == 0


def test_what_has_left_its_window_is_adjusted_no_more(backend: Backend) -> None:
    """An adjustment of what no longer counts changes nothing of what does, also where all has left the window."""
    assert take(backend, [Take("w", 10, 100, 60.0)], NOW - 240) == 0
    assert take(backend, [Take("w", 100, 100, 60.0)], NOW - 170) == 0
    assert take(backend, [Take("w", 101, 100, 60.0)], NOW - 100) > 0  # which forgets the others
    backend.settle("late", (), NOW, [Change("w", 5, 60.0, NOW - 171)])
    backend.settle("old", (), NOW, [Change("w", 5, 60.0, NOW - 120)])
    assert take(backend, [Take("w", 10, 100, 60.0)], NOW) == 0
    for ticket, amount in (("up", 90), ("down", -10)):
        backend.settle(ticket, (), NOW, [Change("w", amount, 60.0, NOW - 120)])
    assert take(backend, [Take("w", 91, 100, 60.0)], NOW) > 0
    assert take(backend, [Take("w", 90, 100, 60.0)], NOW) == 0


def test_windows_are_taken_together_or_not_at_all(backend: Backend) -> None:
    """Where one of several windows is full, none is touched."""
    take(backend, [Take("full", 1, 1, 60.0)], NOW)
    assert take(backend, [Take("free", 1, 1, 60.0), Take("full", 1, 1, 60.0)], NOW) > 0
    assert take(backend, [Take("free", 1, 1, 60.0)], NOW) == 0


def test_holds_and_takes_go_together(backend: Backend) -> None:
    """Where a hold has no room nothing is taken, where a window has none nothing is held, and else both are."""
    hold, narrow = Hold("a", 10, 100, DAY), Hold("b", 10, 5, DAY)
    full, free = Take("full", 1, 1, 60.0), Take("free", 1, 1, 60.0)
    take(backend, [full], NOW)
    assert backend.admit("t1", [hold, narrow], [free], NOW, NOW + 60) == Refusal(1, 0, 0)
    refusal = backend.admit("t1", [hold], [free, full], NOW, NOW + 60)
    assert refusal is not None
    assert (refusal.position, refusal.wait > 0) == (None, True)
    assert backend.ledger("a", NOW) == Ledger(0, 0)
    assert backend.admit("t1", [hold], [free], NOW, NOW + 60) is None
    assert backend.ledger("a", NOW) == Ledger(0, 10)
    assert take(backend, [free], NOW) > 0


def test_all_that_came_of_a_call_is_counted_together(backend: Backend) -> None:
    """One settlement counts on ledgers, windows and sums; a second time for its ticket it counts on none."""
    backend.admit("t1", [Hold("a", 10, 100, DAY)], [Take("w", 90, 100, 60.0)], NOW, NOW + 60)
    tally = Tally("2027-01-15T08", "k", {"calls": 1}, time.time() + 86_400)
    for _ in range(2):
        changes = [Change("w", -40, 60.0, NOW)]
        assert backend.settle("t1", [Spend("a", 7, DAY)], NOW, changes, tally) == [Ledger(7, 0)]
    assert backend.sums("2027", "2028") == {"2027-01-15T08": {"k": {"calls": 1}}}
    assert take(backend, [Take("w", 51, 100, 60.0)], NOW) > 0
    assert take(backend, [Take("w", 50, 100, 60.0)], NOW) == 0


def test_a_window_can_be_adjusted(backend: Backend) -> None:
    """An adjustment counts whatever the limit, upwards and downwards."""
    take(backend, [Take("w", 100, 100, 60.0)], NOW)
    for _ in range(2):  # as after an answer that was lost
        backend.settle("t1", (), NOW + 30, [Change("w", -60, 60.0, NOW)])
    assert take(backend, [Take("w", 60, 100, 60.0)], NOW) == 0
    assert take(backend, [Take("w", 1, 100, 60.0)], NOW) > 0


def test_sums_add_up_by_period(backend: Backend) -> None:
    """Sums are kept by period, key and name, and read by a range of periods."""
    add(backend, "t1", "2027-01-01T10", "k", calls=1, nano_usd=10**12)
    add(backend, "t2", "2027-01-01T11", "k", calls=1)
    add(backend, "t3", "2027-01-01T11", "other", calls=5)
    for _ in range(2):  # as after an answer that was lost
        add(backend, "t4", "2027-01-01T11", "k", calls=2)
    assert backend.sums("2027-01-01T11", "2027-01-02") == {
        "2027-01-01T11": {"k": {"calls": 3}, "other": {"calls": 5}}
    }
    assert backend.sums("2027-01-01T10", "2027-01-01T10") == {
        "2027-01-01T10": {"k": {"calls": 1, "nano_usd": 10**12}}
    }


def test_values_are_kept_and_replaced(backend: Backend) -> None:
    """A value is read as it was set, and a second one takes its place."""
    now = time.time()
    assert backend.get("key", now) is None
    backend.set("key", b"one\0\xff", now + 60, now)
    assert backend.get("key", now) == b"one\0\xff"
    backend.set("key", b"two", now + 60, now)
    assert backend.get("key", now) == b"two"


def test_closing_is_not_the_end(backend: Backend) -> None:
    """A backend that was closed opens again when it is used."""
    backend.admit("t1", [Hold("a", 10, 100, DAY)], (), NOW, NOW + 60)
    backend.close()
    assert backend.ledger("a", NOW) == Ledger(0, 10)


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_values_are_bounded_and_expire(kind: str, tmp_path: "object") -> None:
    """Values past the bound push out the oldest, one that is too large is not kept, and one expires in time."""
    from ai_client.stores.memory import MemoryBackend
    from ai_client.stores.sqlite import SqliteBackend

    backend = MemoryBackend(100) if kind == "memory" else SqliteBackend(f"{tmp_path}/s.db", 100)
    for name in "abc":
        backend.set(name, b"x" * 40, NOW + 60, NOW)
    assert [backend.get(name, NOW) is None for name in "abc"] == [True, False, False]
    backend.set("d", b"x" * 101, NOW + 60, NOW)
    assert backend.get("d", NOW) is None
    for name in "bcbc":
        assert backend.get(name, NOW + 60) is None
    for name, size, left in (("e", 60, "e"), ("f", 40, "ef"), ("g", 1, "fg")):
        backend.set(name, b"x" * size, NOW + 120, NOW + 60)
        assert [name for name in "efg" if backend.get(name, NOW + 60)] == [*left]
    backend.close()


def test_holds_are_not_looked_through_at_each_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """In memory, what a call costs does not grow with the calls under way: holds are looked at when one is due."""
    from ai_client.stores.memory import MemoryBackend
    from ai_client.stores.memory_state import Account

    looked: list[float] = []
    expire = Account.expire

    def note(account: Account, now: float) -> None:
        looked.append(now)
        expire(account, now)

    monkeypatch.setattr(Account, "expire", note)
    backend = MemoryBackend()
    for number in range(1000):
        assert (
            backend.admit(f"t{number}", [Hold("a", 1, 1000, DAY)], (), NOW + number, NOW + 2000 + number)
            is None
        )
    for number in range(900):
        backend.settle(f"t{number}", [Spend("a", 1, DAY)], NOW + 1000)
    assert looked == []
    assert backend.admit("late", [Hold("a", 1, 1000, DAY)], (), NOW + 2950, NOW + 5000) is None
    assert looked == [NOW + 2950]
    assert backend.ledger("a", NOW + 2950) == Ledger(900, 49 + 1)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["reserve", "settle", "renew", "tick"]),
        st.integers(0, 5),
        st.integers(0, 60),
        st.sampled_from(["count", "release"]),
    ),
    max_size=40,
)


@given(STEPS)
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    max_examples=40,
    deadline=None,
)
def test_reservations_follow_their_arithmetic(
    backend: Backend, steps: list[tuple[str, int, int, OnExpired]]
) -> None:
    """Whatever is reserved, renewed, settled or left to expire: the ledger equals a model of it within its limit."""
    key = uuid4().hex
    now, used, tickets, settled = NOW, 0, {}, set()

    def balance() -> Ledger:
        expired = sum(held for held, expires, then in tickets.values() if expires <= now and then == "count")
        return Ledger(used + expired, sum(held for held, expires, _ in tickets.values() if expires > now))

    for step, number, amount, on_expired in steps:
        ticket = f"{key}-{number}"
        if step == "tick":
            now += amount
        elif step == "settle" and ticket not in settled:
            tickets.pop(ticket, None)
            settled.add(ticket)
            backend.settle(ticket, [Spend(key, amount, DAY)], now)
            used += amount
        elif step == "renew":
            reserved, expires, then = tickets.get(ticket, (0, 0.0, "release"))
            hold = Hold(key, reserved, 100, DAY, then)
            assert backend.renew(ticket, [hold], now, now + amount) == (expires > now)
            if expires > now:
                tickets[ticket] = reserved, max(expires, now + amount), then
        elif step == "reserve" and ticket not in settled and ticket not in tickets:
            before = balance()
            refusal = backend.admit(ticket, [Hold(key, amount, 100, DAY, on_expired)], (), now, now + 100)
            assert (refusal is None) == (before.used + before.held + amount <= 100)
            if refusal is None:
                tickets[ticket] = (amount, now + 100, on_expired)
        assert backend.ledger(key, now) == balance()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_sqlite_does_not_touch_a_connection_from_before_a_fork(tmp_path: "object") -> None:
    """A forked child opens the file itself, and both processes count on."""
    import os

    from ai_client.stores.sqlite import SqliteBackend

    backend = SqliteBackend(f"{tmp_path}/s.db")
    backend.admit("parent", [Hold("a", 1, 100, DAY)], (), NOW, NOW + 60)
    child = os.fork()
    if child == 0:
        try:
            backend.admit("child", [Hold("a", 2, 100, DAY)], (), NOW, NOW + 60)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert backend.ledger("a", NOW) == Ledger(0, 3)
    backend.close()


@pytest.mark.parametrize("window", [1.0, 7.5, 3600.0, 86_400.0])
def test_a_window_of_any_length_holds_its_limit(backend: Backend, window: float) -> None:
    """Whatever its length, a window takes up to its limit, and says to a slot when there is room again."""
    slot = window / SLOTS
    ten = Take("w", 10, 100, window)
    assert [take(backend, [ten], NOW + step * slot) for step in range(10)] == [0.0] * 10
    at = NOW + 10 * slot
    wait = take(backend, [ten], at)
    assert window - 10 * slot <= wait <= window - 8 * slot
    assert take(backend, [ten], at + wait - 1.5 * slot) > 0
    assert take(backend, [ten], at + wait) == 0


@pytest.mark.parametrize("window", [1.0, 60.0, 3600.0])
def test_no_stretch_of_a_window_holds_more_than_its_limit(backend: Backend, window: float) -> None:
    """Takes at random moments, corrected or not, never add up to more than the limit in any stretch of its length."""
    chance = random.Random(window)
    taken: list[tuple[float, int]] = []
    now = NOW
    for number in range(120):
        now += chance.uniform(0, window / 20)
        amount = chance.randrange(1, 30)
        if backend.admit(f"t{number}", (), [Take("w", amount, 100, window)], now, now) is None:
            used = chance.randrange(amount + 1)
            backend.settle(f"t{number}", (), now, [Change("w", used - amount, window, now)])
            taken.append((now, used))
    assert len(taken) > 20
    for end, _ in taken:
        assert sum(used for at, used in taken if end - window < at <= end) <= 100


@pytest.mark.parametrize("amount", [2**62, 2**63 - 1, 2**63, 10**30])
def test_an_amount_without_bounds_harms_no_store(backend: Backend, amount: int) -> None:
    """Amounts beyond what a machine counts in are counted as very large ones, and everything else goes on."""
    spends, changes = [Spend("a", amount, DAY)], [Change("w", amount, 60.0, NOW)]
    tally = Tally("2027-01-15T08", "k", {"tokens": amount, "calls": 1}, time.time() + 86_400)
    assert backend.admit("t1", [Hold("a", amount, None, DAY)], (), NOW, NOW + 60) is None
    assert backend.admit("t2", [Hold("a", amount, None, DAY)], (), NOW, NOW + 60) is None
    assert backend.ledger("a", NOW).held >= 2**62
    for ticket in ("t1", "t2", "t3"):
        backend.settle(ticket, spends, NOW, changes, tally)
    assert backend.ledger("a", NOW).used >= 2**62
    assert backend.ledger("a", NOW).held == 0
    assert backend.admit("t4", [Hold("a", 1, 2**61, DAY)], (), NOW, NOW + 60) is not None
    assert take(backend, [Take("w", 1, 2**61, 60.0)], NOW) > 0
    assert backend.sums("2027", "2028")["2027-01-15T08"]["k"]["calls"] == 3
    assert backend.admit("t5", [Hold("b", 5, 10, DAY)], (), NOW, NOW + 60) is None
    assert backend.settle("t5", [Spend("b", 3, DAY)], NOW) == [Ledger(3, 0)]
    assert backend.admit("t6", (), [Take("vast", amount, 10, 60.0)], NOW, NOW) is not None


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_child_uses_a_store_that_threads_were_using(backend: Backend) -> None:
    """Whatever threads do with a store at a fork, the child uses it without waiting for them."""
    end = threading.Event()

    def toil(name: str) -> None:
        for number in itertools.count():
            ticket = f"{name}{number}"
            backend.admit(ticket, [Hold("a", 1, None, DAY)], [Take("w", 1, 10**9, 60.0)], NOW, NOW + 60)
            backend.settle(ticket, [Spend("a", 1, DAY)], NOW)
            if end.is_set():
                return

    def work(name: str) -> bool:
        began = time.monotonic()
        admitted = backend.admit(name, [Hold(name, 1, 1, DAY)], (), NOW, NOW + 60) is None
        settled = backend.settle(name, [Spend(name, 1, DAY)], NOW) == [Ledger(1, 0)]
        return (
            admitted and settled and time.monotonic() - began < 4
        )  # seconds, until a lock in a cache is void

    threads = [threading.Thread(target=toil, args=(name,)) for name in "xy"]
    for thread in threads:
        thread.start()
    try:
        ended = [in_child(partial(work, f"child{number}")) for number in range(8)]
    finally:
        end.set()
        for thread in threads:
            thread.join()
    assert all(ended)


def test_a_fork_waits_for_whoever_has_the_lock_in_a_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From before the lock lies in a Django cache until it is gone, a fork is held up: no child inherits the lock."""
    from django.core import cache
    from django.core.cache.backends.locmem import LocMemCache

    from ai_client.stores import django_cache

    found = LocMemCache(str(tmp_path), {})
    monkeypatch.setattr(cache, "caches", {"default": found})
    backend = django_cache.DjangoCacheBackend()
    seen: list[bool] = []

    with ThreadPoolExecutor(1) as forking:

        def look(frame: FrameType, event: str, arg: object) -> Any:
            del event, arg
            if frame.f_code.co_filename != django_cache.__file__:
                return None
            if found._cache.get(found.make_key("ai_client:lock")) is not None:  # type: ignore[attr-defined]
                seen.append(forking.submit(django_cache._inside.is_under_way).result())
            return look

        def toil() -> None:
            sys.settrace(look)
            try:
                assert backend.admit("t", [Hold("a", 1, 1, DAY)], (), NOW, NOW + 60) is None
                backend.settle("t", [Spend("a", 1, DAY)], NOW)
            finally:
                sys.settrace(None)

        thread = threading.Thread(target=toil)
        thread.start()
        thread.join()
    assert len(seen) > 10
    assert all(seen)
