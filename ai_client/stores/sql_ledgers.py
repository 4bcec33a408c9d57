"""Ledgers in tables of SQL as an operator lists and resets them.

What a ledger was granted, and how often it was reset, are rows of the same table beside it.
"""

from collections import defaultdict

from .base import Ledger, bounded
from .sql_windows import Database

GRANTED, RESETS = "\x1fgranted|", "\x1fresets|"
"""Beginnings of the keys of the rows beside a ledger, before its own key."""
_LISTED = """\
SELECT 0, key, used, until FROM ledgers
WHERE until > ? AND (substr(key, 1, ?) = ? OR substr(key, 1, ?) = ? OR substr(key, 1, ?) = ?)
UNION ALL
SELECT 1, key, amount, expires FROM reservations
WHERE substr(key, 1, ?) = ? AND (expires > ? OR counted_until > ?)
"""


def listed(db: Database, prefix: str, now: float) -> dict[str, Ledger]:
    """Return the ledgers whose keys begin with *prefix*."""
    starts = [prefix, GRANTED + prefix, RESETS + prefix]
    parameters = [now, *(part for start in starts for part in (len(start), start))]
    parameters += [len(prefix), prefix, now, now]
    found: defaultdict[str, Ledger] = defaultdict(Ledger)
    for is_held, key, amount, end in db.execute(_LISTED, parameters).fetchall():
        if is_held and end > now:
            found[key].held += amount
        elif key.startswith(GRANTED):
            found[key.removeprefix(GRANTED)].granted = amount
        elif key.startswith(RESETS):
            found[key.removeprefix(RESETS)].resets = amount
        else:
            found[key].used += amount
    for ledger in found.values():
        ledger.used = bounded(ledger.used)
    return dict(found)


def clear(db: Database, key: str, now: float) -> None:
    """Take away what is used of a ledger, with the reservations that have expired."""
    db.executemany("UPDATE ledgers SET used = 0 WHERE key = ?", [(key,)])
    db.executemany("DELETE FROM reservations WHERE key = ? AND expires <= ?", [(key, now)])
