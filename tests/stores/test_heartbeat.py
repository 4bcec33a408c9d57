"""The thread of a process that renews what its calls hold in shared stores."""

import gc
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ai_client import StoreError
from ai_client.control.cache.lease import LONGEST, Lease
from ai_client.stores import Hold, Ledger, Spend, open_store
from ai_client.stores.heartbeat import Renewal, _Heartbeat, _here, keep_renewed
from ai_client.stores.memory import MemoryBackend
from ai_client.stores.shared import SharedStore
from tests.support.forks import in_child, unannounced
from tests.support.policies import Clock, finish, sync_io

NOW = 1_800_000_000.0
HOLD = Hold("a", 10, 100, NOW + 86_400)


def beat(renewals: list[Renewal], process: _Heartbeat) -> None:
    """Let the heartbeat find that these are due."""
    for renewal in renewals:
        renewal.due = 0.0
    process.beat()


@pytest.fixture
def clock() -> Clock:
    """Give a clock that stands still."""
    return Clock()


@pytest.fixture
def started() -> Iterator[list[Renewal]]:
    """Yield a list of renewals that are stopped when the test ends."""
    renewals: list[Renewal] = []
    yield renewals
    for renewal in renewals:
        renewal.stop()


def test_what_a_call_holds_outlives_its_time(store_url: str, clock: Clock, started: list[Renewal]) -> None:
    """A reservation is held for as long as it is renewed, and no longer than its time after that."""
    with closing(open_store(store_url)) as store:
        io = sync_io()
        io.now = clock  # type: ignore[method-assign]
        finish(store.admit(io, "t", [HOLD], (), now=clock.now, expires=clock.now + 60))
        started.append(keep_renewed(io, store, "t", [HOLD], 60))
        for _ in range(5):
            clock.now += 50
            beat(started, _here())
            assert store.backend.ledger("a", clock.now) == Ledger(0, 10)
        started[0].stop()
        clock.now += 50
        beat(started, _here())
        assert store.backend.ledger("a", clock.now + 9) == Ledger(0, 10)
        assert store.backend.ledger("a", clock.now + 10) == Ledger(0, 0)


def test_a_renewal_ends_with_its_owner(clock: Clock, started: list[Renewal]) -> None:
    """What a call held that was dropped without an end, as with its event loop, expires as after a kill."""

    class Owner:
        pass

    with closing(open_store("memory://")) as store:
        io, owner = sync_io(), Owner()
        io.now = clock  # type: ignore[method-assign]
        finish(store.admit(io, "t", [HOLD], (), now=clock.now, expires=clock.now + 60))
        started.append(keep_renewed(io, store, "t", [HOLD], 60, owner=owner))
        clock.now += 50
        beat(started, _here())
        assert store.backend.ledger("a", clock.now + 59) == Ledger(0, 10)
        del owner
        beat(started, _here())
        assert started[0] not in _here().renewals
        assert store.backend.ledger("a", clock.now + 60) == Ledger(0, 0)


def test_a_lease_is_held_while_its_call_lasts(clock: Clock, tmp_path: Path) -> None:
    """Nobody gets the lease of a call that lasts, until that gives it back or has had it for too long."""
    with closing(open_store(f"sqlite:///{tmp_path}/s.db")) as store:
        io, process = sync_io(), _here()
        io.now = clock  # type: ignore[method-assign]
        lease, other = Lease(store, "k"), Lease(store, "k")
        assert finish(lease.take(io))
        renewal = lease._renewal
        assert renewal is not None
        end = clock.now + LONGEST
        while clock.now < end:
            beat([renewal], process)
            assert not finish(other.take(io))
            clock.now += 4
        beat([renewal], process)
        assert renewal not in process.renewals
        clock.now += 5
        assert finish(other.take(io))
        finish(other.give_back(io))
        finish(lease.give_back(io))
        assert other._renewal not in process.renewals
        third = Lease(store, "k")
        assert finish(third.take(io))
        finish(third.give_back(io))


