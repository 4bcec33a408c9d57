"""The circuits of a breaker as calls use them: those of this process, or shared with others through a store."""

from collections.abc import Callable

from .._fork import PerProcess
from .._io import IO
from ..stores import Store, Tally
from ..stores.tickets import new_ticket
from ..stores.writing import write
from .breaker import NEXT_TRIAL, Breaker, Permission, circuit_open
from .cache.lease import Lease

_LOOK = 1.0
"""Seconds between two looks at what other processes found out about a target."""
_KEPT = 900.0
"""Seconds for which the others may learn of a change, and the longest time that a circuit is open."""
_SKEW = 60.0
"""Seconds by which the clock of another host may be ahead."""
_TARGETS_KEPT = 1000
_LEAST = 1e-3
_HOUR = 3600.0
_LISTS = "circuits|"
"""Beginning of the periods in which the names of circuits that opened are listed."""
OnOpen = Callable[[str, float, float, float], object]
"""Takes the name of a circuit that opened, when, until when no call is sent, and the cooldown, without waiting."""


class _News:
    """Holds what this process knows of a shared circuit: when it last looked, and when what it knows happened."""

    __slots__ = ("happened", "looked")

    def __init__(self) -> None:
        self.looked = 0.0
        self.happened = 0.0


class Circuits:
    """Admits calls to targets and takes their outcomes.

    Where the breaker is shared, an opened or closed circuit is written to its store, which the other processes look
    at once a second for each target that they call, and one trial call is made among them all. While the store is
    down each process has its own circuits.

    Args:
        breaker: Keeps the circuits of this process.
        on_open: Called when a call opens a circuit that was closed.
    """

    __slots__ = ("_breaker", "_news", "_on_open", "_store")

    def __init__(self, breaker: Breaker, on_open: OnOpen | None = None) -> None:
        self._breaker = breaker
        self._on_open = on_open
        self._store = breaker.store if breaker.shared else None
        self._news: PerProcess[dict[str, _News]] = PerProcess(dict)

    async def admit(self, io: IO, target: str) -> Permission:
        """Return the permission for a call to *target*.

        Its holder must report the outcome with `succeeded`, `failed` or `left`.

        Raises:
            CircuitOpen: The circuit is open, or a trial call is under way.
        """
        store = self._store
        if store is None:
            return self._breaker.admit(target, io.now())
        await self._look(io, store, target)
        permission = self._breaker.admit(target, io.now())
        if permission.is_trial:
            lease = Lease(store, f"breaker|{target}")
            try:
                is_free = await lease.take(io)
            except BaseException:
                await self.left(io, permission)
                raise
            if not is_free:
                await self.left(io, permission)
                raise circuit_open(target, NEXT_TRIAL)
            permission.lease = lease
        return permission

    def answered(self, permission: Permission, now: float) -> None:
        """Note that a target has begun to answer, which may have taken too long."""
        self._breaker.answered(permission, now)

    async def succeeded(self, io: IO, permission: Permission) -> None:
        """Count a success, which closes the circuit where it was a trial."""
        now = io.now()
        changed = self._breaker.succeeded(permission, now)
        if changed or permission.lease is not None:
            await self._settle(io, permission, now, changed=changed)

    async def failed(self, io: IO, permission: Permission, retry_after: float | None) -> None:
        """Count a failure, after which the target asked to be left alone for *retry_after* seconds."""
        now = io.now()
        await self._settle(io, permission, now, changed=self._breaker.failed(permission, now, retry_after))

    async def left(self, io: IO, permission: Permission) -> None:
        """Allow another call to try an open circuit, as the outcome of this one is not known yet, or says nothing."""
        self._breaker.left(permission)
        await self._give_back(io, permission)

    async def _settle(self, io: IO, permission: Permission, now: float, *, changed: bool) -> None:
        """Publish a change, and let the others try where this call was the trial."""
        try:
            until = self._breaker.open_until(permission.target) if changed else None
            if until is not None and self._on_open is not None and not permission.is_trial:
                self._on_open(permission.target, now, until, self._breaker.cool_down)
            if changed and self._store is not None:
                self._news_of(permission.target).happened = now
                value = b"%f %f" % (now, until or 0)
                await self._store.set(io, _key(permission.target), value, now + _KEPT, now)
                if until is not None:
                    await self._list(io, self._store, permission.target, now)
        finally:
            await self._give_back(io, permission)

    async def _give_back(self, io: IO, permission: Permission) -> None:
        lease = permission.lease
        if lease is not None:
            permission.lease = None
            await lease.give_back(io)

    def _news_of(self, target: str) -> _News:
        news = self._news()
        found = news.get(target)
        if found is None:
            if len(news) >= _TARGETS_KEPT:
                news.clear()
            found = news[target] = _News()
        return found

    async def known(self, io: IO) -> list[str]:
        """Return the circuits that this process knows, or that another one opened lately; learn of their states.

        Raises:
            StoreError: The store is down.
        """
        names = dict.fromkeys(self._breaker.seen())
        store = self._store
        if store is None:
            return list(names)
        for circuits in (await store.sums(io, _LISTS, f"{_LISTS}~")).values():
            names.update(dict.fromkeys(circuits))
        for name in names:
            await self._look(io, store, name, again=True)
        return list(names)

    async def close(self, io: IO, name: str) -> None:
        """Close a circuit in this process, and within a second in those that share it.

        Raises:
            StoreError: The store is down, and the others are not told.
        """
        self._breaker.close(name)
        store = self._store
        if store is not None:
            now = io.now()
            before, _ = _read(await store.get(io, _key(name), now)) or (0.0, 0.0)
            happened = min(max(now, before + _LEAST), now + _SKEW)  # where the clock of another host is ahead
            self._news_of(name).happened = happened
            await write(store, io, _key(name), b"%f 0" % happened, expires=now + _KEPT, now=now)

    async def _list(self, io: IO, store: Store, name: str, now: float) -> None:
        """Have the name of a circuit that opened found by who knows none."""
        hour = int(now // _HOUR)
        tally = Tally(f"{_LISTS}{hour}", name, {"opened": 1}, (hour + 1) * _HOUR + _KEPT)
        await store.settle(io, new_ticket(), (), now, tally=tally)

    async def _look(self, io: IO, store: Store, target: str, *, again: bool = False) -> None:
        news, now = self._news_of(target), io.now()
        if abs(now - news.looked) < _LOOK and not again:
            return
        news.looked = now
        found = _read(await store.get(io, _key(target), now))
        if found is None:
            return
        happened, until = found
        if news.happened < happened <= now + _SKEW and 0 <= until <= happened + _KEPT:
            news.happened = happened
            self._breaker.learn(target, until or None, happened)


def _read(value: bytes | None) -> tuple[float, float] | None:
    """Return when a circuit changed, and until when it is open; `None` where that is not what a value says."""
    try:
        happened, until = map(float, (value or b"").split())
    except ValueError:
        return None
    return happened, until


def _key(target: str) -> str:
    return f"breaker|{target}"
