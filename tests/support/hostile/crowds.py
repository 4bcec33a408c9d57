"""Many calls at once, each with an id that its answer repeats, to a server that does all that a wire can do to them."""

import asyncio
import json
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import openai

from ai_client import OpenAIError
from tests.support.hostile.cells import FOREIGN, INFORMATIONAL
from tests.support.hostile.encoding import dumps
from tests.support.hostile.framing import (
    EVENT_STREAM,
    FRAMINGS,
    anywhere,
    apart,
    events,
    framed,
    halves,
    head_with_first,
    last_apart,
    whole,
)
from tests.support.hostile.payloads import chat
from tests.support.hostile.wire import CLOSE, HOLD, RESET, Request, Script

THREADS, TASKS, LOOPS = 8, 24, 3
TURNS = (whole, whole, whole, whole, head_with_first, apart, halves, last_apart)
MOODS = {
    "right": 80,
    "tail": 6,
    "closing": 4,
    "informational": 4,
    "reset": 2,
    "broken": 2,
    "mute": 1,
    "slow": 1,
}
"""How often the server does what: answer, write more bytes in one with the end, close the connection after the answer,
precede it by 1xx answers, break it off, end it early, say nothing more, and take its time."""
_IMPATIENT = 0.05


def parts_of(ident: str) -> list[bytes]:
    """Return the events that answer a call of an id."""
    text = f"answer to {ident} 😀"
    pieces = [text[:5], text[5:-2], text[-2:]]
    head = {"id": ident, "object": "chat.completion.chunk", "created": 1, "model": "m"}
    chunks = [
        {**head, "choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]}
        for piece in pieces
    ]
    end = {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    return [*events(*map(dumps, (*chunks, end)))]


class Moods:
    """Answers each request by its id, in a mood that depends on it."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def of(self, ident: str) -> tuple[str, random.Random]:
        """Return the mood for an id, and what else depends on it."""
        chance = random.Random(f"{self._seed} {ident}")
        return chance.choices([*MOODS], [*MOODS.values()])[0], chance

    def __call__(self, request: Request) -> Script:
        """Return the script for a request."""
        asked = json.loads(request.body)
        ident = asked["messages"][0]["content"]
        mood, chance = self.of(ident)
        framing = chance.choices(FRAMINGS, [10, 10, 1])[0]
        parts, kind = [dumps({**chat(0), "id": ident})], "application/json"
        if asked.get("stream"):
            parts, kind = parts_of(ident), EVENT_STREAM
        cut = anywhere(chance.randrange(10**6)) if chance.random() < 0.1 else chance.choice(TURNS)
        pieces = framed(parts, framing, content_type=kind)
        if mood in {"reset", "broken", "mute"}:
            text = b"".join(pieces)
            text = text[: chance.randrange(len(text) - 12)]
            return [text, {"reset": RESET, "broken": CLOSE, "mute": HOLD}[mood]]
        if mood == "informational":
            pieces = [*INFORMATIONAL, *pieces]
        writes: list[Any] = cut(pieces)
        if mood == "slow":
            writes[1:1] = [0.01]
        if framing == "close":
            return [*writes, CLOSE]
        if mood == "tail":
            writes[-1] += FOREIGN
        return [*writes, CLOSE] if mood == "closing" else writes


class Crowd:
    """Calls that are made, and what became of them."""

    def __init__(self, moods: Moods) -> None:
        self._moods = moods
        self.outcomes: Counter[str] = Counter()
        self.wrong: list[str] = []
        self._lock = threading.Lock()

    def _note(self, outcome: str, wrong: str = "") -> None:
        with self._lock:
            self.outcomes[outcome] += 1
            if wrong:
                self.wrong.append(wrong)

    def _check(self, ident: str, idents: Iterable[str], text: str) -> None:
        right = set(idents) == {ident} and text in {f"answer to {ident} 😀", ""}
        self._note("right" if right else "wrong", "" if right else f"{ident}: {[*idents]} {text!r}")

    def _asked(self, ident: str) -> tuple[dict[str, Any], random.Random]:
        mood, chance = self._moods.of(ident)
        ask: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": ident}]}
        if mood == "mute":
            ask["timeout"] = _IMPATIENT
        return ask, chance

    def call(self, client: Any, ident: str) -> None:
        """Make one call on the sync client: whole, streamed, or given up after its first item."""
        ask, chance = self._asked(ident)
        way = chance.random()
        try:
            if way < 0.6:
                self._check(ident, [client.chat.completions.create(**ask).id], "")
            elif way < 0.9:
                chunks = list(client.chat.completions.create(**ask, stream=True))
                self._check(ident, [chunk.id for chunk in chunks], _text_of(chunks))
            else:
                with client.chat.completions.create(**ask, stream=True) as stream:
                    self._check(ident, [next(stream).id], "")
        except (OpenAIError, openai.OpenAIError):
            self._note("failed")
        except Exception as error:  # noqa: BLE001 - which no call may raise
            self._note("wrong", f"{ident}: {error!r}")

    async def acall(self, client: Any, ident: str) -> None:
        """Make one call on the async client: whole, streamed, or cancelled at some moment."""
        ask, chance = self._asked(ident)
        way = chance.random()
        try:
            if way < 0.55:
                self._check(ident, [(await client.chat.completions.create(**ask)).id], "")
            elif way < 0.85:
                chunks = [chunk async for chunk in await client.chat.completions.create(**ask, stream=True)]
                self._check(ident, [chunk.id for chunk in chunks], _text_of(chunks))
            else:
                await self._cancelled(client, ask, ident, chance)
        except (OpenAIError, openai.OpenAIError):
            self._note("failed")
        except Exception as error:  # noqa: BLE001 - which no call may raise
            self._note("wrong", f"{ident}: {error!r}")

    async def _cancelled(self, client: Any, ask: dict[str, Any], ident: str, chance: random.Random) -> None:
        task = asyncio.ensure_future(client.chat.completions.create(**ask))
        for _ in range(chance.randrange(12)):
            await asyncio.sleep(0)
        if chance.random() < 0.5:
            await asyncio.sleep(chance.random() * 0.004)
        task.cancel()
        try:
            self._check(ident, [(await task).id], "")
        except asyncio.CancelledError:
            self._note("cancelled")

    def by_threads(self, client: Any, idents: Iterable[str]) -> list[threading.Thread]:
        """Start threads that share the calls of these ids."""
        queue = iter(idents)
        lock = threading.Lock()

        def work() -> None:
            while True:
                with lock:
                    ident = next(queue, None)
                if ident is None:
                    return
                self.call(client, ident)

        return _started(work, THREADS)

    async def by_tasks(self, client: Any, idents: Iterable[str]) -> None:
        """Make the calls of these ids in tasks of the running loop."""
        queue = iter(idents)

        async def work() -> None:
            for ident in queue:
                await self.acall(client, ident)

        await asyncio.gather(*(work() for _ in range(TASKS)))

    def by_loops(self, client: Any, idents: list[str]) -> list[threading.Thread]:
        """Start threads with a loop each that share the calls of these ids."""
        shares = iter([idents[number::LOOPS] for number in range(LOOPS)])
        return _started(lambda: asyncio.run(self.by_tasks(client, next(shares))), LOOPS)


def _started(work: Callable[[], None], number: int) -> list[threading.Thread]:
    threads = [threading.Thread(target=work) for _ in range(number)]
    for thread in threads:
        thread.start()
    return threads


def _text_of(chunks: list[Any]) -> str:
    return "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
