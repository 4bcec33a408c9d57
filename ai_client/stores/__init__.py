"""State that calls share: in a process, between the processes of a machine, or between machines."""

from .base import Backend, Change, Hold, Ledger, Refusal, Spend, Store, Take, Tally
from .opening import open_store

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
]
