"""The cost of policies: `python -m tools.bench.controls`.

First each policy alone, around a step that returns a ready reply: a plain chat call that it lets through, with
the memory store; the figure is the median over rounds, minus the step alone. Then whole calls of both clients
over an in-memory transport, with all policies on and off. The response has the headers that the API sends, as
raw headers, like responses of the pool.
"""

import asyncio
import logging
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx

from ai_client import AsyncOpenAI, OpenAI
from ai_client._call.call import Call, Reply
from ai_client._call.labels import labels
from ai_client._call.pipeline import Next, chained, together
from ai_client._io import SyncIO, finish
from ai_client.control.assembly import make_layers

from . import payloads
from .measure import Run, in_turns

CALLS, ROUNDS = 2000, 15
PRICES = {payloads.MODEL: {"input": 1, "output": 1}}
IDLE: Mapping[str, Mapping[str, Any]] = {
    "guardrails": {"guardrails": {"allowed_models": ["gpt-*", "ben*"], "timeout": 60}},
    "cache (call not cacheable)": {"cache": {"scope": "tenant"}},
    "fallback and breaker": {"models": {"fast": payloads.MODEL}},
    "concurrency": {"concurrency": 100},
    "rate limit, requests": {"rate_limits": [{"requests": 10**9, "per": "day"}]},
    "rate limit, tokens": {"rate_limits": [{"tokens": 10**12, "per": "day"}]},
    "upstream's limits only": {"rate_limit_options": {"upstream": True}},
    "budget, requests": {"budgets": [{"requests": 10**9}]},
    "budget, USD": {"budgets": [{"usd": 10**6}], "prices": PRICES},
    "cost": {"cost": True, "prices": PRICES},
    "hooks (none)": {"hooks": {}},
    "logs (nothing is logged)": {"logs": True},
    "telemetry (no SDK set up)": {"telemetry": True},
    "retry budget": {"retry_budget": True},
}
ALL: Mapping[str, Any] = {name: value for one in IDLE.values() for name, value in one.items()}
"""Every policy; of those that share an option, the last."""
BUSY: Mapping[str, Mapping[str, Any]] = {
    "cache (a hit)": {"cache": {"scope": "tenant", "everything": True}},
    "budgets: USD, tokens, requests": {
        "budgets": [
            {"usd": 10**6, "scope": "tenant"},
            {"tokens": 10**12, "scope": "user"},
            {"requests": 10**9, "per": "month"},
        ],
        "prices": PRICES,
    },
    "metrics": {"metrics": True},
    "hooks (one that does nothing)": {"hooks": {"on_result": id}},
    "logs (each call)": {"logs": {"logger": "tools.bench.calls"}},
}
"""Policies configured so that they have work to do."""


class Sender:
    """A sender that sends nothing, for an `IO` that never exchanges."""

    timeouts = (httpx.TimeoutException,)
    failures = (httpx.RequestError,)


def main() -> None:
    """Measure each policy, all together, and whole calls, and print a table."""
    busy = logging.getLogger("tools.bench.calls")
    busy.setLevel(logging.INFO)
    busy.addHandler(logging.NullHandler())
    busy.propagate = False
    with labels(endpoint="/ask", tenant="acme", user="ann"):
        bare = _measure(_wire())
        sys.stdout.write(f"{'bare step':32}{bare:8.2f} us\n")
        for name, controls in {**IDLE, "all together": ALL, **BUSY}.items():
            layers = together(make_layers(controls))
            step = chained(layers, _wire())
            sys.stdout.write(f"{name:32}{_measure(step) - bare:8.2f} us  ({len(layers)})\n")
        for name, opened in (("OpenAI", _sync), ("AsyncOpenAI", _async)):
            off, on = in_turns([opened({}), opened(ALL)], CALLS // 4, ROUNDS)
            text = f"a call of {name}, in memory"
            sys.stdout.write(f"{text:32}{off:8.2f} us, {on:.2f} us with all on: {on / off:.2f}\n")


def _answer(request: httpx.Request) -> httpx.Response:
    raw = [(name.encode(), value.encode()) for name, value in payloads.HEADERS.items()]
    return httpx.Response(200, content=payloads.completion(), headers=raw, request=request)


def _wire() -> Next:
    answer = _answer(httpx.Request("POST", "http://127.0.0.1/v1/chat/completions"))

    async def wire(call: Call) -> Reply:
        call.encoded()  # every call encodes its body anyway
        if call.record is not None:
            call.record.attempts += 1
        return Reply(answer)

    return wire


def _measure(step: Next) -> float:
    io: Any = SyncIO(Sender())  # type: ignore[arg-type]
    body = payloads.SMALL

    def run() -> None:
        for _ in range(CALLS):
            finish(step(Call(io, "POST", "/chat/completions", None, body=body)))  # type: ignore[arg-type]

    run()
    rounds: list[float] = []
    for _ in range(ROUNDS):
        began = time.process_time()
        run()
        rounds.append((time.process_time() - began) / CALLS * 1e6)
    return statistics.median(rounds)


def _sync(controls: Mapping[str, Any]) -> Run:
    http = httpx.Client(transport=httpx.MockTransport(_answer))
    client = OpenAI(api_key="key", http_client=http, layers=make_layers(controls))

    def run(count: int) -> None:
        for _ in range(count):
            client.chat.completions.create(**payloads.SMALL)

    return run


def _async(controls: Mapping[str, Any]) -> Run:
    http = httpx.AsyncClient(transport=httpx.MockTransport(_answer))
    client = AsyncOpenAI(api_key="key", http_client=http, layers=make_layers(controls))
    create: Callable[..., Awaitable[object]] = client.chat.completions.create
    runner = asyncio.Runner()

    async def many(count: int) -> None:
        for _ in range(count):
            await create(**payloads.SMALL)

    return lambda count: runner.run(many(count))


if __name__ == "__main__":
    main()
