"""The section about the processes of the application, with their clients and connections."""

from typing import Any

from ...operations.workers import WorkerState
from ..markup import Child, tag
from ..shown import shown_count, shown_moment, shown_number
from ..tables import number_figure, table
from .view import PageView, Section

_FIGURES = {
    "in_flight": "Calls under way",
    "alive": "Clients",
    "built": "Built",
    "open": "Connections",
    "in_use": "In use",
    "idle": "Idle",
    "waiting": "Waiting",
    "opened": "Opened",
}


def _rows(view: PageView) -> list[WorkerState]:
    return sorted(view.gathered.workers.value, key=lambda worker: (worker.host, worker.pid))


def _totals(view: PageView) -> dict[str, Any]:
    rows = _rows(view)
    return {"processes": len(rows), **{name: sum(getattr(row, name) for row in rows) for name in _FIGURES}}


def _body(view: PageView) -> Child:
    rows = _rows(view)
    if not rows:
        return tag("p", "No process has shown itself in the last seconds.", class_="quiet")
    totals = _totals(view)
    one = len(rows) == 1
    cells = [
        (
            f"{row.host}:{row.pid}" if row.host else f"process {row.pid}, which shows this page",
            *(number_figure(getattr(row, name)) for name in _FIGURES),
            shown_moment(row.seen),
        )
        for row in rows
    ]
    return [
        tag(
            "p",
            tag("b", shown_number(len(rows))),
            tag(
                "small",
                f" {'process' if one else 'processes'}, {shown_count(totals['alive'], 'client')},"
                f" {shown_count(totals['open'], 'connection')}",
            ),
            class_="headline",
        ),
        tag(
            "p",
            f"{shown_count(totals['waiting'], 'call waits', 'calls wait')} for a connection.",
            class_="note warn",
        )
        if totals["waiting"]
        else None,
        table(
            "Clients and connections by process",
            ["Process", *_FIGURES.values(), "Seen"],
            cells,
            numbers=len(_FIGURES) + 1,
            wide=True,
        ),
    ]


SECTION = Section(
    "processes",
    "Processes",
    "Clients and connections of each, now",
    'controls={"dashboard": True, "statistics": True}',
    WorkerState,
    _rows,
    _body,
    wide=True,
    totals=_totals,
)
