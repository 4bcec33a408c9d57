"""What backends promise about the time of a take, and about the order of those who wait."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ai_client.stores import Backend, Change, Refusal, Take, open_store
from ai_client.stores.base import BEAT, GRACE, SLOTS
from ai_client.stores.sqlite import SqliteBackend

NOW = 1_900_000_000.0


@pytest.fixture
def backend(store_url: str) -> Iterator[Backend]:
    """Yield the backend of a fresh store."""
    store = open_store(store_url)
    yield store.backend
    store.close()


def ask(backend: Backend, ticket: str, take: Take, now: float) -> Refusal | None:
    """Ask for one take."""
    return backend.admit(ticket, (), [take], now, now)


def leave(backend: Backend, ticket: str, take: Take, now: float) -> None:
    """Give up a place."""
    backend.settle(ticket, (), now, [Change(take.key, 0, take.window, now)])


def small(amount: int = 1, *, patience: float = 600.0) -> Take:
    """Return a take of a window that holds 10."""
    return Take("w", amount, 10, 60.0, patience)


@pytest.mark.parametrize("off", [-1800.0, -0.9, 0.9, 1800.0])
def test_a_take_is_stamped_when_it_is_made(backend: Backend, off: float) -> None:
    """A take counts from the moment at which the store makes it, however long ago its caller read what clock."""
    asked = time.time() + off
    take = Take("w", 1, 1, 1.0)
    before = time.time()
    assert ask(backend, "a", take, asked) is None
    assert take.at is not None
    assert before - 0.4 <= take.at <= time.time() + 0.4  # a clock of the process may have drifted


def test_waiting_for_the_file_is_no_part_of_the_window(tmp_path: Path) -> None:
    """A take that waited while another process wrote to the file counts from when it was made."""
    import sqlite3

    backend = SqliteBackend(f"{tmp_path}/s.db")
    backend.ledger("a", NOW)
    writer = sqlite3.connect(f"{tmp_path}/s.db", isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    take = Take("w", 1, 1, 1.0)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask, backend, "a", take, time.time())
        threading.Event().wait(0.1)
        released = time.time()
        writer.execute("COMMIT")
        assert asked.result(30) is None
    assert take.at is not None
    assert take.at >= released
    writer.close()
    backend.close()


def test_a_large_take_is_not_passed(backend: Backend) -> None:
    """Who asks later for little does not pass a large take that waits, and passes once that has given up."""
    assert ask(backend, "first", small(4), NOW) is None
    large = small(8)
    refused = ask(backend, "large", large, NOW + 1)
    assert refused is not None
    assert tuple(refused.short) == (0,)
    assert ask(backend, "small", small(), NOW + 1.5) is not None
    leave(backend, "large", large, NOW + 2)
    assert ask(backend, "small", small(), NOW + 2) is None


def test_those_who_wait_come_in_order(backend: Backend) -> None:
    """Whoever asked first is the first to be admitted, whatever the order in which they ask again."""
    assert ask(backend, "full", small(10), NOW) is None
    for name in "abc":
        assert ask(backend, name, small(10), NOW + 1) is not None
    now = NOW + 1
    order: list[str] = []
    left = [*"cba"]
    for _ in range(1000):
        now += 1.0
        for name in [*left]:
            if ask(backend, name, small(10), now) is None:
                order.append(name)
                left.remove(name)
        if not left:
            break
    assert order == [*"abc"]


def test_the_wait_is_that_of_all_in_front(backend: Backend) -> None:
    """Who asks behind others is told the time by which all of them have had their turn."""
    assert ask(backend, "full", small(10), NOW) is None
    waits: list[float] = []
    for number in range(3):
        refused = ask(backend, f"w{number}", small(10), NOW)
        assert refused is not None
        waits.append(refused.wait)
    assert waits == pytest.approx([61, 122, 183], abs=0.01)


def test_who_has_no_patience_keeps_no_place(backend: Backend) -> None:
    """Who does not wait as long as it takes is in nobody's way."""
    assert ask(backend, "first", small(4), NOW) is None
    assert ask(backend, "large", small(8, patience=5.0), NOW + 1) is not None
    assert ask(backend, "small", small(), NOW + 1) is None


def test_a_place_that_is_not_kept_is_passed(backend: Backend) -> None:
    """A caller that was killed blocks others for a few seconds; one that was only slow is in its place again."""
    assert ask(backend, "first", small(4), NOW) is None
    assert ask(backend, "large", small(7), NOW) is not None
    assert ask(backend, "small", small(), NOW + BEAT + GRACE - 0.1) is not None
    assert ask(backend, "small", small(patience=0), NOW + BEAT + GRACE) is None
    assert ask(backend, "last", small(9), NOW + BEAT + GRACE) is not None
    assert ask(backend, "large", small(7), NOW + 60) is not None
    assert ask(backend, "last", small(9), NOW + 62) is not None
    assert ask(backend, "large", small(7), NOW + 62) is None


def test_those_who_wait_elsewhere_are_passed(backend: Backend) -> None:
    """Who waits for one of several windows leaves the others to those who need only these."""
    own, other, shared = (Take(key, 1, limit, 60.0, 600) for key, limit in (("x", 1), ("y", 1), ("all", 5)))
    assert backend.admit("1", (), [own, shared], NOW, NOW) is None
    for number in range(8):
        refused = backend.admit(f"x{number}", (), [own, shared], NOW, NOW)
        assert refused is not None
        assert tuple(refused.short) == (0,)
    assert backend.admit("2", (), [other, shared], NOW, NOW) is None


