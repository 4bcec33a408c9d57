"""A provider in a process of its own that keeps a bill: `python -m tests.support.hostile.biller SEED`.

It says its port, and for each line on its standard input says the bill: for each subject of a call what each request
about it cost in 10^-9 USD. A request costs from the moment at which it has arrived in full, whatever becomes of its
answer: reset before the head, cut off, garbage, or never written.
"""

import json
import random
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tests.support.hostile.encoding import dumps
from tests.support.hostile.framing import EVENT_STREAM, FRAMINGS, SEGMENTATIONS, events, framed
from tests.support.hostile.payloads import Data
from tests.support.hostile.wire import CLOSE, HOLD, RESET, Request, Script, Step, Wire

PRICES: dict[str, dict[str, int]] = {
    "dear": {"input": 1237, "cached_input": 301, "output": 4919, "request": 0},
    "cheap": {"input": 113, "cached_input": 57, "output": 441, "request": 10_000},
    "vectors": {"input": 19, "cached_input": 19, "output": 0, "request": 0},
}
"""10^-9 USD per token and per request."""
FATES = {
    "right": 68,
    "closing": 4,
    "slow": 4,
    "unavailable": 6,
    "busy": 4,
    "refused": 2,
    "quota": 1,
    "reset": 3,
    "half": 3,
    "short": 2,
    "garbage": 1,
    "error event": 1,
    "mute": 1,
}
"""How often a request ends how."""
FREE: dict[str, tuple[int, Sequence[tuple[str, str]], Data]] = {
    "unavailable": (503, (), {"message": "Overloaded."}),
    "busy": (429, (("retry-after-ms", "5"),), {"message": "Slow down.", "code": "rate_limit_exceeded"}),
    "refused": (400, (), {"message": "No.", "code": "invalid"}),
    "quota": (429, (), {"message": "Pay first.", "code": "insufficient_quota"}),
}
"""Answers that cost nothing: status, headers and error."""
PAUSE = 0.01


