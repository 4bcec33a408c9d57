"""Sliding windows in SQLite, and the places of those who wait for room in them."""

import sqlite3
import time
from collections.abc import Sequence

from .base import BEAT, GRACE, MOST, SLOTS, Change, Refusal, Take, bounded
from .sliding_window import merged, seconds_until_room, stamp

ADD = f"SET amount = max({-MOST}, min({MOST}, amount + excluded.amount))"
"""Adds to the amount of a row that exists."""
SCHEMA = """
CREATE TABLE IF NOT EXISTS slots (
    key TEXT, slot INTEGER, amount INTEGER NOT NULL, until REAL NOT NULL, PRIMARY KEY (key, slot)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS places (
    number INTEGER PRIMARY KEY, key TEXT, ticket TEXT, amount INTEGER NOT NULL, until REAL NOT NULL,
    UNIQUE (key, ticket)
);
"""


def take_of(db: sqlite3.Connection, ticket: str, takes: Sequence[Take], now: float) -> Refusal | None:
    """Take amounts from windows, all or none; a caller that waits keeps its place where there is no room."""
    at = stamp(now, time.time())
    waits = [_wait(db, ticket, take, at) for take in takes]
    wait = max(waits)
    if not wait:
        add_to_windows(db, ticket, [Change(take.key, take.amount, take.window, at) for take in takes])
        for take in takes:
            take.at = at
        return None
    until = at + min(wait, BEAT) + GRACE
    for take, alone in zip(takes, waits, strict=True):
        if alone and wait <= take.patience:
            db.execute(
                "INSERT INTO places (key, ticket, amount, until) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (key, ticket) DO UPDATE SET amount = excluded.amount, until = excluded.until",
                (take.key, ticket, bounded(take.amount), until),
            )
        else:
            db.execute("DELETE FROM places WHERE key = ? AND ticket = ?", (take.key, ticket))
    return Refusal(None, wait=wait, short=[index for index, alone in enumerate(waits) if alone])


def _wait(db: sqlite3.Connection, ticket: str, take: Take, at: float) -> float:
    """Return the seconds until a take has room behind those who came before, 0 where it has."""
    width = take.window / SLOTS
    slots: list[tuple[int, int]] = db.execute(
        "SELECT slot, amount FROM slots WHERE key = ? AND slot >= ? ORDER BY slot",
        (take.key, int(at / width) - SLOTS),
    ).fetchall()
    if slots and slots[-1][0] > int(at / width):
        slots = _set_back(db, take, slots, at)
    over = sum(amount for _, amount in slots) + take.amount - take.limit
    (ahead,) = db.execute(
        "SELECT CAST(total(amount) AS INTEGER) FROM places WHERE key = :key AND until > :at AND number < coalesce("
        "(SELECT number FROM places WHERE key = :key AND ticket = :ticket), :most)",
        {"key": take.key, "ticket": ticket, "at": at, "most": MOST},
    ).fetchone()
    over += ahead
    return seconds_until_room(slots, over, take.limit, width, at) if over > 0 else 0.0


def _set_back(
    db: sqlite3.Connection, take: Take, slots: Sequence[tuple[int, int]], at: float
) -> list[tuple[int, int]]:
    """Count from now on what lies in the future, as the clock was set back; return the slots."""
    number = int(at / (take.window / SLOTS))
    kept = merged(dict(slots), number)
    db.execute("DELETE FROM slots WHERE key = ? AND slot >= ?", (take.key, number))
    db.execute(
        "INSERT INTO slots VALUES (?, ?, ?, ?)",
        (take.key, number, bounded(kept[number]), at + 2 * take.window),
    )
    return [*kept.items()]


def add_to_windows(db: sqlite3.Connection, ticket: str, changes: Sequence[Change]) -> None:
    """Add amounts to windows, and give up the places that a ticket has there."""
    db.executemany(
        "DELETE FROM places WHERE key = ? AND ticket = ?", [(change.key, ticket) for change in changes]
    )
    db.executemany(
        f"INSERT INTO slots VALUES (?, ?, ?, ?) ON CONFLICT (key, slot) DO UPDATE {ADD}",  # noqa: S608
        [
            (
                change.key,
                int(change.at / (change.window / SLOTS)),
                bounded(change.amount),
                change.at + 2 * change.window,
            )
            for change in changes
            if change.amount
        ],
    )
