"""The cache policy: equal requests of the same scope share a response."""

import copy
import os
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ..._call.call import Call, Reply, StreamEnd
from ..._call.pipeline import Next
from ..._call.record import Record
from ..._exchange.answer import Answer
from ..._fork import PerProcess
from ..._io.deadline import is_over, remaining
from ...errors import (
    APIConnectionError,
    APIError,
    APIResponseValidationError,
    APIStatusError,
    CircuitOpen,
    DeadlineExceededError,
    QueueFull,
    ResponseTooLargeError,
)
from ...stores import Store
from ..body import tap
from ..options.amounts import check_amounts
from ..pricing.meter import asks_for_usage, is_for_caller
from ..record import record_of
from ..scope import Scope, scopes_of, values_in
from .cacheable import is_cacheable, repeats
from .directives import DEFAULT, Directives, checked_tags, read_directives
from .entries import Entries
from .entry import Entry
from .flights import Flight, Flights
from .generations import marks_of
from .ignored import Ignored
from .keepable import is_keepable
from .key import EntryPlace, cache_key
from .lease import Lease
from .repeated import adapted, repeated_of

_FLIGHT_TIMEOUT = 600.0
_FIRST_PAUSE, _LAST_PAUSE = 0.005, 0.2
_OK = 200
_TOO_MANY, _SERVER_ERROR = 429, 500


