"""Metrics and cost count in one step what they count one after the other where something stands between them."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from ai_client import OpenAIError
from ai_client._io import SyncIO
from ai_client._io.async_io import AsyncIO
from ai_client.control import make_layers
from ai_client.control.accounting.cost import Cost
from ai_client.control.observability.metrics import metrics_in
from ai_client.testing import Upstream
from tests.support.invoke import CHAT, Invoke

PRICES = {"gpt-5.5": {"input": 1, "output": 2, "cached_input": 0.5}, "text-embedding-3-small": {"input": 1}}
TIERED = {"gpt-5.5": {"input": 1, "output": 2, "service_tiers": {"priority": 2.0}}}
USAGE = {"prompt_tokens": 1000, "completion_tokens": 10, "total_tokens": 1010}
BODY: dict[str, Any] = {
    "id": "x",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-5.5-2026-04-23",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hi"}}],
}
Reply = dict[str, Any]
OWN_PRICES: dict[str, Any] = {
    "metrics": True,
    "cost": True,
    "prices": PRICES,
    "price_options": {"library": False},
}


def answer(usage: Any, **more: Any) -> Reply:
    """Return a reply with a usage."""
    return {"json": {**BODY, "usage": usage, **more}}


KINDS: dict[str, list[Reply]] = {
    "plain": [answer(USAGE)],
    "details of zero": [
        answer({**USAGE, "prompt_tokens_details": {"cached_tokens": 0}, "completion_tokens_details": {}})
    ],
    "from the provider's cache": [answer({**USAGE, "prompt_tokens_details": {"cached_tokens": 900}})],
    "reasoning": [answer({**USAGE, "completion_tokens_details": {"reasoning_tokens": 7}})],
    "sound": [answer({**USAGE, "completion_tokens_details": {"audio_tokens": 7}})],
    "an unknown part": [answer({**USAGE, "prompt_tokens_details": {"tool_tokens": 5}})],
    "text and pictures": [answer({**USAGE, "prompt_tokens_details": {"text_tokens": 5, "image_tokens": 9}})],
    "predictions": [answer({**USAGE, "completion_tokens_details": {"rejected_prediction_tokens": 3}})],
    "written to the cache": [answer({**USAGE, "prompt_tokens_details": {"cache_write_tokens": 300}})],
    "a tier": [answer(USAGE, service_tier="priority")],
    "no usage": [{"json": BODY}],
    "odd usage": [answer({"prompt_tokens": -1, "completion_tokens": "x"})],
    "a cost that is said": [answer({**USAGE, "cost": 0.5})],
    "another model": [answer(USAGE, model="gpt-5.5-mini")],
    "no model": [answer(USAGE, model=None)],
    "no JSON": [{"body": b"hello"}],
    "rejected": [{"status": 400}],
    "retried": [{"status": 500, "headers": {"retry-after-ms": "1"}}, answer(USAGE)],
    "failed twice": [{"status": 500, "headers": {"retry-after-ms": "1"}}, {"status": 503}],
}


def counted(
    invoke: Invoke, replies: list[Reply], call: Callable[[Any], Any], *, joined: bool, **controls: Any
) -> tuple[Any, Any]:
    """Return what a call adds to metrics and to the totals of the cost."""
    layers = make_layers({"metrics": True, "cost": True, **controls})
    (metrics,) = metrics_in(layers)
    (cost,) = (one for one in layers if isinstance(one, Cost))

    async def between(call: Any, proceed: Any) -> Any:
        return await proceed(call)

    if not joined:
        layers = (*layers[:2], between, *layers[2:])
    client = invoke.client(layers=layers, max_retries=1)
    for reply in replies:
        invoke.upstream.reply(**reply)
    with suppress(OpenAIError):
        call(client)
    amounts = {
        key: {
            name: amount for name, amount in sums.items() if not name.startswith(("duration", "first_item"))
        }
        for key, sums in metrics.counts.totals().items()
    }
    rows = cost.report(by=("endpoint", "model", "tenant", "alias", "target"))
    return amounts, [(dict(row.labels), dict(row.sums)) for row in rows]


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """Return addresses of empty stores, of either kind."""
    numbers = iter(range(100))

    def address() -> str:
        return "memory://" if request.param == "memory" else f"sqlite:///{tmp_path}/{next(numbers)}.db"

    return address


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("prices", [PRICES, TIERED, {}], ids=["own prices", "tiers", "no prices"])
def test_what_a_call_adds_is_the_same_by_either_way(
    invoke: Invoke, store: Callable[[], str], kind: str, prices: dict[str, Any]
) -> None:
    """Whatever came of a call, one policy for both counts the same as one for each."""

    def found(joined: bool) -> Any:
        return counted(
            invoke,
            KINDS[kind],
            lambda client: invoke(client.chat.completions.create, **CHAT),
            joined=joined,
            prices=prices,
            price_options={"library": False},
            store=store(),
        )

    together, apart = found(joined=True), found(joined=False)
    assert together == apart
    assert together[0]


@pytest.mark.parametrize(
    ("path", "arguments"),
    [
        ("embeddings.create", {"model": "text-embedding-3-small", "input": "x"}),
        ("responses.create", {"model": "gpt-5.5", "input": "x"}),
        ("responses.create", {"model": "gpt-5.5", "input": "x", "background": True}),
        ("images.generate", {"model": "gpt-image-1", "prompt": "x"}),
        ("moderations.create", {"input": "x"}),
        ("models.list", {}),
        ("chat.completions.with_raw_response.create", CHAT),
        ("chat.completions.create", {**CHAT, "stream": True}),
    ],
)
def test_other_calls_add_the_same_by_either_way(
    invoke: Invoke, store: Callable[[], str], path: str, arguments: dict[str, Any]
) -> None:
    """The offline upstream's answers to other calls, streams and raw answers among them, count the same."""

    def call(client: Any) -> None:
        method: Any = client
        for name in path.split("."):
            method = getattr(method, name)
        found = invoke(method, **arguments)
        if arguments.get("stream"):
            invoke.collect(found)

    def found(joined: bool) -> Any:
        return counted(invoke, [], call, joined=joined, prices=PRICES, store=store())

    assert found(joined=True) == found(joined=False)