def test_a_clock_that_is_set_back(backend: Backend) -> None:
    """What was taken before the clock was set back counts for one more window, and not until the old time comes."""
    assert ask(backend, "a", small(10), NOW + 100_000) is None
    refused = ask(backend, "b", small(10), NOW)
    assert refused is not None
    assert refused.wait <= 60 + 60 / SLOTS
    assert ask(backend, "c", small(10), NOW + refused.wait) is None


def test_what_is_counted_late_leaves_the_rest_where_it_is(backend: Backend) -> None:
    """A call that was sent while the store was down counts from then, and later ones no less long for that."""
    assert ask(backend, "now", small(10), NOW) is None
    late = Take("w", 1, 2**62, 60.0, as_of=NOW - 30)
    assert ask(backend, "late", late, NOW) is None
    assert late.at == NOW - 30
    assert ask(backend, "next", small(), NOW + 40) is not None
    assert ask(backend, "next", small(), NOW + 61) is None


@pytest.mark.parametrize(("before", "after", "has_room"), [(10, 4, False), (4, 10, True)])
def test_a_limit_that_was_changed(backend: Backend, before: int, after: int, has_room: bool) -> None:
    """Where the limit was changed what was taken under the old one counts, also beside processes that still have it."""
    for number in range(before):
        assert ask(backend, str(number), Take("w", 1, before, 60.0), NOW) is None
    assert (ask(backend, "next", Take("w", 1, after, 60.0), NOW + 1) is None) == has_room
    assert ask(backend, "later", Take("w", after, after, 60.0), NOW + 63) is None


def test_limits_may_be_huge(backend: Backend) -> None:
    """A limit that no one reaches is counted like any other."""
    take = Take("w", 2**40, 2**62, 86_400.0)
    for number in range(3):
        assert ask(backend, str(number), take, NOW + number) is None
    assert ask(backend, "more", Take("w", 1, 3 * 2**40, 86_400.0), NOW + 5) is not None


class Turns(RuleBasedStateMachine):
    """Callers that ask, ask again, give up or are killed, at times of a simulated clock."""

    backend: Backend

    def __init__(self) -> None:
        super().__init__()
        self.key = uuid4().hex
        self.now = NOW
        self.limit = 20
        self.number = 0
        self.line: list[tuple[str, int, float]] = []
        self.taken: list[tuple[float, int, str]] = []

    def ask(self, ticket: str, amount: int, *, patience: float) -> Refusal | None:
        """Ask, and note a take; nobody in front may still be waiting then."""
        take = Take(self.key, amount, self.limit, 60.0, patience)
        refusal = self.backend.admit(ticket, (), [take], self.now, self.now)
        if refusal is None:
            in_front: list[tuple[str, int, float]] = []
            for place in self.line:
                if place[0] == ticket:
                    break
                if place[2] > self.now:
                    in_front.append(place)
            total = sum(taken for at, taken, _ in self.taken if at > self.now - 60.0)
            assert total + sum(place[1] for place in in_front) + amount <= self.limit
            self.line = [place for place in self.line if place[0] != ticket]
            self.taken.append((self.now, amount, ticket))
        else:
            assert refusal.wait > 0
        return refusal

    def keep(self, ticket: str, amount: int, wait: float) -> None:
        """Note that a place is kept."""
        place = (ticket, amount, self.now + min(wait, BEAT) + GRACE)
        known = [number for number, (other, _, _) in enumerate(self.line) if other == ticket]
        if known:
            self.line[known[0]] = place
        else:
            self.line.append(place)

    @rule(amount=st.integers(1, 20), patient=st.booleans())
    def arrive(self, amount: int, patient: bool) -> None:
        """A caller asks for the first time."""
        self.number += 1
        ticket = f"{self.key}{self.number}"
        refusal = self.ask(ticket, amount, patience=1e6 if patient else 0.0)
        if refusal is not None and patient:
            self.keep(ticket, amount, refusal.wait)

    @precondition(lambda self: self.line)
    @rule(data=st.data())
    def again(self, data: st.DataObject) -> None:
        """A caller that waits asks again."""
        ticket, amount, _ = data.draw(st.sampled_from(self.line))
        refusal = self.ask(ticket, amount, patience=1e6)
        if refusal is not None:
            self.keep(ticket, amount, refusal.wait)

    @precondition(lambda self: self.line)
    @rule(data=st.data())
    def give_up(self, data: st.DataObject) -> None:
        """A caller that waits gives up."""
        ticket, _, _ = data.draw(st.sampled_from(self.line))
        self.line = [place for place in self.line if place[0] != ticket]
        self.backend.settle(ticket, (), self.now, [Change(self.key, 0, 60.0, self.now)])

    @rule(seconds=st.sampled_from([0.3, 1.0, 2.9, 7.0, 31.0]))
    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.now += seconds
        self.line = [place for place in self.line if place[2] + 60 > self.now]

    @precondition(lambda self: self.line)
    @rule()
    def progress(self) -> None:
        """Where all who wait ask again when they are told to, the first is admitted in time."""
        ticket, amount, _ = self.line[0]
        for _ in range(4):
            refusal = self.ask(ticket, amount, patience=1e6)
            if refusal is None:
                return
            self.keep(ticket, amount, refusal.wait)
            self.now += refusal.wait
        raise AssertionError("the first in line was not admitted")

    @invariant()
    def no_window_holds_more(self) -> None:
        """No stretch of a window's length holds more than the limit."""
        for start, _, _ in self.taken:
            assert sum(amount for at, amount, _ in self.taken if start <= at < start + 60) <= self.limit


def test_whatever_order_they_ask_in(backend: Backend) -> None:
    """However callers ask, wait, give up and die: the limit holds, nobody passes, and the first has its turn."""
    machine = type("Here", (Turns,), {"backend": backend})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=25,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
