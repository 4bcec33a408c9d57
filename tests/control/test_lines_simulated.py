"""Lines of callers in simulated time: whatever comes and goes, limits hold and nobody passes."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from types import SimpleNamespace
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from ai_client.control.accounting.rates import line
from ai_client.control.accounting.rates.line import Lines, Shortage
from ai_client.stores import Backend, Change, Take, open_store

START = 1_900_000_000.0
LIMITS = {"a": 20, "b": 30}
WINDOW = 10.0


class Arrival(NamedTuple):
    """A caller: when it comes after the one before, to which process, what it needs, and whether it stays."""

    pause: float
    process: int
    keys: tuple[str, ...]
    amount: int
    leaves_after: float | None


ARRIVALS = st.lists(
    st.builds(
        Arrival,
        st.sampled_from([0.0, 0.1, 1.0, 4.0]),
        st.integers(0, 1),
        st.sampled_from([("a",), ("b",), ("a", "b")]),
        st.sampled_from([1, 2, 5, 12, 20]),
        st.sampled_from([None, None, None, 0.5, 7.0]),
    ),
    min_size=1,
    max_size=14,
)


class World:
    """Simulated time: it goes on to the next moment at which somebody wakes once nobody has anything left to do."""

    def __init__(self) -> None:
        self.now = START
        self._wakes: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = 0

    async def sleep(self, seconds: float) -> None:
        """Sleep."""
        await self.until(asyncio.get_running_loop().create_future(), seconds)

    async def until(self, future: "asyncio.Future[None]", seconds: float) -> None:
        """Wait for a future, at most so long."""
        self._count += 1
        self._wakes.append((self.now + seconds, self._count, future))
        await asyncio.wait([future])

    async def run(self, tasks: "list[asyncio.Task[None]]") -> None:
        """Let time pass until all tasks are done."""
        for _ in range(200_000):
            for _ in range(20):
                await asyncio.sleep(0)
            if all(task.done() for task in tasks):
                return
            self._wakes = [wake for wake in self._wakes if not wake[2].done()]
            if self._wakes:
                self._wakes.sort(key=lambda wake: wake[:2])
                at, _, future = self._wakes.pop(0)
                self.now = max(self.now, at)
                future.set_result(None)
        raise AssertionError("somebody waits for ever")


class Waiter:
    """What a caller waits for."""

    def __init__(self) -> None:
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def open(self) -> None:
        """Wake it."""
        if not self.opened.done():
            self.opened.set_result(None)


class SimulatedIO:
    """Waits in simulated time."""

    def __init__(self, world: World) -> None:
        self._world = world

    def waiter(self) -> Waiter:
        """Return what is waited for."""
        return Waiter()

    async def wait(self, waiter: Waiter, timeout: float) -> bool:
        """Wait."""
        await self._world.until(waiter.opened, timeout)
        return True

    async def carry_through(self, coroutine: Any) -> None:
        """Run to the end."""
        await coroutine


class Caller:
    """A call that asks a store."""

    def __init__(self, backend: Backend, world: World, prefix: str, arrival: Arrival) -> None:
        self._backend = backend
        self._world = world
        self._ticket = uuid4().hex
        self.takes = [Take(prefix + key, arrival.amount, LIMITS[key], WINDOW) for key in arrival.keys]
        self.arrival = arrival
        self.rank = arrival.process, arrival.keys

    async def ask(self, patience: float) -> Shortage | None:
        """Ask."""
        for take in self.takes:
            take.patience = patience
        refusal = self._backend.admit(self._ticket, (), self.takes, self._world.now, self._world.now)
        if refusal is None:
            return None
        lacking = [self.takes[index] for index in refusal.short]
        return Shortage(refusal.wait, [take.key for take in lacking], lacking, has_place=True)

    async def give_up(self) -> None:
        """Give up."""
        now = self._world.now
        self._backend.settle(
            self._ticket, (), now, [Change(take.key, 0, take.window, now) for take in self.takes]
        )


async def play(backend: Backend, world: World, arrivals: list[Arrival]) -> tuple[list[Caller], list[Caller]]:
    """Let callers arrive; return them in that order, and in the order in which they were admitted."""
    processes, prefix = [Lines(), Lines()], uuid4().hex
    order: list[Caller] = []
    callers = [Caller(backend, world, prefix, arrival) for arrival in arrivals]

    async def call(caller: Caller) -> None:
        io: Any = SimulatedIO(world)
        keys = [take.key for take in caller.takes]
        shortage = await processes[caller.arrival.process].wait(io, lambda: keys, caller.takes, 1e6, caller)
        assert shortage is None
        order.append(caller)

    async def arrive() -> None:
        inner: list[asyncio.Task[None]] = []
        for caller in callers:
            if caller.arrival.pause:
                await world.sleep(caller.arrival.pause)
            task = asyncio.ensure_future(call(caller))
            inner.append(task)
            await asyncio.sleep(0)  # it asks, or stands in line
            if caller.arrival.leaves_after is not None:
                inner.append(asyncio.ensure_future(leave(task, caller.arrival.leaves_after)))
        for task in inner:
            with suppress(asyncio.CancelledError):
                await task

    async def leave(task: "asyncio.Task[None]", seconds: float) -> None:
        await world.sleep(seconds)
        task.cancel()

    task = asyncio.ensure_future(arrive())
    await world.run([task])
    task.result()
    assert not processes[0]._lines
    assert not processes[1]._lines
    return callers, order


@pytest.fixture
def backend(store_url: str) -> Iterator[Backend]:
    """Yield the backend of a fresh store."""
    store = open_store(store_url)
    yield store.backend
    store.close()


@given(arrivals=ARRIVALS)
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
def test_whoever_comes_and_goes(backend: Backend, arrivals: list[Arrival]) -> None:
    """All who stay are admitted, in the order in which they came where they need the same, and no window holds more."""
    world = World()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(line, "time", SimpleNamespace(monotonic=lambda: world.now))
        callers, order = asyncio.run(play(backend, world, arrivals))
    assert all(caller in order for caller in callers if caller.arrival.leaves_after is None)
    for number, one in enumerate(callers):
        for other in callers[number + 1 :]:
            if one in order and other in order and one.rank == other.rank:
                assert order.index(one) < order.index(other)
    for key, limit in LIMITS.items():
        taken = [
            (take.at or 0.0, take.amount)
            for caller in order
            for take in caller.takes
            if take.key.endswith(key)
        ]
        for start, _ in taken:
            assert sum(amount for at, amount in taken if start <= at < start + WINDOW) <= limit
