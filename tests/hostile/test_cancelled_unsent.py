"""Calls that are cancelled or interrupted anywhere: those of which nothing was sent cost nothing, all others count."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ai_client import AsyncOpenAI, OpenAI, RateLimitExceeded
from ai_client._exchange.loop_sender import share
from ai_client._exchange.loops import stop_background_loop
from ai_client.control.accounting.budget import Budget, Budgets
from ai_client.control.accounting.rate_limit import RateLimit, RateLimits
from ai_client.control.concurrency import Concurrency
from ai_client.stores import Store, open_store
from tests.hostile.test_cancellation import (
    CHAT,
    MOMENTS,
    MOST,
    TOGETHER,
    Interrupted,
    Moment,
    _finish,
    answer,
    store_at,
)
from tests.hostile.test_interrupted_calls import Interruption, without_collection
from tests.support.hostile.wire import Wire
from tests.support.policies import finish, sync_io

WAITING = (
    "/_pool/sync_pool.py:SyncPool._open",
    "/_pool/sync_pool.py:SyncPool._wait",
    "/_pool/sync_network.py",
    "/_pool/proxy.py",
    "/control/",
    "/stores/",
)
"""Where a call waits before it is sent: for a connection, and for other policies and the store."""


def received_by(wire: Wire) -> int:
    """Return how many requests the wire has received since it was asked last, once everything sent has arrived."""
    with socket.create_connection(("127.0.0.1", wire.port)) as last:  # is accepted after all others
        last.sendall(b"GET /last HTTP/1.1\r\nHost: wire\r\n\r\n")
        last.recv(1)
    wire.wait_for(lambda: wire.open == 0)
    received = sum(request.target != "/last" for request in wire.requests)
    wire.requests.clear()
    return received


def counting(store: Store) -> list[Any]:
    """Make the policies that set something aside; one request is all that the rate allows."""
    budgets = [Budget(requests=100, per="total"), Budget(tokens=10**6, per="total")]
    rates = RateLimits([RateLimit(requests=1, tokens=10**6, per="day")], store)
    return [Budgets(budgets, store), rates, Concurrency(1)]


def used(store: Store) -> tuple[int, bool]:
    """Return how many requests were counted, and whether any tokens were, once nothing is held."""
    io = sync_io()
    ledgers = [
        finish(store.ledger(io, f"|{unit}|total|UTC|all", io.now())) for unit in ("requests", "tokens")
    ]
    assert [ledger.held for ledger in ledgers] == [0, 0]
    return ledgers[0].used, ledgers[1].used > 0


@pytest.fixture
def _background() -> Iterator[None]:
    yield
    stop_background_loop()


@pytest.mark.usefixtures("_background")
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("shared", [False, True], ids=["here", "another loop"])
@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_cancelled_at_each_await(  # noqa: PLR0917 - its parameters
    wire: Wire, tmp_path: Path, kind: str, shared: bool, stream: bool, moment: Moment
) -> None:
    """Wherever a call is cancelled, it counts in budgets and rates exactly if the server has received it."""
    wire.answer = answer

    async def ask(client: AsyncOpenAI) -> Any:
        if not stream:
            return await client.chat.completions.create(**CHAT)
        async with await client.chat.completions.create(**CHAT, stream=True) as chunks:
            return [chunk async for chunk in chunks]

    async def cancelled_at(at: int, layers: list[Any]) -> int:
        async with AsyncOpenAI(api_key="any", base_url=wire.base_url, layers=layers, max_retries=0) as client:
            if shared:
                share(client)
            run = Interrupted(ask(client), at, moment)
            task = asyncio.ensure_future(_finish(run))
            async with asyncio.timeout(TOGETHER):
                await asyncio.wait([task])
                await client.io.ended()
                if others := asyncio.all_tasks() - {asyncio.current_task()}:
                    await asyncio.wait(others)
            assert task.cancelled() or run.count < at
            task.cancelled() or task.result()
            return run.count

    async def free(layers: list[Any]) -> bool:
        async with AsyncOpenAI(api_key="any", base_url=wire.base_url, layers=layers, max_retries=0) as client:
            try:
                await client.chat.completions.create(**CHAT)
            except RateLimitExceeded:
                return False
            return True

    sent: list[int] = []
    for at in range(1, MOST):
        with closing(open_store(store_at(kind, tmp_path, at))) as store:
            layers = counting(store)
            count = asyncio.run(cancelled_at(at, layers))
            store.close()  # waits for what its threads are doing
            received = received_by(wire)
            assert used(store) == (received, received > 0), f"suspension {at} of {count}"
            assert asyncio.run(free(layers)) == (received == 0), f"suspension {at} of {count}"
            received_by(wire)
        sent.append(received)
        if count < at:
            break
    assert shared or {*sent[:-1]} == {0, 1}


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_interrupted_where_each_function_begins(wire: Wire, tmp_path: Path, kind: str) -> None:
    """Wherever Ctrl-C meets a call, it counts if the server has received it, and not before a connection was there."""
    wire.answer = answer
    sent: list[int] = []
    with closing(open_store(store_at(kind, tmp_path, 0))) as store, without_collection():
        counted = 0
        for at in range(1, 10 * MOST):
            interruption = Interruption(at, KeyboardInterrupt)
            budgets = [Budget(requests=10**6, per="total"), Budget(tokens=10**9, per="total")]
            layers = [Budgets(budgets, store), Concurrency(1)]
            client = OpenAI(api_key="any", base_url=wire.base_url, layers=layers, max_retries=0)
            with client, interruption.happening():
                client.chat.completions.create(**CHAT)
            del client, layers
            sent.append(received_by(wire))
            counted, before = used(store)[0], counted
            assert counted - before in {sent[-1], 1}, f"{at}: {interruption.place}"
            if interruption.place is None:
                break
            if interruption.place.startswith(WAITING):
                assert counted - before == sent[-1], f"{at}: {interruption.place}"
    assert 0 in sent
    assert 1 in sent[:-1]
