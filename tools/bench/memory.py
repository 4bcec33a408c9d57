"""Calls over an in-memory transport: the cost of a client without the network."""

from array import array
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from pydantic_core import from_json

from . import payloads, same
from .contenders import (
    CHAT,
    EMBEDDINGS,
    EVERYONE,
    OFFICIAL,
    OFFICIAL_2,
    OURS,
    OURS_DIRECT,
    Contender,
    awaiting,
    calling,
    in_memory,
)
from .measure import Case, Opener, Run
from .references import Call, looping

JSON = "application/json"


def cases() -> list[Case]:
    """Return the cases over an in-memory transport."""
    tools = partial(payloads.completion, tools=True)
    wide = partial(payloads.completion, "word " * 800, choices=50)
    floats, encoded = payloads.embeddings, partial(payloads.embeddings, encoded=True)
    return [
        *_chat("small call, in memory", payloads.SMALL, payloads.completion, 300),
        *_chat("long request (100 messages, 100 kB), in memory", payloads.LONG, payloads.completion, 30),
        *_chat("tools and tool calls, in memory", payloads.TOOLS, tools, 150),
        *_chat("completion of 200 kB, 50 choices, in memory", payloads.SMALL, wide, 20)[:1],
        Case(
            "embeddings 256 x 1536 as floats",
            2,
            _all(_sync, EMBEDDINGS, payloads.FLOATS, floats),
            rounds=5,
        ),
        Case(
            "embeddings 256 x 1536 in base64, to lists",
            5,
            {
                **_all(_sync, EMBEDDINGS, payloads.INPUTS, encoded),
                "the lists alone": _lists_alone,
            },
        ),
        Case(
            "embeddings 256 x 1536 in base64, packed",
            5,
            {
                "ours": partial(_packed, OURS),
                **{one.name: partial(_packed, one) for one in (OFFICIAL, OFFICIAL_2)},
            },
            rounds=5,
        ),
    ]


def _chat(name: str, request: dict[str, Any], answer: Callable[[], bytes], calls: int) -> tuple[Case, Case]:
    return (
        Case(name, calls, _all(_sync, CHAT, request, answer)),
        Case(f"{name}, async", calls, _all(_async, CHAT, request, answer)),
    )


def _all(open_one: Callable[..., Any], *what: Any) -> dict[str, Opener]:
    return {one.name: partial(open_one, one, *what) for one in (*EVERYONE, OURS_DIRECT)}


@contextmanager
def _lists_alone(_: str) -> Iterator[Run]:
    """Only convert all vectors to lists and discard them: the minimum for any client that returns lists."""
    answer = from_json(payloads.embeddings(encoded=True))
    packed = [b64decode(each["embedding"]) for each in answer["data"]]

    def run(calls: int) -> None:
        for _ in range(calls):
            [array("f", vector).tolist() for vector in packed]

    yield run


@contextmanager
def _packed(contender: Contender, _: str) -> Iterator[Run]:
    """Take the vectors as packed floats: by `buffer`, and by the official SDK's one way to floats, its lists."""
    answer = payloads.embeddings(encoded=True)
    ours = contender.package == OURS.package
    with in_memory(contender, [answer], JSON, is_async=False) as client:

        def run(calls: int) -> None:
            for _ in range(calls):
                if ours:
                    vectors = client.embeddings.create(**payloads.INPUTS, encoding_format="base64")
                    [each.buffer for each in vectors.data]
                else:
                    client.embeddings.create(**payloads.INPUTS)

        yield run


@contextmanager
def _sync(
    contender: Contender, path: str, request: dict[str, Any], answer: Callable[[], bytes], _: str
) -> Iterator[Run]:
    body = answer()
    with in_memory(contender, [body], JSON, is_async=False) as client:
        call = calling(contender, client, path, request)
        same.check(call(), body)

        def run(calls: int) -> None:
            for _ in range(calls):
                call()

        yield run


@contextmanager
def _async(
    contender: Contender, path: str, request: dict[str, Any], answer: Callable[[], bytes], _: str
) -> Iterator[Run]:
    body = answer()
    client = in_memory(contender, [body], JSON, is_async=True)
    with looping(lambda _: _ready(awaiting(contender, client, path, request)), 1, body) as run:
        yield run


async def _ready(call: Call) -> Call:
    return call
