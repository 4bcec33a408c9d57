"""The operation of an application: what its process and its controls know, read and administered, never recorded.

A `ClientProvider` has these for all of its clients, `provider[alias]` has the first six for those of one alias:

- `usage`: a `UsageBook`, the calls, tokens and cost that were added up
- `budgets`: a `BudgetBook`, what is left of budgets, and how they are reset and raised
- `breakers`: a `Breakers`, the circuits of targets, and how they are reset
- `cache`: a `CacheBook`, how cached answers are invalidated
- `statistics`: a `StatisticsBook`, the calls of a time as they were added up
- `journal`: a `JournalBook`, the last calls, one by one
- `workers`: a `WorkerBook`, what each process is at that shares a store
- `process`: a `ProcessState`, the clients of this process and their connections
- `health`: a `Health`, whether the process lives and can serve

Rows of any of these are written as text by `as_csv`, `as_json_lines` and `as_table`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .breakers import Breakers as Breakers, BreakerState as BreakerState
    from .budget_state import BudgetState as BudgetState
    from .budgets import BudgetBook as BudgetBook
    from .cache import CacheBook as CacheBook
    from .call_sums import CallSums as CallSums, Histogram as Histogram
    from .export import as_csv as as_csv, as_json_lines as as_json_lines, as_table as as_table
    from .health import Health as Health, HealthReport as HealthReport, Reason as Reason
    from .journal import JournalBook as JournalBook
    from .journal_entry import (
        JournalAttempt as JournalAttempt,
        JournalContent as JournalContent,
        JournalEntry as JournalEntry,
        JournalState as JournalState,
    )
    from .page import (
        RenderedPage as RenderedPage,
        aready_page as aready_page,
        live_page as live_page,
        ready_page as ready_page,
    )
    from .process import ClientState as ClientState, ProcessState as ProcessState
    from .statistics import (
        Point as Point,
        StatisticsBook as StatisticsBook,
        StatisticsReport as StatisticsReport,
    )
    from .usage import UsageBook as UsageBook, UsageRow as UsageRow
    from .workers import (
        ExtraClientLine as ExtraClientLine,
        WorkerBook as WorkerBook,
        WorkerState as WorkerState,
    )

__all__ = [
    "BreakerState",
    "Breakers",
    "BudgetBook",
    "BudgetState",
    "CacheBook",
    "CallSums",
    "ClientState",
    "ExtraClientLine",
    "Health",
    "HealthReport",
    "Histogram",
    "JournalAttempt",
    "JournalBook",
    "JournalContent",
    "JournalEntry",
    "JournalState",
    "Point",
    "ProcessState",
    "Reason",
    "RenderedPage",
    "StatisticsBook",
    "StatisticsReport",
    "UsageBook",
    "UsageRow",
    "WorkerBook",
    "WorkerState",
    "aready_page",
    "as_csv",
    "as_json_lines",
    "as_table",
    "live_page",
    "ready_page",
]

_NAMES = {
    ".breakers": "Breakers BreakerState",
    ".budget_state": "BudgetState",
    ".budgets": "BudgetBook",
    ".cache": "CacheBook",
    ".call_sums": "CallSums Histogram",
    ".export": "as_csv as_json_lines as_table",
    ".health": "Health HealthReport Reason",
    ".journal": "JournalBook",
    ".journal_entry": "JournalAttempt JournalContent JournalEntry JournalState",
    ".page": "RenderedPage aready_page live_page ready_page",
    ".process": "ClientState ProcessState",
    ".statistics": "Point StatisticsBook StatisticsReport",
    ".usage": "UsageBook UsageRow",
    ".workers": "ExtraClientLine WorkerBook WorkerState",
}
_HOMES = {name: home for home, names in _NAMES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    """Return a name, and import its module when somebody first asks for it: adapters only name most of them."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(home, __name__), name)
    return found
