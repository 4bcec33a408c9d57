"""Shared state of the policies: within a process, across the processes of a machine, or across machines."""

from .base import Backend, Change, Hold, Ledger, Refusal, Spend, Store, Take, Tally
from .opening import open_store, register_scheme

__all__ = [
    "Backend",
    "Change",
    "Hold",
    "Ledger",
    "Refusal",
    "Spend",
    "Store",
    "Take",
    "Tally",
    "open_store",
    "register_scheme",
]
