"""Time limits on an event loop: exact, and with one timer for all of them."""

import asyncio
import gc
import weakref

import pytest
from hypothesis import given, strategies as st

from ai_client._pool.watch import Watch, watch_of
from tests.support.virtual_loop import VirtualLoop, run


class Wait:
    """A wait that notes when it is over."""

    until: float

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self.expired: list[float] = []

    def expire(self) -> None:
        """Note the time."""
        self.expired.append(self._loop.time())


def the_loop() -> VirtualLoop:
    """Return the running loop."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    return loop


WAITS = st.lists(
    st.tuples(
        st.integers(0, 20),  # when it begins
        st.integers(-1, 30),  # how long it may take
        st.none() | st.integers(0, 30),  # when it is over before that, if it is
    ),
    max_size=12,
)


@given(WAITS)
def test_every_limit_is_kept_exactly(waits: list[tuple[int, int, int | None]]) -> None:
    """Each wait expires at its time, once, unless it is over before; and there is never more than one timer."""

    async def main() -> None:
        loop = the_loop()
        watch = watch_of(loop)
        begun = loop.time()

        async def wait(start: int, limit: int, end: int | None) -> None:
            await asyncio.sleep(start)
            one = Wait(loop)
            watch.add(one, limit)
            if end is not None:
                await asyncio.sleep(end)
                watch.remove(one)
            await asyncio.sleep(100)
            due = begun + start + max(limit, 0)
            if end is None or end > max(limit, 0):
                assert one.expired == pytest.approx([due])
            elif end < limit:
                assert one.expired == []

        tasks = [asyncio.ensure_future(wait(*each)) for each in waits]
        for _ in range(140):
            await asyncio.sleep(1)
            sleepers = sum(not task.done() for task in tasks)
            assert loop.timers() <= sleepers + 1
        await asyncio.gather(*tasks)

    run(main())


def test_waits_that_end_in_time_set_no_timer() -> None:
    """Of a thousand waits that end in time only the first sets a timer."""

    async def main() -> None:
        loop = the_loop()
        watch = watch_of(loop)
        for _ in range(1000):
            one = Wait(loop)
            watch.add(one, 60)
            await asyncio.sleep(0.01)
            watch.remove(one)
            assert loop.timers() == 1
        assert watch_of(loop) is watch

    run(main())


def test_a_wait_that_ends_another_and_begins_one() -> None:
    """What happens as a wait expires may end others, and begin some."""

    async def main() -> None:
        loop = the_loop()
        watch = watch_of(loop)
        second = Wait(loop)

        class First(Wait):
            def expire(self) -> None:
                super().expire()
                watch.remove(other)
                watch.add(second, 5)

        first, other = First(loop), Wait(loop)
        began = loop.time()
        watch.add(first, 10)
        watch.add(other, 12)
        await asyncio.sleep(60)
        assert first.expired == pytest.approx([began + 10])
        assert second.expired == pytest.approx([began + 15])
        assert other.expired == []

    run(main())


def test_a_wait_without_an_end() -> None:
    """An infinite time is never over, and needs no timer."""

    async def main() -> None:
        loop = the_loop()
        watch_of(loop).add(Wait(loop), float("inf"))
        assert loop.timers() == 0

    run(main())


def test_a_closed_loop_is_not_held() -> None:
    """A loop that is closed goes with its watch, whatever was still to come."""
    loops: list[weakref.ref[asyncio.AbstractEventLoop]] = []
    watches: list[weakref.ref[Watch]] = []

    async def main() -> None:
        loop = the_loop()
        watch = watch_of(loop)
        watch.add(Wait(loop), 600)
        loops.append(weakref.ref(loop))
        watches.append(weakref.ref(watch))

    run(main())
    gc.collect()
    assert (loops[0](), watches[0]()) == (None, None)
