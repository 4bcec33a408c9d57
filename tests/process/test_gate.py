"""The drain gate by itself: what it counts, whom it lets through, and when it stops waiting."""

import asyncio
import math
import threading
from collections.abc import Callable
from typing import Any

import pytest

from ai_client import ClientClosedError
from ai_client._pool import starvation
from ai_client._process import gate as gates
from ai_client._process.gate import DrainGate
from ai_client._process.gated_io import new_gate
from ai_client.adapter import RequestScope

FOREVER = 3600.0


@pytest.fixture
def gate() -> DrainGate:
    """Return an open gate."""
    return new_gate()


class Waiting:
    """A thread that waits at a gate for what is under way.

    It is a daemon, so that a gate at which it would wait for ever fails the test and does not hold it up.
    """

    def __init__(self, gate: DrainGate) -> None:
        self._thread = threading.Thread(target=gate.wait_until_done, args=(FOREVER,), daemon=True)
        self._thread.start()

    def ends(self, seconds: float = 60) -> bool:
        """Return whether the waiting has ended, after so many seconds at most."""
        self._thread.join(seconds)
        return not self._thread.is_alive()


@pytest.fixture
def unpolled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no time pass that would end a wait by itself."""
    monkeypatch.setattr(gates, "_POLL_SECONDS", FOREVER)


def _passing(gate: DrainGate, work: Callable[[], object]) -> None:
    with gate.passing():
        work()


def test_what_passes_is_counted_while_it_lasts(gate: DrainGate) -> None:
    """A block is under way until it is left, also by an error."""
    counts: list[bool] = []
    _passing(gate, lambda: counts.append(gate.idle))

    def fail() -> None:
        counts.append(gate.idle)
        raise LookupError

    with pytest.raises(LookupError):
        _passing(gate, fail)
    assert counts == [False, False]
    assert gate.idle


def test_what_is_abandoned_is_over(gate: DrainGate) -> None:
    """What nobody will end counts no more once it is forgotten, or once its event loop is closed."""
    token, loop = object(), asyncio.new_event_loop()
    gate.enter(token)
    gate.forget(token)
    assert gate.idle
    gate.enter(_OfLoop(loop))
    assert not gate.idle
    loop.close()
    assert gate.idle


class _OfLoop:
    """The token of what is read in a loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop


@pytest.mark.parametrize("finish_requests", [False, True])
def test_who_is_let_through(gate: DrainGate, finish_requests: bool) -> None:
    """Everybody before the end, then requests alone, where they are finished, and nobody after the cut."""

    def passes() -> bool:
        try:
            gate.leave(gate.begin())
        except ClientClosedError:
            return False
        return True

    def both() -> tuple[bool, bool]:
        with RequestScope("/"):
            of_request = passes()
        return passes(), of_request

    assert both() == (True, True)
    assert gate.refuse(finish_requests=finish_requests)
    assert not gate.refuse(finish_requests=not finish_requests)
    assert both() == (False, finish_requests)
    gate.cut_off()
    assert both() == (False, False)


@pytest.mark.parametrize("finish_requests", [False, True])
def test_requests_that_are_served_are_waited_for_where_they_are_finished(
    gate: DrainGate, finish_requests: bool
) -> None:
    """A gate whose requests may still make calls is not idle while one of them is served."""
    gate.refuse(finish_requests=finish_requests)
    with RequestScope("/"):
        assert gate.idle is not finish_requests
    assert gate.idle


@pytest.mark.usefixtures("unpolled")
def test_the_last_that_leaves_ends_the_waiting(gate: DrainGate) -> None:
    """The waiting ends with the last call, and not with one before it."""
    tokens = gate.begin(), gate.begin()
    gate.refuse()
    waiting = Waiting(gate)
    gate.leave(tokens[0])
    assert not waiting.ends(0.05)
    gate.leave(tokens[1])
    assert waiting.ends()


