"""The answers of a cache in its store: read while they are valid, kept while they may be."""

from dataclasses import replace

from ..._io import IO
from ...errors import StoreError
from ...stores import Store
from .entry import Entry
from .generations import Generations, is_of_tenant
from .key import EntryPlace
from .repeated import adapted


class Entries:
    """Reads and keeps answers; one that was invalidated since it was asked for counts as none.

    Args:
        store: Where they are kept.
        namespace: What separates them from others there.
        ttl: Seconds for which an answer is fresh.
        stale: Seconds after that in which it may still be served.
        max_body: Size in bytes of the largest answer that is kept.

    Attributes:
        generations: What was invalidated.
    """

    def __init__(self, store: Store, namespace: str, ttl: float, stale: float, max_body: int) -> None:
        self._store = store
        self.generations = Generations(store, namespace)
        self._ttl = ttl
        self._stale = stale
        self._max_body = max_body

    async def read(self, io: IO, place: EntryPlace) -> Entry | None:
        """Return the answer at a place, fresh or stale, as the call there would have got it."""
        entry = Entry.from_bytes(place.key, await self._store.get(io, place.key, io.now()))
        if entry is None:
            return None
        given = entry.marks
        if further := [mark for mark in place.names if mark not in given and not is_of_tenant(mark)]:
            given = {**given, **dict.fromkeys(further, 0)}  # tags that were configured since
        try:
            marks = await self.generations.current(io, given)
        except StoreError:
            return None
        if marks is None:
            return None
        if marks is not given:  # so that the next call compares one counter again
            entry = replace(entry, marks=marks)
            await self._put(io, place, entry)
        return adapted(entry, place.repeated)

    async def fresh(self, io: IO, place: EntryPlace) -> Entry | None:
        """Return the answer at a place if it is fresh."""
        entry = await self.read(io, place)
        return entry if entry is not None and io.now() < entry.stored + self._ttl else None

    async def is_valid(self, io: IO, entry: Entry) -> bool:
        """Return whether an answer has not been invalidated."""
        try:
            return await self.generations.current(io, entry.marks) is not None
        except StoreError:
            return False

    async def begun(self, io: IO, place: EntryPlace) -> EntryPlace:
        """Return a place with what was invalidated so far, as far as that is known, before its answer is asked for."""
        try:
            return place._replace(marks=await self.generations.of(io, place.names))
        except StoreError:
            return place

    async def keep(self, io: IO, place: EntryPlace, entry: Entry) -> None:
        """Keep an answer, unless it is too large or may have been invalidated while it was on its way."""
        if place.marks is not None and self.is_small(entry) and await self.is_valid(io, entry):
            await self._put(io, place, entry)

    async def _put(self, io: IO, place: EntryPlace, entry: Entry) -> None:
        expires = entry.stored + self._ttl + self._stale
        await self._store.set(io, place.key, entry.to_bytes(place.key), expires, io.now())

    def is_small(self, entry: Entry) -> bool:
        """Return whether an answer is small enough to be kept."""
        return sum(map(len, entry.chunks)) <= self._max_body
