"""A provider whose books return figures that were made up: what pages show of them does not depend on a store."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from ai_client.control.observability.conventions import SECONDS
from ai_client.dashboard.retirement import RetiringModel
from ai_client.errors import ConfigError
from ai_client.operations import BreakerState, BudgetState, HealthReport
from ai_client.operations.statistics import CallSums, Histogram, Point, StatisticsReport
from ai_client.operations.workers import ExtraClientLine, WorkerState

NOW = datetime(2026, 11, 30, 11, 30, tzinfo=UTC)
STEPS = {1: timedelta(minutes=1), 24: timedelta(hours=1)}
ENDPOINTS = ("/ask", "/summaries/{id}", "/chat", "/search", "/translate", "/images", "/tag", "")
MODELS = ("gpt-5.4", "gpt-5.4-mini", "gpt-4.1", "text-embedding-3-small")
TENANTS = ("acme", "globex", "initech", "umbrella", "hooli", "stark", "wayne", "")


def histogram(count: int, typical: float) -> Histogram:
    """Return how long calls took, around a typical duration in seconds."""
    bounds = (0.005, *SECONDS)
    weights = [math.exp(-((math.log(bound * 1.4 / typical)) ** 2)) for bound in bounds]
    counts = tuple(round(count * weight / sum(weights)) for weight in weights)
    return Histogram(counts, count * typical)


def sums(calls: int, *, typical: float = 1.2, price: int = 4_200_000, timed: bool = True) -> CallSums:
    """Return what so many calls came to."""
    errors = calls // 40
    classes = {"RateLimitError": errors - errors // 3, "APITimeoutError": errors // 3}
    hits = calls // 5
    return CallSums(
        calls=calls,
        ok=calls - errors - calls // 200,
        errors=errors,
        cancelled=calls // 200,
        errors_by_class={name: count for name, count in classes.items() if count} if timed else {},
        attempts={"ok": calls - errors - hits, "429": 3 * errors, "APITimeoutError": errors // 3},
        retries=2 * errors,
        cache={"hit": hits, "miss": calls - errors - hits, "shared": calls // 90, "stale": calls // 300},
        usd=calls * price / 1e9,
        nano_usd=calls * price,
        unpriced=calls // 500,
        saved_nano_usd=hits * price,
        saved_tokens=hits * 1900,
        input_tokens=calls * 1500,
        cached_tokens=calls * 420,
        output_tokens=calls * 400,
        reasoning_tokens=calls * 90,
        duration=histogram(calls, typical) if timed else Histogram(),
        first_item=histogram(calls // 2, typical / 4) if timed else Histogram(),
    )


def report(span: timedelta, calls: int = 12_000, now: datetime = NOW) -> StatisticsReport:
    """Return a report of about so many calls, fewer in the night."""
    hours = span / timedelta(hours=1)
    step = next((step for most, step in STEPS.items() if hours <= most), timedelta(days=1))
    number = round(span / step)
    begin = now - step * number
    weights = [1.2 + math.sin(at / number * 9) + (0.6 if at % 7 == 3 else 0) for at in range(number)]
    points = tuple(
        Point(begin + step * at, sums(round(calls * weight / sum(weights)), typical=0.8 + 0.4 * weight))
        for at, weight in enumerate(weights)
    )

    def shared_out(names: tuple[str, ...], *, timed: bool) -> dict[str, CallSums]:
        shares = [1 / (at + 1) ** 1.2 for at in range(len(names))]
        return {
            name: sums(
                round(calls * share / sum(shares)),
                typical=4.0 / (at + 1),
                price=9_000_000 // (at + 1),
                timed=timed,
            )
            for at, (name, share) in enumerate(zip(names, shares, strict=True))
        }

    return StatisticsReport(
        since=begin,
        until=now,
        step=step,
        totals=sums(calls),
        points=points,
        endpoints=shared_out(ENDPOINTS, timed=False),
        models=shared_out(MODELS, timed=True),
        tenants=shared_out(TENANTS, timed=False),
    )


def budget(name: str, scope: str, used: float, limit: float, **more: Any) -> BudgetState:
    """Return a balance."""
    given: dict[str, Any] = {
        "alias": "default",
        "unit": "usd",
        "per": "day",
        "timezone": "UTC",
        "hard": True,
        "granted": 0.0,
        "held": 0.12,
        "starts": NOW.replace(hour=0, minute=0),
        "resets_at": NOW.replace(hour=0, minute=0) + timedelta(days=1),
        **more,
    }
    remaining = limit - used - given["held"]
    return BudgetState(name=name, scope=scope, used=used, limit=limit, remaining=remaining, **given)


def breaker(target: str, state: Any, **more: Any) -> BreakerState:
    """Return the circuit of a target."""
    until = None if state == "closed" else NOW + timedelta(seconds=20)
    since = None if state == "closed" else NOW
    given: dict[str, Any] = {"alias": "default", "account": None, "failures": 0, "shared": True, **more}
    return BreakerState(target=target, state=state, since=since, until=until, **given)


def worker(pid: int, host: str = "web-1") -> WorkerState:
    """Return what a process is at."""
    return WorkerState(
        host=host,
        pid=pid,
        seen=NOW,
        alive=2,
        built=2,
        open=9,
        idle=6,
        in_use=3,
        waiting=0,
        opened=31,
        in_flight=3,
    )


def raising(error: Exception) -> Callable[..., Any]:
    """Return a function that raises an error, whatever it is given."""

    def fail(*_: Any, **__: Any) -> Any:
        raise error

    return fail


@dataclass(kw_only=True, eq=False)
class MadeUpProvider:
    """A provider as pages see it; each attribute may be replaced by a function that raises.

    Attributes:
        health_report: Returns its health.
        statistics_report: Returns a report, given the arguments of `StatisticsBook.report`.
        budget_states: Returns its balances.
        breaker_states: Returns its circuits.
        worker_states: Returns its processes.
        lines: Returns the lines that build clients.
        controls: The controls of its clients.
        asked: The arguments of each report that was asked for.
    """

    health_report: Callable[[], HealthReport] = lambda: HealthReport("ready")
    statistics_report: Callable[..., StatisticsReport] = lambda *, since, **_: report(since)
    budget_states: Callable[[], list[BudgetState]] = lambda: [
        budget("plan", "tenant=acme", 4.2, 5.0),
        budget("plan", "tenant=globex", 1.3, 5.0, held=0.0),
        budget("usd/month/all", "all", 212.4, 600.0, per="month"),
        budget("tries", "tenant=initech", 100, 100, unit="requests", held=0),
    ]
    breaker_states: Callable[[], list[BreakerState]] = lambda: [
        breaker("gpt-5.4", "closed"),
        breaker("eu/gpt-5.4", "open", failures=7),
        breaker("gpt-4.1", "half-open", failures=5),
    ]
    worker_states: Callable[[], list[WorkerState]] = lambda: [worker(4711), worker(4712), worker(88, "web-2")]
    lines: Callable[[], list[ExtraClientLine]] = lambda: [
        ExtraClientLine("app/views.py:41", "openai.OpenAI", 312)
    ]
    controls: Mapping[str, Any] = field(default_factory=dict[str, Any])
    asked: list[Mapping[str, Any]] = field(default_factory=list[Mapping[str, Any]])

    @property
    def health(self) -> Any:
        """Its health."""
        return SimpleNamespace(ready=self.health_report)

    @property
    def statistics(self) -> Any:
        """Its reports."""

        def asked(**given: Any) -> StatisticsReport:
            self.asked.append(given)
            return self.statistics_report(**given)

        return SimpleNamespace(report=asked)

    @property
    def budgets(self) -> Any:
        """Its balances."""
        return SimpleNamespace(states=self.budget_states)

    @property
    def breakers(self) -> Any:
        """Its circuits."""
        return SimpleNamespace(states=self.breaker_states)

    @property
    def workers(self) -> Any:
        """Its processes."""
        return SimpleNamespace(states=self.worker_states, extra_clients=self.lines)

    @property
    def journal(self) -> Any:
        """No journal, as without its control."""
        off = raising(ConfigError("The controls have no 'journal': add it to 'controls' to have this."))
        return SimpleNamespace(entries=off, entry=off, state=off)

    @property
    def process(self) -> Any:
        """This process, which has no clients."""
        return SimpleNamespace(pid=1, clients=())

    def __iter__(self) -> Any:
        return iter(("default",))

    def __getitem__(self, alias: str) -> Any:
        return SimpleNamespace(config=SimpleNamespace(controls=self.controls))


RETIRING = [
    RetiringModel(
        "gpt-4.1", "default", date(2026, 12, 20), "gpt-4.1 is switched off on 2026-12-20, in 20 days.", False
    ),
    RetiringModel(
        "gpt-3.5-turbo", "default", date(2026, 9, 1), "gpt-3.5-turbo was switched off on 2026-09-01.", True
    ),
    RetiringModel(
        "gpt-5.4-mimi",
        "eu",
        None,
        "The API does not list the model gpt-5.4-mimi: it is mistyped, or this key may not use it.",
        False,
    ),
]
