"""Reports of what was found, as lines for people and as JSON for programs."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict

from .check import Check, Status

_MARKS: dict[Status, str] = {"ok": "ok", "warning": "WARNING", "fault": "FAULT", "skipped": "skipped"}


def is_faulty(checks: Iterable[Check]) -> bool:
    """Return whether there is a fault."""
    return any(check.status == "fault" for check in checks)


def line_of(check: Check) -> str:
    """Return a check as a line, the hint included."""
    place = f"{check.client}: " if check.client else ""
    hint = f" {check.hint}" if check.hint and check.status != "ok" else ""
    return f"{_MARKS[check.status]:7}  {place}{check.area} {check.name}: {check.message}{hint}"


def lines_of(checks: Iterable[Check]) -> Iterator[tuple[str, Status]]:
    """Yield each check as a line, with its status; options that have their defaults share one."""
    defaults: list[Check] = []
    for check in checks:
        if defaults and (check.area, check.client) != (defaults[0].area, defaults[0].client):
            yield _together(defaults)
            defaults = []
        if check.details.get("origin") == "default":
            defaults.append(check)
        else:
            yield line_of(check), check.status
    if defaults:
        yield _together(defaults)


def _together(defaults: list[Check]) -> tuple[str, Status]:
    values = ", ".join(f"{check.name} {check.details['value']}" for check in defaults)
    return line_of(Check("configuration", "defaults", "ok", values, client=defaults[0].client)), "ok"


def summary(checks: Iterable[Check]) -> str:
    """Return how many faults and warnings there are."""
    counts = Counter(check.status for check in checks)
    kinds: tuple[Status, ...] = ("fault", "warning")
    found = [f"{counts[kind]} {kind}{'' if counts[kind] == 1 else 's'}" for kind in kinds]
    return f"{' and '.join(found)} found."


def as_json(checks: Iterable[Check]) -> str:
    """Return checks as JSON: an object with `status`, `counts` and `checks`, each of which has every member."""
    found = list(checks)
    counts = Counter(check.status for check in found)
    severe: tuple[Status, ...] = ("fault", "warning")
    report = {
        "status": next((status for status in severe if counts[status]), "ok"),
        "counts": {status: counts[status] for status in _MARKS},
        "checks": [{**asdict(check), "seconds": round(check.seconds, 4)} for check in found],
    }
    return json.dumps(report, indent=2, default=str)
