"""Totals in a store that processes share: recorded without waiting, written in batches, and read within a deadline."""

import time
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar

from .._fork import PerProcess
from .._io import IO
from .._io.deadline import settling
from ..errors import StoreError
from .base import Backend, Sums, Tally
from .in_process import UNFINISHED, StoreInProcess
from .place import place_of
from .recording import TotalsRecording, write_recorded
from .rows import Row, tally_of
from .totals import Totals, record_in, totals_in

T = TypeVar("T")


class _Access(Protocol):
    """The members of `SharedStore` that reach the backend."""

    backend: Backend
    _here: PerProcess[StoreInProcess]

    def _attempt(self, operation: Callable[..., T], args: tuple[Any, ...]) -> T: ...

    def _remember(self, change: Callable[[], Any]) -> None: ...

    def _warn(self, error: StoreError) -> None: ...


class SharedTotals(_Access, Protocol):
    """The totals of a store, a part of `SharedStore`."""

    async def sums(self, io: IO, first: str, last: str, /) -> dict[str, dict[str, Sums]]:
        """Return the totals of the periods from *first* to *last*.

        Raises:
            StoreError: The backend is down, whatever `on_failure` says.
        """
        if self.backend.instant:
            return self.backend.sums(first, last)
        return await io.work(self._here(), self._sums, first, last)

    async def totals(self, io: IO, periods: Sequence[str], apart: Collection[str], /) -> Totals:
        """Return the totals of periods together, and those of the keys in *apart* for each period too.

        Raises:
            StoreError: The backend is down, whatever `on_failure` says.
        """
        if self.backend.instant:
            return self._totals(periods, apart)
        return await io.work(self._here(), self._totals, periods, apart)

    def record(self, ticket: str, tally: Tally | Row) -> None:
        """Add to totals, once for a ticket, without waiting for the backend: within a second, see `TotalsRecording`."""
        if not self.backend.instant:
            self._here.get().recording.add(ticket, tally)
            return
        if not isinstance(tally, Tally):
            tally = tally_of(tally)
        self.backend.settle(ticket, (), time.time(), (), tally)

    @property
    def recording(self) -> TotalsRecording | None:
        """The tallies that this process has recorded and not written; `None` where the backend is instant."""
        return None if self.backend.instant else self.gathering

    @property
    def gathering(self) -> TotalsRecording:
        """The recording that asks once a second for tallies to write, whatever the backend is."""
        return self._here().recording

    @property
    def is_behind(self) -> bool:
        """Whether changes are queued, as the backend is down."""
        return bool(self._here().pending)

    def _write(self, ticket: str, tallies: Sequence[Tally]) -> None:
        change = partial(record_in, self.backend, ticket, tallies, time.time())
        try:
            with settling():
                self._attempt(change, ())
        except UNFINISHED as error:
            self._remember(change)
            if not isinstance(error, StoreError):
                raise
            self._warn(error)

    def _sums(self, first: str, last: str) -> dict[str, dict[str, Sums]]:
        write_recorded(place_of(self))
        return self._attempt(self.backend.sums, (first, last))

    def _totals(self, periods: Sequence[str], apart: Collection[str]) -> Totals:
        write_recorded(place_of(self))
        return self._attempt(totals_in, (self.backend, periods, apart))
