"""State that calls share: in a process, between the processes of a machine, or between machines."""

from .base import Backend, Hold, Ledger, Refusal, Spend, Store, Take
from .opening import open_store

__all__ = ["Backend", "Hold", "Ledger", "Refusal", "Spend", "Store", "Take", "open_store"]
