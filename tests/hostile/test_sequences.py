"""What a call leaves to those beside and after it: random sequences of calls that end well, slowly, early or badly."""

import asyncio
import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import httpx2
import pytest

from ai_client import (
    AsyncOpenAI,
    DefaultAioHttpClient,
    DefaultAsyncHttpx2Client,
    DefaultAsyncHttpxClient,
    DefaultHttpx2Client,
    DefaultHttpxClient,
    OpenAI,
    OpenAIError,
)
from tests.hostile.conftest import Tried
from tests.support.hostile.answers import KINDS
from tests.support.hostile.cells import CODINGS, level, seed
from tests.support.hostile.census import settle
from tests.support.hostile.framing import FRAMINGS, framed
from tests.support.hostile.readings import aread, read
from tests.support.hostile.ways import pools_of
from tests.support.hostile.wire import CLOSE, HOLD, RESET, Request, Script, Step, Wire

STEPS = 8
LANES = 3
"""Sequences that run side by side on one client."""
ROUNDS = {"few": 1, "sample": 4, "all": 40}[level()]
SHORT = 0.15
"""Seconds of a pause: longer than what is waited for the rest of a body whose last event was read."""
SYNC: dict[str, Callable[[], Any] | None] = {
    "own": None,
    "httpx": httpx.Client,
    "httpx2": httpx2.Client,
    "default httpx": DefaultHttpxClient,
    "default httpx2": DefaultHttpx2Client,
}
ASYNC: dict[str, Callable[[], Any] | None] = {
    "own": None,
    "httpx": httpx.AsyncClient,
    "httpx2": httpx2.AsyncClient,
    "default httpx": DefaultAsyncHttpxClient,
    "default httpx2": DefaultAsyncHttpx2Client,
    "aiohttp": DefaultAioHttpClient,
}
WAYS = [*(("sync", name) for name in SYNC), *(("async", name) for name in ASYNC)]
SINGLE = [kind for kind in KINDS.values() if kind.requests == 1]
MARK = "X-Turn"
FATES = ("whole", "slow head", "slow body", "late end", "left", "refused", "reset", "silent", "late")


class Turn:
    """One call of a sequence: its kind, how its answer is written, and how it ends."""

    def __init__(self, chance: random.Random, step: int, number: int) -> None:
        self.fate = chance.choice(FATES) if step % 2 == 0 else "whole"
        fitting = [kind for kind in SINGLE if kind.shape == "items"] if self.fate == "left" else SINGLE
        self.kind = chance.choice(fitting)
        self.framing = chance.choice(FRAMINGS)
        self.zipped = chance.choice(CODINGS) == "gzip"
        self.number = number
        self.items: list[Any] = []

    def __repr__(self) -> str:
        return f"{self.kind.name}, {self.fate}, {self.framing}{', gzip' * self.zipped}"

    def script(self, request: Request) -> Script:
        """Return what a server writes."""
        head, *body = framed(
            self.kind.parts(request, self.number),
            self.framing,
            content_type=self.kind.content_type,
            zipped=self.zipped,
        )
        middle = len(body) // 2
        begun = head + b"".join(body[:middle])
        whole = head + b"".join(body)
        refusal = b"".join(framed([b'{"error": {"message": "no"}}'], "length", status=400))
        steps: dict[str, list[Step]] = {
            "slow head": [SHORT, whole],
            "slow body": [head, *body[:middle], SHORT, *body[middle:]],
            "late end": [head + b"".join(body[:-1]), SHORT, body[-1]],
            "reset": [begun, RESET],
            "silent": [begun, HOLD],
            "late": [begun, HOLD],
            "refused": [refusal],
        }
        end = [CLOSE] if self.framing == "close" and self.fate != "refused" else []
        return [*steps.get(self.fate, [whole]), *end]

    def client(self, client: Any) -> Any:
        """Return a client that marks the call, with the patience that its end asks for."""
        patience: dict[str, Any] = {"silent": {"timeout": SHORT}, "late": {"deadline": SHORT}}
        return client.with_options(default_headers={MARK: str(self.number)}, **patience.get(self.fate, {}))

    def check(self, error: Exception | None) -> None:
        """Assert that the call ended as its answer says."""
        reading = self.kind.reading(self.number)
        if self.fate in {"refused", "reset", "silent", "late"}:
            assert isinstance(error, OpenAIError), f"{self}: {error!r}"
            assert self.items == reading[: len(self.items)], self
        else:
            assert error is None, f"{self}: {error!r}"
            assert self.items == (reading[:1] if self.fate == "left" else reading), self


def play(client: Any, turns: Sequence[Turn]) -> None:
    """Make the calls of a sequence on the sync client."""
    for turn in turns:
        its = turn.client(client)
        error = None
        try:
            if turn.fate == "left":
                with turn.kind.call(its) as stream:
                    turn.items.append(turn.kind.extract(next(stream)))
            else:
                read(turn.kind, its, turn.items)
        except Exception as raised:  # noqa: BLE001 - whatever it is, it is looked at
            error = raised
        turn.check(error)


async def aplay(client: Any, turns: Sequence[Turn]) -> None:
    """Make the calls of a sequence on the async client."""
    for turn in turns:
        its = turn.client(client)
        error = None
        try:
            if turn.fate == "left":
                async with await turn.kind.call(its) as stream:
                    turn.items.append(turn.kind.extract(await anext(stream)))
            else:
                await aread(turn.kind, its, turn.items)
        except Exception as raised:  # noqa: BLE001 - likewise
            error = raised
        turn.check(error)


def check_pools(client: Any) -> None:
    """Assert that no connection is in use."""
    for pool in pools_of(client):
        assert settle(lambda pool=pool: pool.stats().in_use == 0)  # type: ignore[misc]


def use_sync(http: Callable[[], Any] | None, options: dict[str, Any], lanes: list[list[Turn]]) -> None:
    """Play sequences in threads on one sync client."""
    with (
        OpenAI(**options, **({} if http is None else {"http_client": http()})) as client,
        ThreadPoolExecutor(len(lanes)) as threads,
    ):
        for run in [threads.submit(play, client, turns) for turns in lanes]:
            run.result()
        check_pools(client)


async def use_async(http: Callable[[], Any] | None, options: dict[str, Any], lanes: list[list[Turn]]) -> None:
    """Play sequences in tasks on one async client."""
    async with AsyncOpenAI(**options, **({} if http is None else {"http_client": http()})) as client:
        async with asyncio.TaskGroup() as tasks:
            for turns in lanes:
                tasks.create_task(aplay(client, turns))
        check_pools(client)


@pytest.mark.parametrize("round_", range(ROUNDS))
@pytest.mark.parametrize("way", WAYS, ids=" ".join)
def test_no_call_leaves_anything_to_others(
    way: tuple[str, str], round_: int, wire: Wire, tried: Tried
) -> None:
    """Each call ends as its own answer says, whatever calls before and beside it did to the connections."""
    side, name = way
    chance = random.Random(f"{seed()} {way} {round_}")
    numbers = iter(range(STEPS * LANES))
    lanes = [[Turn(chance, step, next(numbers)) for step in range(STEPS)] for _ in range(LANES)]
    marked = {str(turn.number): turn for turns in lanes for turn in turns}
    wire.answer = lambda request: marked[request.header(MARK) or ""].script(request)
    options: dict[str, Any] = {"api_key": "sk-1", "base_url": wire.base_url, "max_retries": 0, "timeout": 30}
    tried(len(marked))
    if side == "sync":
        use_sync(SYNC[name], options, lanes)
    else:
        asyncio.run(use_async(ASYNC[name], options, lanes))
