"""Streams over an in-memory transport: the cost of one typed item."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from . import payloads
from .contenders import CHAT, RESPONSES, SDKS, Contender, awaiting, calling, in_memory
from .measure import Case, Run

SSE = "text/event-stream"
ITEMS = 1000
PIECE = 4096


def cases() -> list[Case]:
    """Return the cases of streams."""
    chat = {**payloads.SMALL, "stream": True}
    response = {"model": payloads.MODEL, "input": "Say hello.", "stream": True}
    return [
        _case("chat chunk", CHAT, chat, payloads.chat_stream),
        _case("chat chunk, async", CHAT, chat, payloads.chat_stream),
        _case("Responses event", RESPONSES, response, payloads.response_stream),
        _case("Responses event, async", RESPONSES, response, payloads.response_stream),
    ]


def _case(name: str, path: str, request: dict[str, Any], answer: Callable[[int], bytes]) -> Case:
    open_one = _async if name.endswith("async") else _sync
    return Case(
        name,
        ITEMS * 4,
        {one.name: partial(open_one, one, path, request, answer) for one in SDKS},
        rounds=7,
        step=ITEMS,
    )


def _pieces(body: bytes) -> list[bytes]:
    return [body[start : start + PIECE] for start in range(0, len(body), PIECE)]


def _check(items: int) -> None:
    if items != ITEMS:  # a benchmark of nothing would be fast
        raise RuntimeError(f"{items} items came of {ITEMS}.")


@contextmanager
def _sync(
    contender: Contender, path: str, request: dict[str, Any], answer: Callable[[int], bytes], _: str
) -> Iterator[Run]:
    with in_memory(contender, _pieces(answer(ITEMS)), SSE, is_async=False) as client:
        call = calling(contender, client, path, request)

        def run(count: int) -> None:
            for _ in range(count // ITEMS):
                _check(sum(1 for _ in call()))

        yield run


@contextmanager
def _async(
    contender: Contender, path: str, request: dict[str, Any], answer: Callable[[int], bytes], _: str
) -> Iterator[Run]:
    client = in_memory(contender, _pieces(answer(ITEMS)), SSE, is_async=True)
    call = awaiting(contender, client, path, request)

    async def main(count: int) -> None:
        for _ in range(count // ITEMS):
            items = 0
            async for _item in await call():
                items += 1
            _check(items)

    with asyncio.Runner() as runner:
        yield lambda count: runner.run(main(count))
