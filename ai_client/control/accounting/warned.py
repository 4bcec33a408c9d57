"""The warnings of budgets that were given already."""

import hashlib
import logging

from ..._fork import PerProcess
from ..._io import IO
from ...stores import Store
from ...stores.base import Spend
from ...stores.tickets import new_ticket

_KEPT = 10_000

logger = logging.getLogger("ai_client")


class Warned:
    """The warnings that were given, by this process or another one that shares the store.

    Args:
        store: Where they are noted.
    """

    __slots__ = ("_here", "_store")

    def __init__(self, store: Store) -> None:
        self._store = store
        self._here: PerProcess[dict[str, None]] = PerProcess(dict[str, None])

    async def is_first(self, io: IO, key: str, until: float) -> bool:
        """Return whether nobody who shares the store has warned of *key* yet, and note that it is done.

        The note is an amount on a ledger of its own. While the store is down, each process is its own first.
        """
        warned = self._here()
        if key in warned:
            return False
        if len(warned) >= _KEPT:
            warned.clear()  # the store knows them all
        warned[key] = None
        note = Spend(f"warned|{hashlib.sha256(key.encode()).hexdigest()[:32]}", 1, until)
        try:
            ledgers = await self._store.settle(io, new_ticket(), [note], io.now())
        except BaseException:
            warned.pop(key, None)
            raise
        return not ledgers or ledgers[0].used == 1


def log_warning(used: float, limit: float, what: str, scope: str) -> None:
    """Log how far a budget is used up."""
    percent = round(100 * used / limit) if limit else 100
    logger.warning("A budget is used up to %d %%: %g of %g %s, %s", percent, used, limit, what, scope)