class Bill:
    """What each subject costs, and how each request about it ended."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._lock = threading.Lock()
        self._asked: dict[str, list[list[Any]]] = {}

    def entry(self, subject: str, model: str) -> tuple[list[Any], random.Random]:
        """Enter a request: its model, its fate and its cost, which is 0 so far; return what else depends on chance."""
        with self._lock:
            entries = self._asked.setdefault(subject, [])
            chance = random.Random(f"{self._seed} {subject} {len(entries)}")
            entry = [model, chance.choices([*FATES], [*FATES.values()])[0], 0]
            entries.append(entry)
        return entry, chance

    def encoded(self) -> bytes:
        """Return the bill as JSON."""
        with self._lock:
            return dumps(self._asked)


class Provider:
    """Answers each request by its fate, and bills it."""

    def __init__(self, bill: Bill) -> None:
        self._bill = bill

    def __call__(self, request: Request) -> Script:
        """Return the script for a request."""
        asked = json.loads(request.body)
        subject = subject_of(asked)
        entry, chance = self._bill.entry(subject, asked["model"])
        fate = entry[1]
        if fate in FREE:
            status, headers, error = FREE[fate]
            return [b"".join(framed([dumps({"error": error})], "length", status=status, headers=headers))]
        price = PRICES[asked["model"]]
        usage = used(asked, chance)
        cost = cost_of(usage, price)
        streams = bool(asked.get("stream"))
        parts = answered(request.target, asked, subject, usage)
        if fate == "error event" and streams:
            parts = [*parts[:2], dumps({"error": {"message": "Broken.", "type": "server_error"}})]
        if fate == "garbage":
            parts = [b'{"id": ']
        body = [*events(*parts)] if streams else parts
        framing = chance.choices(FRAMINGS, [10, 10, 1])[0]
        pieces = framed(body, framing, content_type=EVENT_STREAM if streams else "application/json")
        if streams and chance.random() < 0.5:
            return self._as_it_goes(entry, cost, pieces, fate, framing)
        entry[2] = cost
        return played(fate, framing, SEGMENTATIONS[chance.choice([*SEGMENTATIONS])](pieces), chance)

    @staticmethod
    def _as_it_goes(entry: list[Any], cost: int, pieces: list[bytes], fate: str, framing: str) -> Script:
        """Write a stream piece by piece and bill it as it goes: nobody pays for what is not generated any more."""
        entry[2] = cost // 2
        last = len(pieces) if fate in {"right", "closing", "slow"} else len(pieces) // 2
        reports_at = len(pieces) - 3  # the usage is no sooner than that, and after it nothing is generated

        def bill(amount: int) -> Callable[[], None]:
            def add() -> None:
                entry[2] = amount

            return add

        steps: list[Step] = []
        for number, piece in enumerate(pieces[:last]):
            so_far = cost if number >= reports_at else cost // 2 + (cost - cost // 2) * number // len(pieces)
            steps += [bill(so_far), piece]
            if fate == "slow":
                steps.append(PAUSE)
        return [*steps, *_end_of(fate, framing)]


def played(fate: str, framing: str, writes: list[bytes], chance: random.Random) -> Script:
    """Return the script of an answer that may have been billed, whatever comes of it."""
    if fate == "reset":
        return [RESET]
    if fate == "mute":
        return [*writes[: chance.randrange(2)], HOLD] if len(writes) > 1 else [HOLD]
    if fate in {"half", "short"}:
        text = b"".join(writes)
        writes = [text[: chance.randrange(1, len(text) - 7)]]
    if fate == "slow":
        return [PAUSE, *writes[:1], PAUSE, *writes[1:], *_end_of(fate, framing)]
    return [*writes, *_end_of(fate, framing)]


def _end_of(fate: str, framing: str) -> Sequence[Step]:
    if fate in {"reset", "half"}:
        return [RESET]
    if fate == "mute":
        return [HOLD]
    return [CLOSE] if framing == "close" or fate in {"short", "closing"} else []


def subject_of(asked: Data) -> str:
    """Return what a request is about: the first word of its prompt."""
    prompt = asked["messages"][0]["content"] if "messages" in asked else asked["input"]
    return str(prompt).split(" ", 1)[0]


def used(asked: Data, chance: random.Random) -> dict[str, int]:
    """Return the tokens of a request: of its text, of what is around each message, and within what it asks for."""
    is_text = "messages" in asked or "max_output_tokens" in asked
    prompt = asked["messages"][0]["content"] if "messages" in asked else asked["input"]
    into = 1 + chance.randrange(len(prompt) // 3) + (7 if is_text else 0)
    most = asked.get("max_tokens") or asked.get("max_output_tokens") or 0
    return {"input": into, "cached": chance.choice([0, 0, into // 2]), "output": chance.randint(0, most)}


def cost_of(usage: dict[str, int], price: dict[str, int]) -> int:
    """Return the cost of a request in 10^-9 USD."""
    fresh = (usage["input"] - usage["cached"]) * price["input"]
    return (
        fresh + usage["cached"] * price["cached_input"] + usage["output"] * price["output"] + price["request"]
    )


def answered(target: str, asked: Data, subject: str, usage: dict[str, int]) -> list[bytes]:
    """Return the answer: the data of its events, or its one body."""
    old = {
        "prompt_tokens": usage["input"],
        "completion_tokens": usage["output"],
        "total_tokens": usage["input"] + usage["output"],
        "prompt_tokens_details": {"cached_tokens": usage["cached"]},
    }
    new = {
        "input_tokens": usage["input"],
        "output_tokens": usage["output"],
        "total_tokens": usage["input"] + usage["output"],
        "input_tokens_details": {"cached_tokens": usage["cached"]},
        "output_tokens_details": {"reasoning_tokens": 0},
    }
    if target.endswith("/embeddings"):
        vector = {"object": "embedding", "index": 0, "embedding": "AAAAPwAAgL4="}
        return [dumps({"object": "list", "data": [vector], "model": asked["model"], "usage": old})]
    if target.endswith("/responses"):
        return [*_of_responses(asked, subject, new)]
    return [*_of_chat(asked, subject, old)]


def _of_chat(asked: Data, subject: str, usage: Data) -> Iterator[bytes]:
    head = {"id": subject, "created": 1, "model": asked["model"]}
    if not asked.get("stream"):
        message = {"role": "assistant", "content": f"About {subject}"}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        yield dumps({**head, "object": "chat.completion", "choices": [choice], "usage": usage})
        return
    head["object"] = "chat.completion.chunk"
    for delta, reason in (({"content": "About "}, None), ({"content": subject}, None), ({}, "stop")):
        yield dumps({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]})
    if (asked.get("stream_options") or {}).get("include_usage"):
        yield dumps({**head, "choices": [], "usage": usage})


def _of_responses(asked: Data, subject: str, usage: Data) -> Iterator[bytes]:
    part = {"type": "output_text", "text": f"About {subject}", "annotations": []}
    message = {
        "id": "m",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [part],
    }
    begun = {
        "id": subject,
        "object": "response",
        "created_at": 1.0,
        "model": asked["model"],
        "status": "in_progress",
        "output": [],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
    }
    done = {**begun, "status": "completed", "output": [message], "usage": usage}
    if not asked.get("stream"):
        yield dumps(done)
        return
    place = {"item_id": "m", "output_index": 0, "content_index": 0}
    text = {"type": "response.output_text.delta", **place, "delta": part["text"], "logprobs": []}
    whole = (
        {"type": "response.created", "response": begun},
        text,
        {"type": "response.completed", "response": done},
    )
    for number, event in enumerate(whole):
        yield dumps({**event, "sequence_number": number})


def say(line: str) -> None:
    """Tell the test."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(seed: int) -> None:
    """Answer until standard input ends."""
    bill = Bill(seed)
    with Wire() as wire:
        wire.answer = Provider(bill)
        say(str(wire.port))
        for _ in sys.stdin:
            wire.wait_for(lambda: not wire.open)  # what has arrived by now is billed
            say(bill.encoded().decode())


if __name__ == "__main__":
    main(int(sys.argv[1]))
