"""`memory://`: state of one process, gone with it."""

import threading
import time
from collections import OrderedDict, defaultdict
from collections.abc import Sequence
from itertools import islice
from math import inf

from .._fork import PerProcess
from .base import DEFAULT_MAX_BYTES, SLOTS, Change, Hold, Ledger, Refusal, Spend, Sums, Take, Tally

_SWEEP_EVERY = 4096


class _Account:
    """A ledger and the reservations on it, by ticket; none of them expires before *due*."""

    __slots__ = ("due", "held", "holds", "in_order", "last", "until", "used")

    def __init__(self, until: float) -> None:
        self.in_order = True
        self.last = -inf
        self.used = 0
        self.held = 0
        self.until = until
        self.due = inf
        self.holds: dict[str, tuple[int, float]] = {}

    def hold(self, ticket: str, amount: int, expires: float) -> None:
        """Set an amount aside."""
        if expires < self.last:
            self.in_order = False
        self.last = expires
        self.holds[ticket] = amount, expires
        self.held += amount
        self.due = min(self.due, expires)

    def let_go(self, ticket: str) -> None:
        """Give back what a ticket holds, if anything."""
        held = self.holds.pop(ticket, None)
        if held is not None:
            self.held -= held[0]

    def expire(self, now: float) -> None:
        """Give back what has expired; holds of one kind expire in the order in which they were made."""
        late: list[str] = []
        self.due = inf
        for ticket, (_, expires) in self.holds.items():
            if expires <= now:
                late.append(ticket)
                continue
            self.due = min(self.due, expires)
            if self.in_order:
                break
        for ticket in late:
            self.let_go(ticket)
        if not self.holds:
            self.in_order, self.last = True, -inf


class _Window:
    """What was taken in each slot of a sliding window, by number and oldest first."""

    __slots__ = ("newest", "slots", "total", "width")

    def __init__(self, width: float) -> None:
        self.width = width
        self.slots: dict[int, int] = {}
        self.newest = -1
        self.total = 0

    def forget(self, number: int) -> None:
        """Forget what has left the window once it is in a slot."""
        slots = self.slots
        while slots and (oldest := next(iter(slots))) < number - SLOTS:
            self.total -= slots.pop(oldest)

    def add(self, amount: int, number: int) -> None:
        """Add to a slot; an adjustment may be for an earlier one, or one that has left the window."""
        if number > self.newest:
            self.forget(number)
            self.newest = number
            self.slots[number] = amount
        else:
            if number not in self.slots:  # what came late was taken in the slot after it
                later = [slot for slot in self.slots if slot > number >= self.newest - SLOTS]
                if not later:
                    return
                number = later[0]
            self.slots[number] += amount
        self.total += amount

    def room_in(self, missing: int, now: float) -> float:
        """Give the seconds until *missing* or more has left the window."""
        return seconds_until_room(list(self.slots.items()), missing, self.width, now)


def _totals() -> defaultdict[str, int]:
    return defaultdict(int)


def seconds_until_room(slots: Sequence[Sequence[int]], missing: int, width: float, now: float) -> float:
    """Give the seconds until the oldest *slots* that hold *missing* together have left a window."""
    for slot, amount in slots:
        missing -= amount
        if missing <= 0:
            return max(0.001, (slot + SLOTS + 1) * width - now)
    return width * SLOTS


class _State:
    """What a process keeps, and the lock under which it does."""

    def __init__(self, max_bytes: int) -> None:
        self.lock = threading.Lock()
        self.max_bytes = max_bytes
        self.accounts: dict[str, _Account] = {}
        self.settled: dict[str, None] = {}
        self.windows: dict[str, _Window] = {}
        self.sums: dict[str, tuple[float, defaultdict[str, defaultdict[str, int]]]] = {}
        self.values: OrderedDict[str, tuple[bytes, float]] = OrderedDict()
        self.size = 0
        self.changes = 0

    def hold(
        self, ticket: str, holds: Sequence[Hold], now: float, expires: float, made: list[_Account]
    ) -> Refusal | None:
        """Set amounts aside until one has no room, and note on which accounts."""
        for hold in holds:
            account = self.accounts.get(hold.key)
            if account is None or account.until <= now:
                account = self.accounts[hold.key] = _Account(hold.until)
            if account.due <= now:
                account.expire(now)
            if hold.limit is not None and account.used + account.held + hold.amount > hold.limit:
                return Refusal(holds.index(hold), account.used, account.held)
            if ticket not in account.holds:
                account.hold(ticket, hold.amount, expires)
                made.append(account)
        return None

    def take(self, takes: Sequence[Take], now: float) -> Refusal | None:
        """Take amounts from windows, all or none."""
        wait = 0.0
        found: list[tuple[_Window, int, int]] = []
        for take in takes:
            window = self.windows.get(take.key) or self.new_window(take)
            number = int(now / window.width)
            if number > window.newest:
                window.forget(number)
            else:
                number = window.newest  # whoever asked earlier may get here later
            over = window.total + take.amount - take.limit
            if over > 0:
                wait = max(wait, window.room_in(over, now))
            found.append((window, take.amount, number))
        if wait:
            return Refusal(None, wait=wait)
        for window, amount, number in found:
            window.add(amount, number)
        return None

    def add(self, tally: Tally) -> None:
        """Add to the sums of a period."""
        kept = self.sums.get(tally.period)
        if kept is None:
            self.sums = {name: kept for name, kept in self.sums.items() if kept[0] > time.time()}
            kept = self.sums[tally.period] = tally.until, defaultdict(_totals)
        totals = kept[1][tally.key]
        for name, amount in tally.amounts.items():
            totals[name] += amount

    def new_window(self, of: Take | Change) -> _Window:
        """Begin to count in a window."""
        window = self.windows[of.key] = _Window(of.window / SLOTS)
        return window

    def sweep(self, now: float) -> None:
        """Forget what has ended, once in a while, so that state stays in proportion to what is live."""
        self.changes += 1
        if self.changes % _SWEEP_EVERY:
            return
        self.accounts = {key: value for key, value in self.accounts.items() if value.until > now}
        for window in self.windows.values():
            window.forget(int(now / window.width))
        self.windows = {key: window for key, window in self.windows.items() if window.total}


