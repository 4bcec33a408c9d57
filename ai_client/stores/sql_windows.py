"""Sliding windows in tables of SQL, and the places of those who wait for room in them."""

import time
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from .base import BEAT, GRACE, MOST, SLOTS, Change, Refusal, Take, bounded
from .sliding_window import merged, seconds_until_room, stamp

_LARGEST = 2**63 - 1
_HALF = 2**32
_ADD_TO_WINDOW = """\
INSERT INTO slots (key, slot, amount, until) VALUES (?, ?, ?, ?) ON CONFLICT (key, slot) DO UPDATE SET amount = CASE
    WHEN slots.amount > ? THEN ? WHEN slots.amount < ? THEN ? ELSE slots.amount + excluded.amount END
"""
_AHEAD = """\
SELECT coalesce(sum(amount / 4294967296), 0), coalesce(sum(amount % 4294967296), 0) FROM places
WHERE key = ? AND until > ? AND number < coalesce((SELECT number FROM places WHERE key = ? AND ticket = ?), ?)
"""
_GIVE_UP = "DELETE FROM places WHERE key = ? AND ticket = ?"
_KEEP_PLACE = """\
INSERT INTO places (key, ticket, amount, until) VALUES (?, ?, ?, ?)
ON CONFLICT (key, ticket) DO UPDATE SET amount = excluded.amount, until = excluded.until
"""


class Rows(Protocol):
    """The result of a statement."""

    @property
    def rowcount(self) -> int:
        """How many rows were written."""
        ...

    def fetchone(self) -> Any:
        """Return the next row, if there is one."""
        ...

    def fetchall(self) -> list[Any]:
        """Return all rows."""
        ...


class Database(Protocol):
    """A connection to a database; `?` stands for a parameter."""

    def execute(self, statement: str, parameters: Sequence[Any] = (), /) -> Rows:
        """Run a statement."""
        ...

    def executemany(self, statement: str, parameters: Iterable[Sequence[Any]], /) -> object:
        """Run a statement that returns nothing for each of several sets of parameters, before the next `execute`."""
        ...


def adding(amount: int) -> tuple[int, int, int, int]:
    """Return the parameters by which a statement clamps a sum to ±`MOST` without an overflow."""
    return min(MOST - amount, _LARGEST), MOST, max(-MOST - amount, -_LARGEST), -MOST


def total(high: Any, low: Any) -> int:
    """Return the sum of amounts of which the halves were added up apart, as SQLite fails where a sum overflows."""
    return bounded(int(high) * _HALF + int(low))


def take_of(db: Database, ticket: str, takes: Sequence[Take], now: float) -> Refusal | None:
    """Take amounts from windows, all or none; a caller that waits keeps its place where there is no room."""
    at = stamp(now, time.time())
    waits = [_wait(db, ticket, take, at) for take in takes]
    wait = max(waits)
    if not wait:
        for take in takes:
            take.at = at if take.as_of is None else take.as_of
            add_to_windows(db, ticket, [Change(take.key, take.amount, take.window, take.at)])
        return None
    until = at + min(wait, BEAT) + GRACE
    for take, alone in zip(takes, waits, strict=True):
        if alone and wait <= take.patience:
            db.executemany(_KEEP_PLACE, [(take.key, ticket, bounded(take.amount), until)])
        else:
            db.executemany(_GIVE_UP, [(take.key, ticket)])
    return Refusal(None, wait=wait, short=[index for index, alone in enumerate(waits) if alone])


def _wait(db: Database, ticket: str, take: Take, at: float) -> float:
    """Return the seconds until a take has room behind those who came before, 0 where it has or needs none."""
    if take.as_of is not None:
        return 0.0
    width = take.window / SLOTS
    slots: list[tuple[int, int]] = db.execute(
        "SELECT slot, amount FROM slots WHERE key = ? AND slot >= ? ORDER BY slot",
        (take.key, int(at / width) - SLOTS),
    ).fetchall()
    if slots and slots[-1][0] > int(at / width):
        slots = _set_back(db, take, slots, at)
    ahead = total(*db.execute(_AHEAD, (take.key, at, take.key, ticket, MOST)).fetchone())
    over = sum(amount for _, amount in slots) + ahead + take.amount - take.limit
    return seconds_until_room(slots, over, take.limit, width, at) if over > 0 else 0.0


def _set_back(db: Database, take: Take, slots: Sequence[tuple[int, int]], at: float) -> list[tuple[int, int]]:
    """Count from now on what lies in the future, as the clock was set back; return the slots."""
    number = int(at / (take.window / SLOTS))
    kept = merged(dict(slots), number)
    db.execute("DELETE FROM slots WHERE key = ? AND slot >= ?", (take.key, number))
    db.execute(
        "INSERT INTO slots (key, slot, amount, until) VALUES (?, ?, ?, ?)",
        (take.key, number, bounded(kept[number]), at + 2 * take.window),
    )
    return [*kept.items()]


def add_to_windows(db: Database, ticket: str, changes: Sequence[Change]) -> None:
    """Add amounts to windows, and give up the places that a ticket has there."""
    for change in changes:
        db.executemany(_GIVE_UP, [(change.key, ticket)])
        if not change.amount:
            continue
        amount = bounded(change.amount)
        slot = int(change.at / (change.window / SLOTS))
        until = change.at + 2 * change.window
        db.executemany(_ADD_TO_WINDOW, [(change.key, slot, amount, until, *adding(amount))])
