"""Every control as the options that ask for it, and what must hold of it after calls."""

import sqlite3
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider

from ai_client.control import Call, Concurrency, Cost, Metrics, Next, Reply, StreamEnd
from ai_client.control.journal.parts import CallJournal
from ai_client.control.observability.metrics import metrics_in
from ai_client.stores.log import LogQuery
from ai_client.stores.log_store import read_log
from ai_client.stores.memory import MemoryBackend
from tests.support.hostile.answers import Kind
from tests.support.hostile.payloads import TOKENS
from tests.support.policies import finish, sync_io

Options = dict[str, Any]
PRICES = {name: {"input": 1.0, "output": 2.0} for name in ("m", "second")}


def hear(details: object) -> None:
    """Take what a hook is told."""
    del details


class OwnPolicy:
    """A policy of the application that counts calls, answers, and the ends of those that are not whole."""

    def __init__(self) -> None:
        self.calls = self.replies = self.left_whole = self.left_early = 0
        self._lock = threading.Lock()

    async def __call__(self, call: Call, proceed: Next) -> Reply:
        """Count a call."""
        with self._lock:
            self.calls += 1
        reply = await proceed(call)
        with self._lock:
            self.replies += 1
        if call.is_whole:
            self._end(StreamEnd(None, complete=True))
            return reply

        async def end(how: StreamEnd) -> None:
            self._end(how)

        reply.on_event.append(self._see)
        reply.on_end.append(end)
        return reply

    def _see(self, data: bytes) -> None:
        assert data

    def _end(self, how: StreamEnd) -> None:
        with self._lock:
            self.left_whole += how.complete
            self.left_early += not how.complete


def own_policies() -> list[Any]:
    """Return an own policy in each place: an object, a factory and a dotted path."""
    return [
        {"policy": f"{__name__}.OwnPolicy", "place": "innermost"},
        {"policy": lambda: OwnPolicy(), "place": "target"},  # noqa: PLW0108 - a factory that is no class
        OwnPolicy(),
    ]


EACH: dict[str, Options] = {
    "policies": {"policies": []},
    "hooks": {"hooks": dict.fromkeys(("on_call", "on_attempt", "on_result", "on_error"), hear)},
    "logs": {"logs": True, "redaction": {"patterns": ["email", "card"]}},
    "metrics": {"metrics": True},
    "journal": {"journal": {"content": True, "per_second": 10**6}},
    "alerts": {"alerts": [{"on": "errors", "to": hear}]},
    "telemetry": {"telemetry": {"tracer_provider": TracerProvider(), "meter_provider": MeterProvider()}},
    "guardrails": {"guardrails": {"allowed_models": ["m", "second"], "max_output_tokens": 100}},
    "cache": {"cache": {"scope": "all"}},
    "models": {"models": {"m": ["m", "second"]}, "breaker": False},
    "breaker": {"breaker": {"failures": 5}},
    "clients": {"models": {"m": ["other/m", "second"]}, "fallback": {"clients": {"other": {}}}},
    "budgets": {
        "budgets": [{"tokens": 10**9, "per": "total"}, {"usd": 1000, "per": "day"}],
        "prices": PRICES,
    },
    "cost": {"cost": True, "prices": PRICES},
    "rates": {"rate_limits": [{"requests": 10**6, "tokens": 10**9, "per": "minute"}]},
    "concurrency": {"concurrency": {"max_in_flight": 3, "max_queue": 3}},
    "retries": {"retry_budget": True},
}
"""Each control alone."""

CONTROLS = ("none", *EACH, "deadline", "all", "all-deadline", "all-sqlite")
"""The names of all sets of controls."""


