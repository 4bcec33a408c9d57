"""What policies cost: `python -m tools.bench.controls`.

Each policy is put around a step that gives a ready answer, so that what is measured is the policy alone: on a plain
chat call that it lets through, with the memory store. The figure is the median over rounds, less the bare step.
"""

import logging
import statistics
import sys
import time
from collections.abc import Mapping
from typing import Any

import httpx

from ai_client._io import BlockingIO, finish
from ai_client._labels import labels
from ai_client.control.call import Call, Next, Reply
from ai_client.control.options import make_layers

CALLS, ROUNDS = 2000, 15
CONTROLS: Mapping[str, Mapping[str, Any]] = {
    "guardrails": {"guardrails": {"allowed_models": ["gpt-*"], "timeout": 60}},
    "cache (call not cacheable)": {"cache": {"scope": "tenant"}},
    "fallback and breaker": {"models": {"fast": "gpt-4o-mini"}},
    "concurrency": {"concurrency": 100},
    "rate limit, requests": {"rate_limits": [{"requests": 10**9, "per": "day"}]},
    "rate limit, tokens": {"rate_limits": [{"tokens": 10**12, "per": "day"}]},
    "upstream's limits only": {"rate_limit_options": {"upstream": True}},
    "budget, requests": {"budgets": [{"requests": 10**9}]},
    "budget, USD": {"budgets": [{"usd": 10**6}], "prices": {"gpt-4o-mini": {"input": 1, "output": 1}}},
    "cost": {"cost": True, "prices": {"gpt-4o-mini": {"input": 1, "output": 1}}},
    "hooks (none)": {"hooks": {}},
    "logs (logger off)": {"logs": True},
    "telemetry (no SDK set up)": {"telemetry": True},
    "retry budget": {"retry_budget": True},
}
ALL: Mapping[str, Any] = {name: value for one in CONTROLS.values() for name, value in one.items()}


class _Sender:
    timeouts = (httpx.TimeoutException,)
    failures = (httpx.RequestError,)


def main() -> None:
    """Measure each policy and all together, and print a table."""
    logging.getLogger("ai_client.calls").setLevel(logging.CRITICAL)
    usage = {"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30}
    answer = httpx.Response(
        200,
        json={
            "id": "x",
            "model": "gpt-4o-mini",
            "choices": [{"message": {"content": "y" * 200}}],
            "usage": usage,
        },
        request=httpx.Request("POST", "http://127.0.0.1/v1/chat/completions"),
    )
    io = BlockingIO(_Sender())  # type: ignore[arg-type]
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello, how are you?" * 5}]}

    async def wire(call: Call) -> Reply:
        if call.record is not None:
            call.record.attempts += 1
        return Reply(answer)

    def once(step: Next) -> None:
        finish(step(Call(io, "POST", "/chat/completions", None, body=body)))  # type: ignore[arg-type]

    with labels(endpoint="/ask", tenant="acme", user="ann"):
        bare = _measure(once, wire)
        sys.stdout.write(f"{'bare step':32}{bare:8.2f} us\n")
        for name, controls in {**CONTROLS, "all together": ALL}.items():
            step: Next = wire
            layers = make_layers(controls)
            for layer in reversed(layers):
                step = _around(layer, step)
            sys.stdout.write(f"{name:32}{_measure(once, step) - bare:8.2f} us  ({len(layers)})\n")


def _around(layer: Any, step: Next) -> Next:
    async def around(call: Call) -> Reply:
        reply: Reply = await layer(call, step)
        return reply

    return around


def _measure(once: Any, step: Next) -> float:
    for _ in range(CALLS // 4):
        once(step)
    rounds: list[float] = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(CALLS):
            once(step)
        rounds.append((time.process_time() - began) / CALLS * 1e6)
    return statistics.median(rounds)


if __name__ == "__main__":
    main()
