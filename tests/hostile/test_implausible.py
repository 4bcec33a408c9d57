"""Usage that cannot be: reported by an upstream that is broken or means harm."""

import json
from pathlib import Path
from typing import Any

import pytest

from ai_client._call.report import from_report
from ai_client.control.assembly import make_layers
from tests.support.hostile.forking import ANSWER
from tests.support.hostile.framing import EVENT_STREAM, events, script
from tests.support.hostile.shapes import chat_events, encoded
from tests.support.hostile.wire import Wire
from tests.support.invoke import Invoke
from tests.support.policies import running_redis

NUMBERS = ("9223372036854775808", "9" * 40, "9" * 400, "-5", "NaN", "1e400", '"7"', "7.5", "true", "[7]")


@pytest.fixture(params=["memory", "sqlite", "redis", "django-cache"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """Yield the address of a store of each kind."""
    if request.param == "redis":
        with running_redis(tmp_path) as server:
            yield server.url
        return
    if request.param == "django-cache":
        from django.core import cache
        from django.core.cache.backends.locmem import LocMemCache

        patch = request.getfixturevalue("monkeypatch")
        patch.setattr(cache, "caches", {"default": LocMemCache(str(tmp_path), {})})
    yield {
        "memory": "memory://",
        "sqlite": f"sqlite:///{tmp_path}/s.db",
        "django-cache": "django-cache://default",
    }[request.param]


@pytest.mark.parametrize("place", ["prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens"])
@pytest.mark.parametrize("number", NUMBERS)
def test_a_count_that_cannot_be_tells_nothing(place: str, number: str) -> None:
    """One number that no call can have makes the whole report one that is not believed."""
    usage: dict[str, Any] = {"prompt_tokens": 3, "completion_tokens": 4}
    if place == "total_tokens":
        usage = {}
    value = float(number) if number in {"NaN", "1e400"} else json.loads(number)
    if place == "cached_tokens":
        usage["prompt_tokens_details"] = {place: value}
    else:
        usage[place] = value
    assert from_report(usage) is None


@pytest.mark.parametrize("seconds", [-1, True, float("nan"), float("inf"), 10**400, "5"])
def test_a_length_that_cannot_be_tells_nothing(seconds: object) -> None:
    """The same holds for the length of sound."""
    assert from_report({"seconds": seconds}) is None


def test_no_report_harms_a_store(store: str, invoke: Invoke, wire: Wire) -> None:
    """Calls whose usage cannot be succeed as ever and count as unknown, spend no budget, and harm no store."""
    controls = {
        "store": store,
        "on_store_failure": "closed",
        "budgets": [{"tokens": 10**7}, {"usd": 1000.0}],
        "rate_limits": [{"tokens": 10**7}],
        "cost": True,
        "prices": {"one": {"input": 1.0, "output": 2.0}},
    }
    layers = make_layers(controls)
    cost: Any = next(layer for layer in layers if hasattr(layer, "report"))

    client = invoke.client(base_url=wire.base_url, layers=layers)

    def ask() -> Any:
        messages = [{"role": "user", "content": "Hello"}]
        return invoke(lambda: client.chat.completions.create(model="one", messages=messages))

    numbers = [
        number for number in NUMBERS if number not in {'"7"', "true"}
    ]  # which results take for whole ones
    for number in numbers:
        wire.play(
            script([ANSWER.replace(b'"prompt_tokens": 3', b'"prompt_tokens": ' + number.encode())], "length")
        )
        assert ask().choices
    wire.play(script([ANSWER], "length"))
    assert ask().usage.total_tokens == 7
    (row,) = cost.report()
    assert row.sums["calls"] == len(numbers) + 1
    assert row.sums["unknown"] == len(numbers)
    assert (row.sums["input"], row.sums["output"]) == (3, 4)


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_no_answer_takes_nothing(invoke: Invoke, wire: Wire, streamed: bool) -> None:
    """An answer that is reported to have taken no tokens is no free one: what it took is not known."""
    nothing = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    layers = make_layers(
        {
            "budgets": [{"tokens": 10**6, "per": "total"}],
            "cost": True,
            "prices": {"m": {"input": 1.0, "output": 2.0}},
        }
    )
    cost: Any = next(layer for layer in layers if hasattr(layer, "report"))
    client = invoke.client(base_url=wire.base_url, layers=layers)
    ask = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}
    if streamed:
        last = encoded({"object": "chat.completion.chunk", "choices": [], "usage": nothing})
        wire.play(script([*events(*chat_events(), last)], content_type=EVENT_STREAM))
        invoke.collect(invoke(client.chat.completions.create, **ask, stream=True))
    else:
        wire.play(script([json.dumps({**json.loads(ANSWER), "usage": nothing}).encode()], "length"))
        invoke(client.chat.completions.create, **ask)
    (row,) = cost.report()
    assert row.sums.get("reported", 0) == 0
    assert row.sums["estimated" if streamed else "unknown"] == 1
    assert row.usd != 0
    ledger = cost.store.backend.ledger("|tokens|total|UTC|all", 0.0)
    assert ledger.used > 0
    assert ledger.held == 0
