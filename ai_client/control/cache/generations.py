"""Generations of cached answers: how often those with a mark were invalidated, as a store says it to all processes."""

import hashlib
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, TypeAlias

from ..._fork import PerProcess
from ..._io import IO
from ...errors import StoreError
from ...stores import Store
from ...stores.base import Spend
from ...stores.tickets import new_ticket

Marks: TypeAlias = Mapping[str, int]
"""The marks of an answer, each with how often it had been invalidated when the answer was asked for."""

LOOK = 1.0
"""Seconds between two looks at whether anything was ever invalidated in a store."""
_NOTICED = LOOK + 0.25
"""Seconds after which every process has seen that something is."""
_ALL = ""
_READY = "ready"
"""The mark that is counted once every process looks at each answer that it takes from the cache."""
_DAY = 86400.0
_LEAST = 30 * _DAY
_FOR_EVER = 3650 * _DAY


def mark_of(kind: Literal["key", "tag", "tenant"], value: str) -> str:
    """Return the mark of answers under a key, with a tag, or asked for by a tenant; it shows neither tag nor tenant."""
    if kind == "key":
        return f"key:{value}"
    return f"{kind}:{hashlib.blake2b(value.encode('utf-8', 'surrogatepass'), digest_size=16).hexdigest()}"


def is_of_tenant(mark: str) -> bool:
    """Return whether a mark is that of a tenant, of which an answer that tenants share has one of them only."""
    return mark.startswith("tenant:")


def marks_of(key: str, tags: Iterable[str], tenant: str | None) -> list[str]:
    """Return the marks of an answer."""
    named = [] if tenant is None else [mark_of("tenant", tenant)]
    return [mark_of("key", key), *(mark_of("tag", tag) for tag in tags), *named]


class _Seen:
    """Knowledge of a process about a store: whether anything was ever invalidated there, and when it last looked."""

    __slots__ = ("looked", "used")

    def __init__(self) -> None:
        self.used = False
        self.looked = float("-inf")


class Generations:
    """Counts the invalidations of each mark, and tells whether an answer is older than one.

    Counters are ledgers, which a store does not evict. While nothing was ever invalidated a process looks at one of
    them once a second; the first invalidation waits until all have looked. From then on they look for each answer,
    which is valid where the counter of all invalidations stands where it stood when the answer was asked for, and
    otherwise where those of its own marks do.

    Args:
        store: Where answers are kept.
        namespace: What separates them from others there.
    """

    def __init__(self, store: Store, namespace: str) -> None:
        self._store = store
        self._prefix = f"cache|gone|{mark_of('tag', namespace)}|" if namespace else "cache|gone|"
        self._seen = PerProcess(_Seen)

    async def of(self, io: IO, marks: Iterable[str]) -> Marks:
        """Return where the counters of marks stand, before an answer with them is asked for.

        Raises:
            StoreError: The store is down.
        """
        total = await self._total(io)
        if not total:
            return dict.fromkeys(marks, 0)
        counts = {mark: await self._count(io, mark) for mark in marks}
        return {**counts, _ALL: total}

    async def current(self, io: IO, given: Marks) -> Marks | None:
        """Return the marks of an answer as they are now; `None` where it was invalidated.

        Raises:
            StoreError: The store is down.
        """
        total = await self._total(io)
        if total == given.get(_ALL, 0):
            return given
        for mark, count in given.items():
            if mark != _ALL and await self._count(io, mark) != count:
                return None
        return {**given, _ALL: total}

    async def invalidate(self, io: IO, marks: Sequence[str], longest: float) -> None:
        """Invalidate the answers that have one of these marks, for every process, those under way included.

        Args:
            io: How to wait.
            marks: The marks.
            longest: Seconds for which an answer may be kept.

        Raises:
            StoreError: The store is down; they are invalidated once it is available again.
        """
        first = self._store.instant is None and not await self._count(io, _READY)
        if first:
            await self._add(io, [_ALL], longest)
            await io.sleep(_NOTICED)
        await self._add(io, [*marks, *([_READY] if first else []), _ALL], longest)

    async def _total(self, io: IO) -> int:
        """Return how often anything was invalidated; nothing is read where it is known that nothing ever was."""
        if self._store.instant is not None:
            return await self._count(io, _ALL)
        seen, now = self._seen(), time.monotonic()
        if not seen.used and now - seen.looked < LOOK:
            return 0
        total = await self._count(io, _ALL)
        seen.used, seen.looked = seen.used or total > 0, now
        return total

    async def _count(self, io: IO, mark: str) -> int:
        instant = self._store.instant
        if instant is not None:
            return instant.ledger(self._prefix + mark, io.now()).used
        return (await self._store.ledger(io, self._prefix + mark, io.now())).used

    async def _add(self, io: IO, marks: Sequence[str], longest: float) -> None:
        now = io.now()
        until = {_ALL: now + _FOR_EVER, _READY: now + _FOR_EVER}
        least = now + max(_LEAST, longest + _DAY)
        spends = [Spend(self._prefix + mark, 1, until.get(mark, least)) for mark in marks]
        if len(await self._store.settle(io, new_ticket(), spends, now)) != len(spends):
            raise StoreError(
                "The store is down: cached answers are invalidated once it is available again, if this process lives"
                " until then."
            )