def options_for(name: str, base_url: str, place: Path, *, deadline: float = 60.0) -> Options:
    """Return a provider's options for a set of controls.

    Args:
        name: One of `CONTROLS`.
        base_url: Where a client that a control makes by itself is to go.
        place: A file for a store on disk.
        deadline: Seconds for a call, where it has a deadline.
    """
    options: Options = {}
    controls: Options = {}
    if name.startswith("all"):
        for one in EACH.values():
            controls |= one
    elif name in EACH:
        controls |= EACH[name]
    if "policies" in controls:
        controls["policies"] = own_policies()
    if "fallback" in controls:
        controls["fallback"] = {
            "clients": {"other": {"base_url": base_url, "api_key": "k", "max_retries": 0}}
        }
    if name.endswith("sqlite"):
        controls["store"] = f"sqlite:///{place}"
    if name.endswith("deadline"):
        options["deadline"] = deadline
    if controls:
        options["controls"] = controls
    return options


def is_kept(name: str, kind: Kind) -> bool:
    """Return whether the second of two equal calls is answered out of a cache."""
    return kind.cached and (name == "cache" or name.startswith("all"))


def check_costs(layers: Iterable[Any], kind: Kind, calls: int) -> None:
    """Compare the sums of cost with those of so many calls, each counted once, and metrics with cost."""
    layers = list(layers)
    for metrics in metrics_in(layers):
        check_metrics(metrics, [cost for cost in layers if isinstance(cost, Cost)])
    for cost in (layer for layer in layers if isinstance(layer, Cost)):
        rows = cost.report()
        if not kind.billed:
            assert not rows
            continue
        (row,) = rows
        assert row.calls == calls
        if not kind.tokens:
            continue
        into, out = TOKENS if kind.name != "embeddings" else (TOKENS[0], 0)
        found = {name: row.sums.get(name, 0) for name in ("reported", "input", "output", "nano_usd")}
        expected = {"reported": calls, "input": calls * into, "output": calls * out}
        assert found == {**expected, "nano_usd": calls * 1000 * (into + 2 * out)}


def check_metrics(metrics: Metrics, costs: Iterable[Cost]) -> None:
    """Assert that no call is under way, and that metrics and cost have counted the same."""
    assert not metrics.counts.under_way
    counted: Counter[str] = Counter()
    for amounts in metrics.counts.totals().values():
        for name, amount in amounts.items():
            counted[name.partition(".")[0]] += amount
    for cost in costs:
        rows = cost.report()
        sums: Mapping[str, int] = rows[0].sums if rows else {}
        assert counted["used"] == sums.get("calls", 0)
        for name in ("input", "output", "nano_usd", "unpriced"):
            assert counted[name] == sums.get(name, 0), name


def check_own_policies(layers: Iterable[Any], calls: int, sent: int) -> None:
    """Assert that each own policy saw what comes to its place, and each answer end once.

    Args:
        layers: The policies around the calls.
        calls: How many calls the application made.
        sent: How many of them were sent.
    """
    layers = list(layers)
    for layer in layers:
        if isinstance(layer, CallJournal):
            entries = finish(read_log(layer.journal.log_store, sync_io(), layer.journal.log, LogQuery(10**6)))
            assert len(entries) == calls
    own = [layer for layer in layers if isinstance(layer, OwnPolicy)]
    expected = [calls, sent, sent][: len(own)]
    assert [policy.calls for policy in own] == expected
    assert [policy.replies for policy in own] == expected
    assert [policy.left_whole for policy in own] == expected
    assert [policy.left_early for policy in own] == [0] * len(own)


def check_own_policies_have_ended(layers: Iterable[Any]) -> None:
    """Assert that an own policy was told of the end of each answer that it saw."""
    for policy in (layer for layer in layers if isinstance(layer, OwnPolicy)):
        assert policy.left_whole + policy.left_early == policy.replies <= policy.calls


def check_nothing_is_held(layers: Iterable[Any], place: Path) -> None:
    """Assert that no reservation and no place is left of calls that have ended."""
    for layer in layers:
        if isinstance(layer, Concurrency):
            assert (layer.in_flight, layer.queue_length) == (0, 0)
        backend: Any = getattr(getattr(layer, "store", None), "backend", None)
        accounts = backend._state().accounts if isinstance(backend, MemoryBackend) else {}
        assert [name for name, account in accounts.items() if account.held] == []
    if place.exists():
        with sqlite3.connect(place) as database:
            held = database.execute("SELECT key FROM reservations").fetchall()
        database.close()
        assert held == []