class MemoryBackend:
    """State in the memory of this process; a process that is forked begins with none.

    Args:
        max_bytes: Bound on all values kept by `set`; the least recently used go first.
    """

    instant = True

    def __init__(self, max_bytes: int = DEFAULT_MAX_BYTES) -> None:
        self._state = PerProcess(lambda: _State(max_bytes))

    def admit(
        self, ticket: str, holds: Sequence[Hold], takes: Sequence[Take], now: float, expires: float
    ) -> Refusal | None:
        """Set aside all of *holds* and take all of *takes*, or nothing."""
        made: list[_Account] = []
        state = self._state()
        with state.lock:
            state.sweep(now)
            refusal = state.hold(ticket, holds, now, expires, made)
            if refusal is None and takes:
                refusal = state.take(takes, now)
            if refusal is not None:
                for account in made:
                    account.let_go(ticket)
            return refusal

    def settle(
        self,
        ticket: str,
        spends: Sequence[Spend],
        now: float,
        changes: Sequence[Change] = (),
        tally: Tally | None = None,
    ) -> list[Ledger]:
        """Give back what *ticket* holds and count what was used, once."""
        ledgers: list[Ledger] = []
        state = self._state()
        with state.lock:
            state.sweep(now)
            repeated = ticket in state.settled
            for spend in spends:
                account = state.accounts.get(spend.key)
                if account is None or account.until <= now:
                    account = state.accounts[spend.key] = _Account(spend.until)
                account.let_go(ticket)
                if account.due <= now:
                    account.expire(now)
                if not repeated:
                    account.used += spend.amount
                ledgers.append(Ledger(account.used, account.held))
            if not repeated:
                state.settled[ticket] = None
                if len(state.settled) > 2 * _SWEEP_EVERY:
                    state.settled = dict.fromkeys(islice(state.settled, _SWEEP_EVERY, None))
                for change in changes:
                    window = state.windows.get(change.key) or state.new_window(change)
                    window.add(change.amount, int(change.at / window.width))
                if tally is not None:
                    state.add(tally)
        return ledgers

    def ledger(self, key: str, now: float) -> Ledger:
        """Read a ledger."""
        state = self._state()
        with state.lock:
            account = state.accounts.get(key)
            if account is None or account.until <= now:
                return Ledger()
            account.expire(now)
            return Ledger(account.used, account.held)

    def sums(self, first: str, last: str) -> dict[str, dict[str, Sums]]:
        """Read the sums of the periods from *first* to *last*."""
        state = self._state()
        with state.lock:
            return {
                period: {key: dict(totals) for key, totals in kept.items()}
                for period, (_, kept) in state.sums.items()
                if first <= period <= last
            }

    def get(self, key: str, now: float) -> bytes | None:
        """Read a value, unless it has expired."""
        state = self._state()
        with state.lock:
            value, expires = state.values.get(key, (None, 0.0))
            if value is None:
                return None
            if expires <= now:
                state.size -= len(value)
                del state.values[key]
                return None
            state.values.move_to_end(key)
            return value

    def set(self, key: str, value: bytes, expires: float, now: float) -> None:
        """Keep a value until *expires*, or until there is no room."""
        del now
        state = self._state()
        with state.lock:
            old, _ = state.values.pop(key, (b"", 0.0))
            state.size -= len(old)
            if len(value) > state.max_bytes:
                return
            state.values[key] = (value, expires)
            state.size += len(value)
            while state.size > state.max_bytes:
                _, (oldest, _) = state.values.popitem(last=False)
                state.size -= len(oldest)

    def close(self) -> None:
        """Nothing is open."""
