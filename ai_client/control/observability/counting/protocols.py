"""Protocols between the policy `Metrics` and what counts one call for it."""

from collections.abc import Awaitable
from typing import Protocol

from ...._call.call import Call, Reply
from ...._call.pipeline import Next
from ...._call.record import Record
from ...pricing.prices import Prices
from .counts import Amount, Counts, Key


class Counting(Protocol):
    """The members of `Metrics` by which a call is counted."""

    @property
    def counts(self) -> Counts:
        """The amounts that this process has counted."""
        ...

    @property
    def prices(self) -> Prices | None:
        """The prices by which the savings of a cache are counted; `None` where they are not."""
        ...

    def key(self, record: Record) -> Key:
        """Return the values of the labels under which a call counts."""
        ...

    def add(self, key: Key, amounts: list[Amount]) -> None:
        """Count amounts."""
        ...


class CountingCalls(Counting, Protocol):
    """The members of `Metrics` by which a call is counted together with its cost."""

    def __call__(self, call: Call, proceed: Next, /) -> Awaitable[Reply]:
        """Send a call, and count how it ended and what it used."""
        ...

    def add_failed(self, call: Call, record: Record, error: BaseException) -> None:
        """Count a call that *error* ended."""
        ...

    def add_answered(self, call: Call, record: Record, reply: Reply) -> None:
        """Count a call that is answered as a whole."""
        ...


class OneCount(Protocol):
    """The count of one call, or of one target of it."""

    def failed(self, error: BaseException, amounts: list[Amount]) -> None:
        """Add what is known of a call that *error* ended."""
        ...

    def answered(self, reply: Reply, amounts: list[Amount]) -> None:
        """Add what is known of a call that is answered; what a stream adds is counted as it ends."""
        ...


class Counter(Protocol):
    """Begins to count a call."""

    def __call__(self, counting: Counting, call: Call, record: Record, /) -> OneCount:
        """Return what counts *call*."""
        ...
