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


def lines_of(checks: Iterable[Check]) -> Iterator[tuple[str, bool]]:
    """Yield each check as a line, with whether it is a fault."""
    for check in checks:
        yield line_of(check), check.status == "fault"


def as_json(checks: Iterable[Check]) -> str:
    """Return checks as JSON: an object with `status`, `counts` and `checks`, each of which has every member."""
    found = list(checks)
    counts = Counter(check.status for check in found)
    worst = next((status for status in ("fault", "warning") if counts[status]), "ok")
    report = {
        "status": worst,
        "counts": {status: counts[status] for status in _MARKS},
        "checks": [{**asdict(check), "seconds": round(check.seconds, 4)} for check in found],
    }
    return json.dumps(report, indent=2, default=str)
