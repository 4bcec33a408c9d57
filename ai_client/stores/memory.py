"""`memory://`: state of one process, lost when it ends."""

from collections.abc import Sequence
from itertools import islice

from .._fork import PerProcess
from .base import DEFAULT_MAX_BYTES, Change, Hold, Ledger, Refusal, Spend, Sums, Take, Tally
from .memory_log import MemoryLogs
from .memory_state import SWEEP_EVERY, Account, State
from .memory_totals import MemoryTotals


class MemoryBackend(MemoryLogs, MemoryTotals):
    """State in the memory of this process; a forked child starts empty.

    Args:
        max_bytes: Bound on all values kept by `set`; the least recently used are evicted first.
    """

    instant = True

    def __init__(self, max_bytes: int = DEFAULT_MAX_BYTES) -> None:
        super().__init__()
        self._state = PerProcess(lambda: State(max_bytes))

    def admit(
        self, ticket: str, holds: Sequence[Hold], takes: Sequence[Take], now: float, expires: float
    ) -> Refusal | None:
        """Reserve all of *holds* and take all of *takes*, or nothing."""
        made: list[Account] = []
        state = self._state.get()
        with state.lock:
            state.sweep(now)
            if ticket in state.tickets:
                return None
            done = False
            try:
                refusal = state.hold(ticket, holds, now, expires, made) if holds else None
                if refusal is None and takes:
                    refusal = state.take(ticket, takes, now)
                if refusal is None:
                    state.tickets[ticket] = False
                    done = True
            finally:
                if not done:
                    for account in made:
                        account.let_go(ticket)
            return refusal

    def renew(self, ticket: str, holds: Sequence[Hold], now: float, expires: float) -> bool:
        """Extend a reservation until *expires*; return whether all of it is still held."""
        state = self._state()
        with state.lock:
            held = [state.renew(ticket, hold, now, expires) for hold in holds]
        return all(held)

    def settle(
        self,
        ticket: str,
        spends: Sequence[Spend],
        now: float,
        changes: Sequence[Change] = (),
        tally: Tally | None = None,
    ) -> list[Ledger]:
        """Release what *ticket* holds and count what was used, once."""
        state = self._state.get()
        with state.lock:
            state.sweep(now)
            repeated = state.tickets.get(ticket, False)
            spent = [(state.account(spend.key, spend.until, now), spend.amount) for spend in spends]
            totals = None if tally is None or repeated else state.totals(tally)
            # In one step: no function of Python begins here, where Ctrl-C would leave the ticket settled in part.
            state.tickets.pop(ticket, None)  # to the end: the first are forgotten first
            state.tickets[ticket] = True
            for account, amount in spent:
                held = account.holds.pop(ticket, None)
                if held is not None:
                    account.held -= held[0]
                if not repeated:
                    account.used += amount - account.counted.pop(ticket, 0)
            if totals is not None and tally is not None:
                for name, amount in tally.amounts.items():
                    totals[name] += amount
            if not repeated:
                for change in changes:
                    window = state.windows.get(change.key) or state.new_window(change)
                    window.places.pop(ticket, None)
                    if change.amount:
                        window.add(change.amount, int(change.at / window.width))
            ledgers = [
                Ledger(account.used, account.held, account.granted, account.resets) for account, _ in spent
            ]
            if len(state.tickets) > 2 * SWEEP_EVERY:
                state.tickets = dict(islice(state.tickets.items(), SWEEP_EVERY, None))
        return ledgers

    def ledger(self, key: str, now: float) -> Ledger:
        """Return the balance of a ledger."""
        state = self._state()
        with state.lock:
            account = state.accounts.get(key)
            if account is None or account.until <= now:
                return Ledger()
            account.expire(now)
            return account.balance()

    def ledgers(self, prefix: str, now: float) -> dict[str, Ledger]:
        """Return the ledgers whose keys begin with *prefix*."""
        state = self._state()
        with state.lock:
            found = {
                key: account
                for key, account in state.accounts.items()
                if account.until > now and key.startswith(prefix)
            }
            for account in found.values():
                account.expire(now)
            return {key: account.balance() for key, account in found.items()}

    def adjust(
        self, ticket: str, key: str, until: float, now: float, *, grant: int = 0, reset: bool = False
    ) -> Ledger:
        """Reset a ledger or raise its limit, once."""
        state = self._state()
        with state.lock:
            state.sweep(now)
            account = state.account(key, until, now)
            if ticket not in state.tickets:
                state.tickets[ticket] = True
                account.adjust(grant, reset=reset)
            return account.balance()

    def sums(self, first: str, last: str) -> dict[str, dict[str, Sums]]:
        """Return the totals of the periods from *first* to *last*."""
        state = self._state()
        with state.lock:
            return {
                period: {key: dict(totals) for key, totals in kept.items()}
                for period, (_, kept) in state.sums.items()
                if first <= period <= last
            }

    def get(self, key: str, now: float) -> bytes | None:
        """Return a value, or `None` if there is none or it has expired."""
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
        """Keep a value until *expires*, or until it is evicted for lack of room."""
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
        """Do nothing: no resource is open."""
