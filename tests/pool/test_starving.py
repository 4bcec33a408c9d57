"""What a pool does before it says that there is no connection: responses in reference cycles hold permits."""

import gc
import time
from collections.abc import Iterator
from math import inf
from typing import Any

import httpx
import pytest

from ai_client._pool import starvation
from tests.support.both_pools import Pools, hold
from tests.support.raw_server import RawServer


@pytest.fixture(autouse=True)
def uncollected(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep the collector from running by itself, and forget when it last ran."""
    monkeypatch.setattr(starvation, "_collected", -inf)
    monkeypatch.setattr(starvation, "_rested", -inf)
    gc.collect()
    gc.disable()
    yield
    gc.enable()


async def lose(pools: Pools, server: RawServer) -> None:
    """Let go of a response that is not read to its end, in a reference cycle."""
    response: Any = await hold(pools, server)
    response.itself = response


@pytest.mark.parametrize("timeout", [0.05, 5.0])
def test_a_starved_pool_collects_before_it_gives_up(
    both: type[Pools], server: RawServer, timeout: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The permit of a response in a reference cycle is given to who waits for one, before that fails of waiting."""
    monkeypatch.setattr(starvation, "STARVING", 0.2)

    async def scenario(pools: Pools) -> None:
        await lose(pools, server)
        assert pools.stats.in_use == 1
        assert await pools.ask(server.url, pool=timeout) == b"{}"
        assert pools.stats.in_use == 0

    both.run(scenario, max_connections=1)


def test_a_pool_without_a_limit_collects_too(
    both: type[Pools], server: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who waits for as long as it takes is not kept waiting by garbage."""
    monkeypatch.setattr(starvation, "STARVING", 0.05)

    async def scenario(pools: Pools) -> None:
        await lose(pools, server)
        assert await pools.ask(server.url, pool=None) == b"{}"

    both.run(scenario, max_connections=1)


def test_a_pool_collects_once_for_all_who_wait(
    both: type[Pools], server: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many wait in vain, garbage is collected once for all who began to wait before that."""
    runs: list[int] = []
    monkeypatch.setattr(gc, "collect", lambda: runs.append(1))

    async def scenario(pools: Pools) -> None:
        response = await hold(pools, server)
        works = [lambda: pools.ask(server.url, pool=1.0)] * 8
        ended = await pools.together(works)
        assert [type(error) for error in ended] == [httpx.PoolTimeout] * 8
        await pools.close(response)

    both.run(scenario, max_connections=1)
    assert len(runs) == 1


def test_a_pool_that_is_waited_for_shortly_collects_nothing(
    both: type[Pools], server: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a permit comes in time, nothing is collected."""
    monkeypatch.setattr(gc, "collect", lambda: pytest.fail("it collected"))

    async def scenario(pools: Pools) -> None:
        assert await pools.together([lambda: pools.ask(server.url, pool=30.0)] * 8) == [b"{}"] * 8

    both.run(scenario, max_connections=1)


def test_a_pool_collects_seldom_however_often_it_is_starved(
    both: type[Pools], server: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requests that fail one after the other do not have garbage collected for each: nothing goes on meanwhile."""
    runs: list[int] = []
    clock = SlowClock()
    monkeypatch.setattr(starvation, "time", clock)

    def collect() -> None:
        runs.append(1)
        clock.ahead += 1

    monkeypatch.setattr(gc, "collect", collect)

    async def scenario(pools: Pools) -> None:
        response = await hold(pools, server)
        for _ in range(30):
            with pytest.raises(httpx.PoolTimeout):
                await pools.ask(server.url, pool=0.001)
        assert len(runs) == 1
        clock.ahead += 30
        with pytest.raises(httpx.PoolTimeout):
            await pools.ask(server.url, pool=0.001)
        assert len(runs) == 2
        await pools.close(response)

    both.run(scenario, max_connections=1)


def test_who_waits_for_long_has_garbage_collected_again(
    both: type[Pools], server: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A response that is lost after the first collection gives its permit too, long before the waiting is over."""
    monkeypatch.setattr(starvation, "STARVING", 0.05)
    runs: list[int] = []
    collect = gc.collect

    def later() -> None:
        runs.append(1)
        if len(runs) > 2:
            collect()

    monkeypatch.setattr(gc, "collect", later)

    async def scenario(pools: Pools) -> None:
        await lose(pools, server)
        assert await pools.ask(server.url, pool=None) == b"{}"

    both.run(scenario, max_connections=1)


class SlowClock:
    """A clock that a test moves on."""

    ahead = 0.0

    def monotonic(self) -> float:
        """Return the time."""
        return time.monotonic() + self.ahead
