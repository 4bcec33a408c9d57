"""What a call costs once, however many policies look at it."""

import sys
from collections.abc import Callable
from typing import Any

import pytest

from ai_client._answers import result as _result
from ai_client._call import call as call_module
from ai_client.control.assembly import make_layers
from ai_client.control.pricing import meter
from ai_client.control.record import call_record
from ai_client.testing import Upstream
from tests.support.invoke import Invoke

COUNTING: dict[str, Any] = {
    "logs": True,
    "hooks": {"on_result": str},
    "cache": {"scope": "all"},
    "budgets": [{"tokens": 10**9, "scope": "tenant"}, {"usd": 10**6}],
    "cost": True,
    "prices": {"gpt-4o-mini": {"input": 1, "output": 2}},
    "rate_limits": [{"tokens": 10**9, "per": "minute"}, {"tokens": 10**9, "per": "day", "scope": "user"}],
    "concurrency": 5,
    "retry_budget": True,
}
"""Policies of which nearly all want to know how large the request is and what it used."""


def counted(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> list[object]:
    """Note the first argument of each call of a function of a module."""
    function: Callable[..., Any] = getattr(module, name)
    seen: list[object] = []

    def count(*args: Any, **options: Any) -> Any:
        seen.append(args[0])
        return function(*args, **options)

    monkeypatch.setattr(module, name, count)
    return seen


@pytest.mark.parametrize("options", [{"seed": 1}, {}, {"stream": True}])
def test_a_request_is_encoded_once(
    invoke: Invoke, upstream: Upstream, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]
) -> None:
    """What names the cached answer and what is measured for budgets and rates are the bytes that are sent."""
    client = invoke.client(layers=make_layers(COUNTING))
    encoded = counted(monkeypatch, call_module, "encode")
    answer = invoke.chat(client, **options)
    if "stream" in options:
        invoke.collect(answer)
    assert len(upstream.requests) == 1
    assert len(encoded) == 1


def test_an_answer_is_measured_once(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    """The usage that an answer reports is read once for budgets, cost, rates, hooks and logs."""
    client = invoke.client(layers=make_layers(COUNTING))
    read = counted(monkeypatch, meter, "reported_in")
    record = call_record(invoke.chat(client))
    assert record is not None
    assert record.usage is not None
    assert record.usd
    assert len(read) == 1


@pytest.mark.parametrize(("strict", "times"), [(False, 1), (True, 2)])
def test_an_answer_is_decoded_once(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, strict: bool, times: int
) -> None:
    """The result whose usage was read is what the caller gets, unless that is to be validated strictly."""
    client = invoke.client(layers=make_layers(COUNTING))
    client._strict_response_validation = strict
    decoded = [counted(monkeypatch, module, "decode") for module in (meter, _result)]
    assert invoke.chat(client).usage.total_tokens
    assert sum(map(len, decoded)) == times


def test_idle_policies_add_no_frame(invoke: Invoke) -> None:
    """Policies that have nothing to do with a call are not on the stack while it is sent."""
    depths: list[int] = []

    async def wire(call: Any, proceed: Any) -> Any:
        frame = sys._getframe()
        depth = 0
        while frame.f_back is not None:
            frame = frame.f_back
            depth += 1
        depths.append(depth)
        return await proceed(call)

    idle = {
        "telemetry": True,
        "hooks": {},
        "guardrails": {"allowed_models": ["gpt-*"]},
        "cache": {"scope": "tenant"},
        "models": {"fast": "gpt-4o-mini"},
        "breaker": False,
        "retry_budget": True,
    }
    layers = make_layers(idle)
    assert len(layers) == 6
    for chain in ([wire], [*layers, wire]):
        invoke.chat(invoke.client(layers=chain))
    assert depths[0] == depths[1]