@dataclass(frozen=True)
class Cache:
    """Caches responses and replays them for equal requests of the same scope.

    Cached are embeddings, moderations, and texts with `temperature=0` or a `seed`; other texts where
    `everything` is set, or the call has `extra_headers={"cache-control": "max-age=60"}`. The header also takes
    `no-cache` (send the request and store the response) and `no-store` (bypass the cache); it is not sent
    upstream. A call without a label that the scope needs is not cached. Equal concurrent calls go upstream once
    among all processes that share the store; streams do not wait for each other.

    Args:
        scope: Who shares responses: each `tenant`, `user`, `endpoint` or `model`, a combination, or `all`.
        store: Where responses are kept.
        ttl: Seconds for which a response is fresh.
        stale_if_error: Seconds after that in which it is still served while the upstream is down.
        everything: Whether to cache texts that differ each time they are generated.
        max_body: Size in bytes of the largest response that is cached.
        ignore: Further members of the body and headers in which equal requests may differ, beside `user`, `metadata`,
            `prompt_cache_key`, `prompt_cache_retention`, `safety_identifier` and the headers of traces. In the name of
            a header, `*` stands for any text.
        distinguish: Names among these in which equal requests may not differ.
        tags: Tags of all responses, by which they can be invalidated, beside those of the call.
        namespace: Separates responses from others in the same store.
    """

    for_sessions: ClassVar[bool] = False
    _by_account: ClassVar[bool] = True
    scope: Scope | Sequence[Scope]
    store: Store
    ttl: float = 3600.0
    stale_if_error: float = 0.0
    everything: bool = False
    max_body: int = 1024 * 1024
    namespace: str = ""
    ignore: Sequence[str] = ()
    distinguish: Sequence[str] = ()
    tags: Sequence[str] = ()
    _entries: Entries = field(init=False, repr=False, compare=False)
    _ignored: Ignored = field(init=False, repr=False, compare=False)
    _scopes: tuple[Scope, ...] = field(init=False, repr=False, compare=False)
    _flights: PerProcess[Flights] = field(
        init=False, repr=False, compare=False, default_factory=lambda: PerProcess(Flights)
    )

    def __post_init__(self) -> None:
        check_amounts("cache", above_zero=True, ttl=self.ttl)
        check_amounts("cache", above_zero=False, stale_if_error=self.stale_if_error, max_body=self.max_body)
        object.__setattr__(self, "_scopes", scopes_of(self.scope, "cache: scope"))
        object.__setattr__(self, "_ignored", Ignored(self.ignore, self.distinguish))
        object.__setattr__(self, "tags", checked_tags(self.tags))
        entries = Entries(self.store, self.namespace, self.ttl, self.stale_if_error, self.max_body)
        object.__setattr__(self, "_entries", entries)

    def __call__(self, call: Call, proceed: Next) -> Awaitable[Reply]:
        """Answer a call from the cache, or send it and cache the response."""
        record = call.record or record_of(call)
        if record.cache is not None:  # a policy further out asks again
            record.cache = record.nano_usd = None
        directives = DEFAULT
        if call.headers:
            directives, call = read_directives(call)
        place = self._place_of(call, record, directives)
        return proceed(call) if place is None else self._cached(call, proceed, record, place, directives)

    async def _cached(
        self, call: Call, proceed: Next, record: Record, place: EntryPlace, directives: Directives
    ) -> Reply:
        record.cache_key = place.key
        stale: Entry | None = None
        if directives.read:
            entry = await self._entries.read(call.io, place)
            if entry is not None:
                now = call.io.now()
                if now < entry.stored + self.ttl and (
                    directives.max_age is None or now - entry.stored <= directives.max_age
                ):
                    return self._answer(call, record, entry, "hit")
                stale = entry
        place = await self._entries.begun(call.io, place)
        try:
            if call.stream is not None or call.unread:
                return await self._send(call, proceed, record, place)
            if not directives.read:
                return (await self._send_whole(call, proceed, record, place))[0]
            return await self._share(call, proceed, record, place)
        except (APIError, CircuitOpen) as error:
            if (
                stale is not None
                and call.io.now() < stale.stored + self.ttl + self.stale_if_error
                and _is_down(error)
                and await self._entries.is_valid(call.io, stale)
            ):
                return self._answer(call, record, stale, "stale")
            raise

    def _place_of(self, call: Call, record: Record, directives: Directives) -> "EntryPlace | None":
        """Return where the response to a call is kept; `None` where it must not be cached."""
        if not directives.store or not is_cacheable(call):
            return None
        if directives.max_age is None and not repeats(call, everything=self.everything):
            return None
        scopes: list[Scope] = [scope for scope in self._scopes if scope != "model"]  # the request names it
        values = values_in(scopes, record)
        if None in values:
            return None
        further = () if record.account is None else (record.account,)
        if directives.tags:  # equal calls share an answer that is invalidated by the same tags
            further = (*further, "tags", *directives.tags)
        key = cache_key(call, [self.namespace, *self._scopes, *values, *further], self._ignored)
        if key is None:
            return None
        marks = marks_of(key, (*self.tags, *directives.tags), record.labels.tenant)
        return EntryPlace(key, record.account, repeated_of(call, self._ignored), marks)

    def _answer(self, call: Call, record: Record, entry: Entry, how: Any) -> Reply:
        record.cache = how
        record.target = entry.target
        record.nano_usd = 0
        reply = Reply(entry.response(call, how, record.cache_key or ""))
        if not asks_for_usage(call):
            reply.on_event.append(is_for_caller)  # a policy may have asked for the usage chunk
        return reply

    async def _share(self, call: Call, proceed: Next, record: Record, place: EntryPlace) -> Reply:
        """Send a call, or wait for an equal one that is in flight in this process."""
        name = place.flight
        while True:
            flights = self._flights()
            with flights.lock:
                flight = flights.get(name)
                leads = flight is None
                if flight is None:
                    flight = flights[name] = Flight()
                    waiter = None
                else:
                    waiter = call.io.waiter()
                    flight.waiters.append(waiter)
            if leads:
                try:
                    return await self._lead(call, proceed, record, place, flight)
                finally:  # here and not in a function, as Ctrl-C may come where one begins
                    if flights.process == os.getpid():  # not so in a child forked during the flight
                        with flights.lock:
                            del flights[name]
                    try:
                        for one in flight.waiters:
                            one.open()
                    except BaseException:
                        for one in flight.waiters:  # whoever was not woken would wait in vain
                            one.open()
                        raise
            limit = (
                _FLIGHT_TIMEOUT if call.deadline is None else min(_FLIGHT_TIMEOUT, remaining(call.deadline))
            )
            landed = await call.io.wait(waiter, limit)
            if flight.entry is not None and (entry := adapted(flight.entry, place.repeated)) is not None:
                return self._answer(call, record, entry, "shared")
            if flight.error is not None:
                raise copy.copy(flight.error)
            if flight.answered or not landed:  # not cacheable: do not send the waiting calls one by one
                return (await self._send_whole(call, proceed, record, place))[0]

    async def _lead(
        self, call: Call, proceed: Next, record: Record, place: EntryPlace, flight: Flight
    ) -> Reply:
        """Answer a call for all equal ones of this process, with what another process has fetched where one does."""
        lease = None if self.store.instant is not None else Lease(self.store, place.key)
        try:
            entry = None if lease is None else await self._wait_for_turn(call, place, lease)
            if entry is None:
                reply, entry = await self._send_whole(call, proceed, record, place)
            else:
                reply = self._answer(call, record, entry, "shared")
            flight.entry, flight.answered = entry, True
        except (APIError, QueueFull) as error:  # else each would wait in the queue after another
            if not isinstance(error, DeadlineExceededError):  # the deadline is the leader's own
                flight.error = error
            raise
        finally:
            if lease is not None:
                is_kept = flight.entry is not None and self._entries.is_small(flight.entry)
                in_vain = not is_kept and (flight.answered or flight.error is not None)
                await lease.give_back(call.io, in_vain=in_vain)
        return reply

    async def _wait_for_turn(self, call: Call, place: EntryPlace, lease: Lease) -> Entry | None:
        """Wait until it is this process's turn to send a call, unless another has got the response; return that."""
        io, pause = call.io, _FIRST_PAUSE
        before: bytes | None = None
        waits = False
        while not await lease.take(io):
            now = await lease.last_in_vain(io)
            if not waits:
                before, waits = now, True
            if now != before or is_over(call.deadline):  # sending it raises the deadline's error
                return None
            await io.sleep(pause)
            pause = min(2 * pause, _LAST_PAUSE)
            if (entry := await self._entries.fresh(io, place)) is not None:
                return entry
        return await self._entries.fresh(io, place)

    async def _send_whole(
        self, call: Call, proceed: Next, record: Record, place: EntryPlace
    ) -> tuple[Reply, Entry | None]:
        reply = await proceed(call)
        record.cache = "miss"
        answer = reply.answer
        content = answer.content
        kind = answer.header("content-type") or ""
        if not self._may_keep(record, place, answer) or not is_keepable(call, kind, content):
            return reply, None
        entry = Entry.of(answer, [content], record.target, call.io.now(), place, decoded=True)
        await self._entries.keep(call.io, place, entry)
        return reply, entry

    async def _send(self, call: Call, proceed: Next, record: Record, place: EntryPlace) -> Reply:
        """Send a call whose body the caller reads; cache its chunks once the body is complete."""
        reply = await proceed(call)
        record.cache = "miss"
        chunks: list[bytes] = []
        answer = reply.answer
        may_keep = self._may_keep(record, place, answer)
        size = 0

        def see(chunk: bytes) -> None:
            nonlocal size
            size += len(chunk)
            if size <= self.max_body:
                chunks.append(chunk)

        async def keep(end: StreamEnd) -> None:
            if end.complete and end.error is None and may_keep and size <= self.max_body:
                entry = Entry.of(answer, chunks, record.target, call.io.now(), place, decoded=False)
                if entry.is_keepable(call):
                    await self._entries.keep(call.io, place, entry)

        tap(answer, see)
        reply.on_end.append(keep)
        return reply

    def _may_keep(self, record: Record, place: EntryPlace, answer: Answer) -> bool:
        """Return whether the response may be shared: not where a target served it for an account of its own."""
        return answer.status_code == _OK and record.account == place.account


def _is_down(error: Exception) -> bool:
    if isinstance(error, APIStatusError):
        return error.status_code >= _SERVER_ERROR or error.status_code == _TOO_MANY
    if isinstance(error, APIResponseValidationError):  # a page of a proxy's, say
        return not isinstance(error, ResponseTooLargeError)
    return isinstance(error, APIConnectionError | CircuitOpen)