@pytest.mark.usefixtures("unpolled")
def test_a_gate_that_finishes_requests_waits_until_it_is_hurried(gate: DrainGate) -> None:
    """While more requests may come, being idle ends no waiting; being told that none will come does."""
    gate.refuse(finish_requests=True)
    waiting = Waiting(gate)
    assert not waiting.ends(0.05)
    gate.hurry()
    assert waiting.ends()


@pytest.mark.usefixtures("unpolled")
def test_hurry_now_waits_for_nothing(gate: DrainGate) -> None:
    """What is under way is waited for until somebody says `now`, which nobody takes back."""
    token = gate.begin()
    gate.refuse()
    waiting = Waiting(gate)
    gate.hurry()
    assert not waiting.ends(0.05)
    gate.hurry(now=True)
    gate.hurry()
    assert waiting.ends()
    assert Waiting(gate).ends()
    gate.leave(token)


def test_what_ends_without_a_word_ends_the_waiting(gate: DrainGate, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is forgotten by a finalizer, which may wake nobody, is seen soon."""
    monkeypatch.setattr(gates, "_POLL_SECONDS", 0.01)
    token = gate.begin()
    gate.refuse()
    waiting = Waiting(gate)
    assert not waiting.ends(0.05)
    gate.forget(token)
    assert waiting.ends()


def test_what_is_dropped_in_a_cycle_ends_the_waiting(
    gate: DrainGate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What ends by a finalizer, and is held by nothing but a cycle of references, holds nobody up."""

    class Dropped:
        def __init__(self) -> None:
            self.itself = self
            self.token = gate.begin()

        def __del__(self) -> None:
            gate.forget(self.token)

    monkeypatch.setattr(gates, "_POLL_SECONDS", 0.01)
    monkeypatch.setattr(starvation, "_rested", -math.inf)
    Dropped()
    gate.refuse()
    assert Waiting(gate).ends()


@pytest.mark.usefixtures("unpolled")
def test_waiting_takes_no_time_of_the_processor(gate: DrainGate) -> None:
    """A thread that was woken while something is under way sleeps again, and does not look on and on."""

    class Counting(threading.Event):
        waits = 0

        def wait(self, timeout: float | None = None) -> bool:
            self.waits += 1
            return super().wait(timeout)

    changed = gate._changed = Counting()
    token = gate.begin()
    gate.refuse()
    gate.hurry()
    waiting = Waiting(gate)
    assert not waiting.ends(0.05)
    assert changed.waits <= 2
    gate.leave(token)
    assert waiting.ends()


def test_sleepers_wake_at_the_cut(gate: DrainGate) -> None:
    """Whoever sleeps at the gate is woken by the cut, also where it comes twice or as the sleep ends."""
    errors: list[object] = []

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(context))
        sleeping = [asyncio.create_task(gate.sleep(FOREVER)) for _ in range(3)]
        await asyncio.sleep(0)
        done = asyncio.create_task(gate.sleep(0))
        gate.cut_off()
        gate.cut_off()
        async with asyncio.timeout(60):
            await asyncio.gather(*sleeping, done)
            await gate.sleep(FOREVER)
        assert not gate._sleepers

    asyncio.run(main())
    assert not errors


def test_a_failure_after_the_cut_is_the_end_and_keeps_its_cause(gate: DrainGate) -> None:
    """Before the cut nothing is translated; after it the error says what broke."""
    cause = OSError("reset")
    gate.fail_if_cut(cause)
    gate.cut_off()
    with pytest.raises(ClientClosedError, match="under way") as caught:
        gate.fail_if_cut(cause)
    assert caught.value.__cause__ is cause


def test_each_client_has_one_way_to_wait() -> None:
    """A client of the gate's provider has its own, any other gets one that the gate makes once."""
    made: list[Any] = []

    def make(client: Any, gate: Any) -> Any:
        made.append((client, gate))
        return object()

    gate = DrainGate(make)
    own, other = _Client(gate), _Client(None)
    assert gate.io_of(own) is own.io
    assert gate.io_of(other) is gate.io_of(other)
    assert made == [(other, gate)]


class _Client:
    """A client, as far as a gate knows one."""

    def __init__(self, gate: DrainGate | None) -> None:
        self._gate = gate
        self.io = object()