def test_a_lease_ends_with_its_call(clock: Clock, tmp_path: Path) -> None:
    """The lease of a call that was dropped without an end, as with its event loop, holds nobody up for long."""
    with closing(open_store(f"sqlite:///{tmp_path}/s.db")) as store:
        io, process = sync_io(), _here()
        io.now = clock  # type: ignore[method-assign]
        lease, other = Lease(store, "k"), Lease(store, "k")
        assert finish(lease.take(io))
        renewal = lease._renewal
        assert renewal is not None
        del lease
        gc.collect()
        clock.now += 4
        beat([renewal], process)
        assert renewal not in process.renewals
        clock.now += 1
        assert finish(other.take(io))
        finish(other.give_back(io))


def test_the_thread_beats_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread calls what is due again and again until that is stopped, then ends; another begins with the next."""
    monkeypatch.setattr("ai_client.stores.heartbeat.TICK", 0.001)
    process, calls = _Heartbeat(), threading.Semaphore(0)

    def note() -> bool:
        calls.release()
        return True

    for _ in range(2):
        renewal = process.start(note, 0.001)
        for _ in range(3):
            assert calls.acquire(timeout=60)
        renewal.stop()
        give_up = time.monotonic() + 60
        while process._beats:
            assert time.monotonic() < give_up
            time.sleep(0.001)


def test_what_is_gone_or_fails_is_renewed_no_more(caplog: pytest.LogCaptureFixture) -> None:
    """A renewal ends when its reservation is gone, or when it fails in a way that is no store's; others go on."""
    process, beats = _Heartbeat(), [0]

    def fail() -> bool:
        raise LookupError("planted")

    def go_on() -> bool:
        beats[0] += 1
        return True

    with caplog.at_level(logging.ERROR, "ai_client"):
        renewals = [process.start(one, 60) for one in (lambda: False, fail, go_on)]
        for _ in range(2):
            beat(renewals, process)
    assert beats == [2]
    assert list(process.renewals) == renewals[2:]
    assert "it expires unless" in caplog.text
    renewals[2].stop()


class Down(MemoryBackend):
    """A backend that can be out of reach."""

    instant = False
    down = False

    def renew(self, *args: Any) -> bool:
        """Renew, unless out of reach."""
        if self.down:
            raise StoreError("down")
        return super().renew(*args)


def test_a_store_that_is_down_for_a_moment_loses_no_renewal(
    monkeypatch: pytest.MonkeyPatch, started: list[Renewal]
) -> None:
    """Renewing goes on while the store is down, so that the reservation lives if that is back in time."""
    monkeypatch.setattr("ai_client.stores.shared.PAUSE", 0.0)
    backend, clock, io = Down(), Clock(NOW), sync_io()
    io.now = clock  # type: ignore[method-assign]
    store = SharedStore(backend)
    backend.admit("t", [HOLD], (), NOW, NOW + 60)
    started.append(keep_renewed(io, store, "t", [HOLD], 60))
    backend.down = True
    clock.now += 30
    beat(started, _here())
    backend.down = False
    beat(started, _here())
    assert backend.ledger("a", NOW + 89) == Ledger(0, 10)
    finish(store.settle(io, "t", [Spend("a", 1, NOW + 86_400)], clock.now))
    beat(started, _here())
    assert started[0] not in _here().renewals


def test_a_backend_without_renewals_still_serves(started: list[Renewal]) -> None:
    """An application's own backend that cannot renew keeps its reservations for their time."""

    class Old:
        instant = False

    started.append(keep_renewed(sync_io(), SharedStore(Old()), "t", [HOLD], 60))  # type: ignore[arg-type]
    beat(started, _here())
    assert started[0] not in _here().renewals


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("fork", [os.fork, unannounced])
def test_a_child_renews_its_own_alone(fork: Callable[[], int], started: list[Renewal]) -> None:
    """A forked child renews nothing of its parent's, and has a thread of its own for what it holds itself."""
    backend = MemoryBackend()
    store = SharedStore(backend)
    started.append(keep_renewed(sync_io(), store, "t", [HOLD], 60))

    def work() -> bool:
        process, called = _here(), threading.Event()
        if process.renewals:
            return False
        renewal = process.start(lambda: not called.set(), 0.001)
        return called.wait(60) and renewal is not None

    assert in_child(work, fork)
    assert started[0] in _here().renewals
