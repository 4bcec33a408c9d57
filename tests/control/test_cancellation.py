"""Callers that are cancelled for good, as by a framework when the reader of a response leaves.

In a cancelled scope of anyio every further wait is cancelled too, so that nothing can be settled by simply waiting.
"""

import asyncio
import random
from pathlib import Path
from typing import Any

import anyio
import pytest

from ai_client import AsyncOpenAI, current_labels
from ai_client.control import Record
from ai_client.control.accounting.budget import Budget, Budgets
from ai_client.control.accounting.cost import Cost
from ai_client.control.accounting.rate_limit import RateLimit, RateLimits
from ai_client.control.assembly import make_layers
from ai_client.control.concurrency import Concurrency
from ai_client.control.pricing.estimates import DEFAULT_OUTPUT_TOKENS
from ai_client.control.windows import window
from ai_client.stores import Ledger, open_store
from ai_client.testing import Gate, Upstream
from tests.support.policies import finish, sync_io
from tests.support.spender import PRICES

HELLO: dict[str, Any] = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}


class Service:
    """A client under every policy that settles something, over a store that has to be waited for."""

    def __init__(self, upstream: Upstream, path: Path) -> None:
        self.told: list[Any] = []
        self.over = asyncio.Event()
        self.layers = make_layers(
            {
                "store": f"sqlite:///{path}/state.db",
                "budgets": [{"requests": 100, "per": "total"}, {"tokens": 100_000, "per": "total"}],
                "cost": True,
                "rate_limits": [{"tokens": 10**6, "per": "day"}],
                "concurrency": 1,
                "hooks": {"on_error": self._tell, "on_result": self._tell},
            }
        )
        self.client = AsyncOpenAI(
            api_key="any", base_url=upstream.base_url, layers=self.layers, max_retries=0
        )

    async def _tell(self, details: object) -> None:
        await asyncio.sleep(0.02)  # as a hook that asks a service
        self.told.append(details)
        self.over.set()

    async def chat(self, **options: Any) -> Any:
        """Ask something."""
        messages = [{"role": "user", "content": "Hello"}]
        return await self.client.chat.completions.create(model="gpt-4o-mini", messages=messages, **options)

    async def close(self) -> None:
        """Close the client and the store, which is used no more."""
        await self.client.close()
        await asyncio.to_thread(self.budgets.store.close)

    @property
    def budgets(self) -> Budgets:
        """The policy of budgets, whose store all share."""
        return next(layer for layer in self.layers if isinstance(layer, Budgets))

    async def settled(self) -> None:
        """Wait until the outermost policy has heard of the end of a call, and so all within it have."""
        async with asyncio.timeout(30):
            await self.over.wait()
        self.over.clear()

    async def ledgers(self) -> list[Ledger]:
        """Read the ledger of each budget."""
        budgets, io = self.budgets, self.client.io
        record = Record(current_labels())
        keys = [
            budget.key(record, window(budget.per, budget.timezone, io.now())) for budget in budgets.budgets
        ]
        return [await budgets.store.ledger(io, key, io.now()) for key in keys]

    def counted(self) -> int:
        """Tell how many calls the sums of cost hold."""
        return sum(row.calls for layer in self.layers if isinstance(layer, Cost) for row in layer.report())


async def cancelled(service: Service, upstream: Upstream, **options: Any) -> None:
    """Make a call and cancel it once the upstream has it."""
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: service.chat(**options))
        async with asyncio.timeout(30):
            while not upstream.requests:
                await asyncio.sleep(0.01)
        group.cancel_scope.cancel()


def test_a_cancelled_stream_is_settled(upstream: Upstream, tmp_path: Path) -> None:
    """Budgets, sums, slots and hooks hear of a stream whose reader was cancelled for good."""
    hold = Gate()
    chunk = b'data: {"choices": [{"index": 0, "delta": {"content": "some words"}}]}\n\n'
    upstream.reply(chunks=[chunk, hold])

    async def scenario() -> None:
        service = Service(upstream, tmp_path)
        with anyio.CancelScope() as scope:
            async for _ in await service.chat(stream=True):
                scope.cancel()
        await service.settled()
        requests, tokens = await service.ledgers()
        assert (requests.used, requests.held) == (1, 0)
        assert (
            tokens.used > DEFAULT_OUTPUT_TOKENS
        )  # what was set aside: what came says little of what is billed
        assert tokens.held == 0
        assert service.counted() == 1
        assert [details.error for details in service.told] == ["CancelledError"]
        await service.chat()  # the one slot is free
        await service.close()

    asyncio.run(scenario())
    hold.set()


