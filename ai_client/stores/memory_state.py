"""State of a memory store: ledgers with their reservations, windows, totals and values."""

import threading
import time
from collections import OrderedDict, defaultdict
from collections.abc import Sequence
from math import inf

from .base import SLOTS, Change, Hold, Ledger, Refusal, Take, Tally, bounded
from .sliding_window import SlidingWindow, stamp, steady_time

SWEEP_EVERY = 4096
"""Operations after which expired state is dropped."""


class Account:
    """A ledger and its reservations by ticket.

    Attributes:
        holds: Amount and end of each reservation, and whether it counts as used once it has expired.
        counted: The amounts of reservations that have expired and count as used.
        due: The earliest time at which a reservation may expire.
    """

    __slots__ = (
        "counted",
        "due",
        "granted",
        "held",
        "holds",
        "in_order",
        "last",
        "resets",
        "until",
        "used",
    )

    def __init__(self, until: float) -> None:
        self.in_order = True
        self.last = -inf
        self.used = 0
        self.held = 0
        self.granted = 0
        self.resets = 0
        self.until = until
        self.due = inf
        self.holds: dict[str, tuple[int, float, bool]] = {}
        self.counted: dict[str, int] = {}

    def hold(self, ticket: str, amount: int, expires: float, counts: bool) -> None:
        """Reserve an amount."""
        if expires < self.last:
            self.in_order = False
        self.last = expires
        self.holds[ticket] = amount, expires, counts
        self.held += amount
        self.due = min(self.due, expires)

    def let_go(self, ticket: str) -> None:
        """Release what a ticket holds, if anything."""
        held = self.holds.pop(ticket, None)
        if held is not None:
            self.held -= held[0]

    def expire(self, now: float) -> None:
        """Release expired reservations, or count them as used.

        While they were made in order of expiry, the scan stops at the first live one.
        """
        late: list[str] = []
        self.due = inf
        for ticket, (_, expires, _) in self.holds.items():
            if expires <= now:
                late.append(ticket)
                continue
            self.due = min(self.due, expires)
            if self.in_order:
                break
        for ticket in late:
            amount, _, counts = self.holds[ticket]
            self.let_go(ticket)
            if counts:
                self.used += amount
                self.counted[ticket] = amount
        if not self.holds:
            self.in_order, self.last = True, -inf

    def adjust(self, grant: int, *, reset: bool) -> None:
        """Raise the limit, and take away what is used."""
        if reset:
            self.used = 0
            self.counted.clear()
            self.resets += 1
        self.granted = bounded(self.granted + grant)

    def balance(self) -> Ledger:
        """Return the balance."""
        return Ledger(self.used, self.held, self.granted, self.resets)


def _totals() -> defaultdict[str, int]:
    return defaultdict(int)


class State:
    """The state of a process, and the lock that guards it."""

    def __init__(self, max_bytes: int) -> None:
        self.lock = threading.Lock()
        self.max_bytes = max_bytes
        self.accounts: dict[str, Account] = {}
        self.tickets: dict[str, bool] = {}
        """Whether a ticket that was admitted is settled."""
        self.windows: dict[str, SlidingWindow] = {}
        self.sums: dict[str, tuple[float, defaultdict[str, defaultdict[str, int]]]] = {}
        self.unlisted: dict[str, tuple[float, dict[str, dict[str, int]]]] = {}
        self.values: OrderedDict[str, tuple[bytes, float]] = OrderedDict()
        self.size = 0
        self.changes = 0

    def account(self, key: str, until: float, now: float) -> Account:
        """Return a ledger without what has expired of it, made if there is none."""
        account = self.accounts.get(key)
        if account is None or account.until <= now:
            account = self.accounts[key] = Account(until)
        if account.due <= now:
            account.expire(now)
        return account

    def hold(
        self, ticket: str, holds: Sequence[Hold], now: float, expires: float, made: list[Account]
    ) -> Refusal | None:
        """Reserve amounts until one has no room; append the accounts that now hold one to *made*."""
        for hold in holds:
            account = self.accounts.get(hold.key)
            if account is None or account.until <= now or account.due <= now:
                account = self.account(hold.key, hold.until, now)
            if ticket in account.holds:
                continue
            if (
                hold.limit is not None
                and account.used + account.held + hold.amount > hold.limit + account.granted
            ):
                return Refusal(holds.index(hold), account.used, account.held, granted=account.granted)
            account.hold(ticket, hold.amount, expires, hold.on_expired == "count")
            made.append(account)
        return None

    def renew(self, ticket: str, hold: Hold, now: float, expires: float) -> bool:
        """Extend a reservation on one ledger; return whether it is still held."""
        account = self.account(hold.key, hold.until, now)
        if ticket not in account.holds:
            return False
        amount, before, counts = account.holds[ticket]
        account.let_go(ticket)
        account.hold(ticket, amount, max(before, expires), counts)
        account.until = max(account.until, hold.until, expires)
        return True

    def take(self, ticket: str, takes: Sequence[Take], now: float) -> Refusal | None:
        """Take amounts from windows, all or none; a caller that waits keeps its place where there is no room."""
        at = stamp(now, steady_time())
        short: dict[int, float] = {}
        found: list[tuple[Take, SlidingWindow, int]] = []
        for take in takes:
            window = self.windows.get(take.key) or self.new_window(take)
            if take.as_of is not None:
                found.append((take, window, int(take.as_of / window.width)))
                continue
            number = int(at / window.width)
            if number != window.newest:
                window.advance(number)
            if window.total + take.amount > take.limit or window.places:
                wait = window.wait(ticket, take.amount, take.limit, at)
                if wait:
                    short[len(found)] = wait
            found.append((take, window, number))
        if short:
            wait = max(short.values())
            for index, (take, window, _) in enumerate(found):
                if index in short and wait <= take.patience:
                    window.places.keep(ticket, take.amount, wait, at)
                elif window.places:
                    window.places.pop(ticket, None)
            return Refusal(None, wait=wait, short=tuple(short))
        for take, window, number in found:
            take.at = at if take.as_of is None else take.as_of
            window.add(take.amount, number)
            if window.places:
                window.places.pop(ticket, None)
        return None

    def totals(self, tally: Tally) -> defaultdict[str, int]:
        """Return the totals to which a tally is added."""
        kept = self.sums.get(tally.period)
        if kept is None:
            self.sums = {name: kept for name, kept in self.sums.items() if kept[0] > time.time()}
            kept = self.sums[tally.period] = tally.until, defaultdict(_totals)
        return kept[1][tally.key]

    def new_window(self, of: Take | Change) -> SlidingWindow:
        """Create a window."""
        window = self.windows[of.key] = SlidingWindow(of.window / SLOTS)
        return window

    def sweep(self, now: float) -> None:
        """Drop expired accounts and empty windows, every `SWEEP_EVERY` operations, so that memory stays bounded."""
        self.changes += 1
        if self.changes % SWEEP_EVERY:
            return
        self.accounts = {key: value for key, value in self.accounts.items() if value.until > now}
        at = stamp(now, steady_time())
        for window in self.windows.values():
            window.forget(int(at / window.width))
        self.windows = {key: one for key, one in self.windows.items() if one.total or one.places}
