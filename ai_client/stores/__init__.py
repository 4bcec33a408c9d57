"""Shared state of the policies: within a process, across the processes of a machine, or across machines."""

from .administered import AdministeredBackend
from .base import Backend, Change, Hold, Ledger, Refusal, Spend, Take, Tally
from .log import LogBackend, LogEntry, LogQuery, LogState
from .opening import open_store, register_scheme
from .store import Store
from .totals import Totals, TotalsBackend

__all__ = [
    "AdministeredBackend",
    "Backend",
    "Change",
    "Hold",
    "Ledger",
    "LogBackend",
    "LogEntry",
    "LogQuery",
    "LogState",
    "Refusal",
    "Spend",
    "Store",
    "Take",
    "Tally",
    "Totals",
    "TotalsBackend",
    "open_store",
    "register_scheme",
]