@pytest.mark.parametrize("opening", [False, True])
def test_a_cancelled_call_is_settled(upstream: Upstream, tmp_path: Path, opening: bool) -> None:
    """Budgets, sums, slots and hooks hear of a call whose caller was cancelled for good before the answer came."""
    hold = Gate()
    upstream.reply(gate=hold)

    async def scenario() -> None:
        service = Service(upstream, tmp_path)
        await cancelled(service, upstream, **({"stream": True} if opening else {}))
        await service.settled()
        requests, tokens = await service.ledgers()
        assert (requests.used, requests.held) == (1, 0)
        assert tokens.used > 0
        assert tokens.held == 0
        assert service.counted() == 1
        assert [details.error for details in service.told] == ["CancelledError"]
        await service.chat()
        await service.close()

    asyncio.run(scenario())
    hold.set()


def test_closing_the_client_waits_for_what_is_being_settled(upstream: Upstream, tmp_path: Path) -> None:
    """A client that is closed right after a call was cancelled has accounted for it."""
    hold = Gate()
    upstream.reply(gate=hold)

    async def scenario() -> Service:
        service = Service(upstream, tmp_path)
        await cancelled(service, upstream)
        await service.client.close()
        return service

    service = asyncio.run(scenario())
    hold.set()
    assert [details.error for details in service.told] == ["CancelledError"]
    assert service.counted() == 1
    service.budgets.store.close()


def test_nothing_is_kept_from_others_by_who_left(store_url: str, upstream: Upstream) -> None:
    """After calls were cancelled at random moments, nothing is held, and every policy has counted the same calls."""
    store = open_store(store_url)
    total = Budget(requests=10**9, per="total", name="first")
    budgets = [Budget(usd=1e6, per="total"), Budget(requests=10**9, per="total")]
    slots, cost = Concurrency(4, queue_timeout=None), Cost(PRICES, store)
    layers = [
        Budgets([total], store),
        Budgets(budgets, store, PRICES),
        cost,
        RateLimits([RateLimit(tokens=10**9)], store),
        slots,
    ]
    chance = random.Random(7)

    async def call(client: AsyncOpenAI, number: int) -> None:
        completions = client.chat.completions
        with anyio.move_on_after(chance.random() * 0.1):
            if number % 3 == 0:
                await completions.create(**HELLO)
            elif number % 3 == 1:
                async with await completions.create(**HELLO, stream=True) as stream:
                    async for _ in stream:
                        pass
            else:
                raw = completions.with_streaming_response
                async with raw.create(**HELLO, stream=True) as response:
                    async for _ in response.iter_lines():
                        pass

    async def main() -> None:
        options: dict[str, Any] = {"base_url": upstream.base_url, "api_key": "any", "max_retries": 0}
        async with AsyncOpenAI(layers=layers, **options) as client:
            for _ in range(4):
                await asyncio.gather(*(call(client, number) for number in range(30)))
            await client.chat.completions.create(**HELLO)  # on a busy machine the others may all be too late

    asyncio.run(main())
    store.close()  # waits for what its threads are doing
    assert (slots.in_flight, slots.queue_length) == (0, 0)
    io = sync_io()
    ledgers = [
        finish(store.ledger(io, key, io.now()))
        for key in ("first|requests|total|UTC|all", "|requests|total|UTC|all", "|usd|total|UTC|all")
    ]
    (row,) = cost.report()
    assert [ledger.held for ledger in ledgers] == [0, 0, 0]
    assert ledgers[0].used == ledgers[1].used == row.calls >= len(upstream.requests)
    assert ledgers[2].used > 0
    store.close()