def test_hours_are_told_apart(
    invoke: Invoke, upstream: Upstream, monkeypatch: pytest.MonkeyPatch, store: Callable[[], str]
) -> None:
    """Calls count in the hour in which they are answered, also where the clock is set back."""
    layers = make_layers({**OWN_PRICES, "store": store()})
    (cost,) = (one for one in layers if isinstance(one, Cost))
    client = invoke.client(layers=layers)
    upstream.always(**answer(USAGE))
    for hour in (1_000_000, 1_000_001, 1_000_000, 1_000_003):
        clock = Mock(return_value=hour * 3600.0 + 5)
        for kind in (SyncIO, AsyncIO):
            monkeypatch.setattr(kind, "now", clock)
        invoke(client.chat.completions.create, **CHAT)
    monkeypatch.undo()
    assert [row.calls for row in cost.report(by=["hour"])] == [2, 1, 1]


@pytest.mark.parametrize("sync", [True])
def test_an_hour_that_ends_in_another_thread_keeps_its_calls(
    invoke: Invoke, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call of the old hour, which is still looking where it counts, leaves its place to no call of the new one."""
    layers = make_layers(OWN_PRICES)
    (cost,) = (one for one in layers if isinstance(one, Cost))
    client = invoke.client(layers=layers)
    upstream.always(**answer(USAGE))
    clock = Mock(return_value=1_000_000 * 3600.0)
    monkeypatch.setattr(SyncIO, "now", clock)
    look, looks = Cost.like, iter([True])

    def like(self: Cost, names: Any, hour: int) -> Any:
        if next(looks, False):  # meanwhile, in another thread
            clock.return_value += 3600
            invoke(client.chat.completions.create, **CHAT)
        return look(self, names, hour)

    monkeypatch.setattr(Cost, "like", like)
    invoke(client.chat.completions.create, **CHAT)
    invoke(client.chat.completions.create, **CHAT)
    monkeypatch.undo()
    assert [row.calls for row in cost.report(by=["hour"])] == [1, 2]


def test_what_comes_while_it_is_counted_counts_once(
    invoke: Invoke, upstream: Upstream, monkeypatch: pytest.MonkeyPatch, store: Callable[[], str]
) -> None:
    """A call that is interrupted after its cost is recorded counts once, and its interruption is passed on."""
    layers = make_layers({**OWN_PRICES, "store": store()})
    (cost,) = (one for one in layers if isinstance(one, Cost))
    (metrics,) = metrics_in(layers)
    upstream.always(**answer(USAGE))

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(metrics.counts, "add_row", interrupted)
    with pytest.raises(KeyboardInterrupt):
        invoke(invoke.client(layers=layers).chat.completions.create, **CHAT)
    (row,) = cost.report()
    assert row.calls == 1
    assert not metrics.counts.under_way


def test_names_from_callers_are_bounded(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many models callers name, few places are kept in memory, and all calls are counted."""
    monkeypatch.setattr("ai_client.control.observability.counting.with_cost._KEPT", 3)
    prices = {"m-*": {"input": 1}}
    layers = make_layers({"metrics": True, "cost": True, "prices": prices})
    (cost,) = (one for one in layers if isinstance(one, Cost))
    client = invoke.client(layers=layers)
    for number in range(8):
        invoke(client.chat.completions.create, **{**CHAT, "model": f"m-{number}"})
    assert sum(row.calls for row in cost.report(by=["model"])) == 8
