"""Retries as a share of traffic, so that retries do not multiply the load during an outage."""

import threading
import time
from collections.abc import Awaitable
from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar

from .._call.call import Call, Reply
from .._call.pipeline import Next
from .._fork import PerProcess
from .options.amounts import check_amounts
from .record import record_of
from .sliding import SlidingCounts

_ACCOUNTS_KEPT = 1_000


class _Retries:
    """The calls and retries of a process by account, and the lock that guards them."""

    __slots__ = ("counts", "lock")

    def __init__(self) -> None:
        self.counts: dict[str | None, SlidingCounts] = {}
        self.lock = threading.Lock()


@dataclass(frozen=True)
class RetryBudget:
    """Allows retries as a share of this process's recent calls, for each account by itself.

    Args:
        share: Retries allowed per call.
        minimum: Retries allowed in each window whatever the traffic.
        window: Length of the sliding window in seconds.
    """

    for_sessions: ClassVar[bool] = False
    _by_account: ClassVar[bool] = True
    share: float = 0.2
    minimum: int = 10
    window: float = 60.0
    _retries: PerProcess[_Retries] = field(
        init=False, repr=False, compare=False, default_factory=lambda: PerProcess(_Retries)
    )

    def __post_init__(self) -> None:
        check_amounts("retry_budget", above_zero=False, share=self.share, minimum=self.minimum)
        check_amounts("retry_budget", above_zero=True, window=self.window)

    def __call__(self, call: Call, proceed: Next) -> Awaitable[Reply]:
        """Send a call whose retries are charged to the budget."""
        record = call.record or record_of(call)
        record.may_retry = partial(self.take, record.account)
        if not record.attempts:  # else it is sent again, to another target of a fallback
            accounts = self._retries.get()
            with accounts.lock:
                self._of(accounts, record.account).add(time.monotonic(), calls=1)
        return proceed(call)

    def take(self, account: str | None = None) -> bool:
        """Return whether a call with that account may be retried now, and count the retry."""
        accounts = self._retries.get()
        with accounts.lock:
            counts = self._of(accounts, account)
            counts.add(time.monotonic())
            if counts.marked >= self.minimum + self.share * counts.calls:
                return False
            counts.add(time.monotonic(), marked=1)
            return True

    def _of(self, accounts: _Retries, account: str | None) -> SlidingCounts:
        found = accounts.counts.get(account)
        if found is None:
            if len(accounts.counts) >= _ACCOUNTS_KEPT:
                accounts.counts.clear()
            found = accounts.counts[account] = SlidingCounts(self.window)
        return found
