"""The texts of alerts: what happened, the figures, since when, and what to do."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from ...detector import ExtraClients
from ..accounting.budget import Budget
from ..breaker import split_circuit
from .alert import Alert, AlertKind
from .claims import digest
from .errors import Failures

_LONGEST = 200
_NAMED = 3
"""Classes of errors that a message names."""
_DAY = "day"
_FULL = 100
_MINUTE = 60


class ReachedShare(NamedTuple):
    """A budget that has reached a share of its limit.

    Attributes:
        budget: The budget.
        labels: Whose it is.
        share: The share of the rule.
        used: What is used, in the unit of the budget.
        limit: What may be used, with what was granted.
        key: The name of the ledger, and what tells it from the same one after a reset.
        start: When its window began, in seconds since 1970; 0 where it has none.
        end: When it ends.
    """

    budget: Budget
    labels: Mapping[str, str]
    share: float
    used: float
    limit: float
    key: str
    start: float
    end: float


def clean(text: str) -> str:
    """Return a text from outside in one line of bounded length."""
    line = "".join(letter if letter.isprintable() else " " for letter in text)
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def of_budget(reached: ReachedShare) -> Alert:
    """Return the alert of a budget that has reached a share."""
    budget, used, limit = reached.budget, reached.used, reached.limit
    unit = "USD" if budget.unit == "usd" else budget.unit
    percent = f"{round(_FULL * used / limit if limit else _FULL, 1):g}"
    is_total = budget.per == "total"
    whose = "".join(
        f", {name}={value}" for name, value in reached.labels.items() if name not in {"client", "budget"}
    )
    what = f"{limit:g} {unit} {'in total' if is_total else f'per {budget.per}'}{whose}"
    named = f"Budget {clean(budget.name)!r}" if budget.name else "Budget"
    since = "" if is_total else f" since {_time(reached.start)}"
    until = "" if is_total else f" until {_time(reached.end)}"
    advice = (
        f"Calls that do not fit into what is left are refused with BudgetExceeded{until}. To let more through, raise"
        " it for this window with provider.budgets.grant(...), or set another limit."
        if budget.hard
        else "It refuses no call. See what spends it with provider.usage.report(...)."
    )
    return _alert(
        "budget",
        f"{named} at {percent} %: {used:g} of {what}",
        f"{named}: {used:g} {unit} of {what} are used{since}, {percent} %. {advice}",
        reached.labels,
        value=used,
        limit=limit,
        unit=unit,
        window=budget.per,
        since=reached.start or None,
        key=reached.key,
    )


def of_breaker(target: str, labels: Mapping[str, str], opened: float, until: float, window: float) -> Alert:
    """Return the alert of a circuit that opened."""
    name, account = split_circuit(target)
    name, whose = clean(name), " for a tenant's own account" if account else ""
    seconds = max(0.0, until - opened)
    return _alert(
        "breaker",
        f"Circuit open: {name} failed too often{whose}",
        f"{name} failed too often{whose}: its circuit opened at {_time(opened)}, and no call is sent to it for"
        f" {seconds:.0f} s; then one call tries it again. Calls go to the next target of their chain, or fail with"
        " CircuitOpen. Look at the status of the provider, and at provider.breakers for the state of all targets.",
        {**labels, "target": name},
        value=seconds,
        unit="seconds",
        window=_span(window),
        since=opened,
        key=f"{target}|{opened:.0f}",
    )


def of_errors(failures: Failures, labels: Mapping[str, str], limit: float, window: float) -> Alert:
    """Return the alert of calls of which too many failed."""
    share = failures.failed / failures.calls
    most = sorted(failures.classes.items(), key=lambda one: -one[1])[:_NAMED]
    classes = ", ".join(f"{clean(name)} ({count})" for name, count in most)
    of_all = f"{failures.failed} of {failures.calls}"
    return _alert(
        "errors",
        f"{_FULL * share:.0f} % of calls fail: {of_all} in {_span(window)}",
        f"{of_all} calls of the client {labels['client']!r} that ended since {_time(failures.since)} failed:"
        f" {_FULL * share:.0f} %; the limit is {_FULL * limit:g} %. Most were {classes}. Look at the log of calls for"
        " their messages, and at the status of the provider.",
        labels,
        value=share,
        limit=limit,
        unit="share",
        window=_span(window),
        since=failures.since,
        key=f"{failures.since:.0f}",
    )


def of_extra_clients(line: ExtraClients) -> Alert:
    """Return the alert of a line of code that builds clients while requests are served."""
    where, since = f"{clean(line.file)}:{line.line}", time.time() - line.seconds
    return _alert(
        "extra_clients",
        f"{line.client} is built per request at {where}",
        f"{where}, in {clean(line.function)}, has built {line.count} clients of {line.client} in {line.seconds:.0f} s"
        f" while requests were served, since {_time(since)}. Each opens connections of its own. Use the client of the"
        " process in its place.",
        {"line": where, "class": line.client},
        value=line.count,
        unit="clients",
        window=_DAY,
        since=since,
        key=f"{where}|{_time(since)}",
    )


def _alert(
    kind: AlertKind,
    title: str,
    message: str,
    labels: Mapping[str, str],
    *,
    value: float,
    unit: str,
    window: str,
    since: float | None,
    key: str,
    limit: float | None = None,
) -> Alert:
    at = datetime.now(UTC)
    began = at if since is None else datetime.fromtimestamp(since, UTC)
    identity = f"alert_{digest(f'{kind}|{sorted(labels.items())}|{key}')}"
    return Alert(kind, title, message, dict(labels), value, limit, unit, window, began, at, identity)


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _span(seconds: float) -> str:
    return f"{seconds:g} s" if seconds % _MINUTE else f"{seconds / _MINUTE:g} min"
