"""The cache policy: equal requests of the same scope share a response."""

import copy
import hashlib
import os
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from pydantic_core import to_json

from ..._call.call import Call, Reply, StreamEnd
from ..._call.pipeline import Next
from ..._call.record import Record
from ..._fork import PerProcess
from ..._io.deadline import is_over, remaining
from ...errors import (
    APIConnectionError,
    APIError,
    APIStatusError,
    CircuitOpen,
    DeadlineExceededError,
    members_of,
)
from ...stores import Store
from ..body import tap
from ..options.amounts import check_amounts
from ..pricing.meter import asks_for_usage, is_for_caller
from ..record import record_of
from ..scope import Scope, scopes_of, values_in
from .directives import DEFAULT, Directives, read_directives
from .entry import Entry
from .flights import Flight, Flights
from .keepable import is_keepable
from .key import cache_key
from .lease import Lease

_ALWAYS = ("/embeddings", "/moderations")
_IF_DETERMINISTIC = ("/chat/completions", "/completions", "/responses")
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
        namespace: Separates this client's responses from those of others in the same store, such as its base
            URL.
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
    _scopes: tuple[Scope, ...] = field(init=False, repr=False, compare=False)
    _flights: PerProcess[Flights] = field(
        init=False, repr=False, compare=False, default_factory=lambda: PerProcess(Flights)
    )

    def __post_init__(self) -> None:
        check_amounts("cache", above_zero=True, ttl=self.ttl)
        check_amounts("cache", above_zero=False, stale_if_error=self.stale_if_error, max_body=self.max_body)
        object.__setattr__(self, "_scopes", scopes_of(self.scope, "cache: scope"))

    def __call__(self, call: Call, proceed: Next) -> Awaitable[Reply]:
        """Answer a call from the cache, or send it and cache the response."""
        record = call.record or record_of(call)
        if record.cache is not None:  # a policy further out asks again
            record.cache = record.nano_usd = None
        directives = DEFAULT
        if call.headers:
            directives, call = read_directives(call)
        key = self._key(call, record, directives)
        return proceed(call) if key is None else self._cached(call, proceed, record, key, directives)

    async def _cached(
        self, call: Call, proceed: Next, record: Record, key: str, directives: Directives
    ) -> Reply:
        stale: Entry | None = None
        if directives.read:
            entry = await self._read(call, key)
            if entry is not None:
                now = call.io.now()
                if now < entry.stored + self.ttl and (
                    directives.max_age is None or now - entry.stored <= directives.max_age
                ):
                    return self._answer(call, record, entry, "hit")
                stale = entry
        try:
            if call.stream is not None or call.unread:
                return await self._send(call, proceed, record, key)
            if not directives.read:
                return (await self._send_whole(call, proceed, record, key))[0]
            return await self._share(call, proceed, record, key)
        except (APIError, CircuitOpen) as error:
            if (
                stale is not None
                and call.io.now() < stale.stored + self.ttl + self.stale_if_error
                and _is_down(error)
            ):
                return self._answer(call, record, stale, "stale")
            raise

    def _apart(self, whereabouts: object) -> "Cache":
        """Return a copy whose keys also depend on *whereabouts*, so that the two share no entries."""
        other = copy.copy(self)
        digest = hashlib.sha256(to_json(whereabouts, fallback=str)).hexdigest()[:16]
        object.__setattr__(other, "namespace", f"{self.namespace}|{digest}")
        return other

    def _key(self, call: Call, record: Record, directives: Directives) -> str | None:
        """Return the cache key of a call; `None` where it must not be cached."""
        if call.method != "POST" or call.files is not None or not directives.store:
            return None
        if not self._is_eligible(call) and directives.max_age is None:
            return None
        values = values_in(self._scopes, record)
        if None in values:
            return None
        account = () if record.account is None else (record.account,)
        return cache_key(call, [self.namespace, *self._scopes, *values, *account])

    def _is_eligible(self, call: Call) -> bool:
        path = call.path
        if not path.endswith(_IF_DETERMINISTIC):
            return path.endswith(_ALWAYS)
        body = members_of(call.body)
        if body.get("background"):
            return False
        if self.everything or ("seed" in body and isinstance(body["seed"], int)):
            return True
        return "temperature" in body and body["temperature"] == 0

    async def _read(self, call: Call, key: str) -> Entry | None:
        data = await self.store.get(call.io, key, call.io.now())
        return None if data is None else Entry.from_bytes(data)

    def _answer(self, call: Call, record: Record, entry: Entry, how: Any) -> Reply:
        record.cache = how
        record.target = entry.target
        record.nano_usd = 0
        reply = Reply(entry.response(call, how))
        if not asks_for_usage(call):
            reply.on_event.append(is_for_caller)  # a policy may have asked for the usage chunk
        return reply

    async def _share(self, call: Call, proceed: Next, record: Record, key: str) -> Reply:
        """Send a call, or wait for an equal one that is in flight in this process."""
        while True:
            flights = self._flights()
            with flights.lock:
                flight = flights.get(key)
                leads = flight is None
                if flight is None:
                    flight = flights[key] = Flight()
                    waiter = None
                else:
                    waiter = call.io.waiter()
                    flight.waiters.append(waiter)
            if leads:
                try:
                    return await self._lead(call, proceed, record, key, flight)
                finally:  # here and not in a function, as Ctrl-C may come where one begins
                    if flights.process == os.getpid():  # not so in a child forked during the flight
                        with flights.lock:
                            del flights[key]
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
            if flight.entry is not None:
                return self._answer(call, record, flight.entry, "shared")
            if flight.error is not None:
                raise copy.copy(flight.error)
            if flight.answered or not landed:  # not cacheable: do not send the waiting calls one by one
                return (await self._send_whole(call, proceed, record, key))[0]

    async def _lead(self, call: Call, proceed: Next, record: Record, key: str, flight: Flight) -> Reply:
        try:
            reply, flight.entry = await self._send_alone(call, proceed, record, key)
            flight.answered = True
        except APIError as error:
            if not isinstance(error, DeadlineExceededError):  # the deadline is the leader's own
                flight.error = error
            raise
        return reply

    async def _send_alone(
        self, call: Call, proceed: Next, record: Record, key: str
    ) -> tuple[Reply, Entry | None]:
        """Send a call, or wait for the response that another process is fetching."""
        if self.store.instant is not None:
            return await self._send_whole(call, proceed, record, key)
        io, lease, pause = call.io, Lease(self.store, key), _FIRST_PAUSE
        try:
            while not await lease.take(io):
                await io.sleep(pause)
                pause = min(2 * pause, _LAST_PAUSE)
                if (entry := await self._fresh(call, key)) is not None:
                    return self._answer(call, record, entry, "shared"), entry
                if is_over(call.deadline):
                    return await self._send_whole(call, proceed, record, key)  # raises DeadlineExceededError
            if (entry := await self._fresh(call, key)) is not None:
                return self._answer(call, record, entry, "shared"), entry
            return await self._send_whole(call, proceed, record, key)
        finally:
            await lease.give_back(io)

    async def _fresh(self, call: Call, key: str) -> Entry | None:
        entry = await self._read(call, key)
        return entry if entry is not None and call.io.now() < entry.stored + self.ttl else None

    async def _send_whole(
        self, call: Call, proceed: Next, record: Record, key: str
    ) -> tuple[Reply, Entry | None]:
        reply = await proceed(call)
        record.cache = "miss"
        response = reply.response
        content = response.content
        if not is_keepable(call, response.headers.get("content-type", ""), content):
            return reply, None
        entry = Entry.of(response, [content], record.target, call.io.now(), decoded=True)
        await self._keep(call, key, entry)
        return reply, entry

    async def _send(self, call: Call, proceed: Next, record: Record, key: str) -> Reply:
        """Send a call whose body the caller reads; cache its chunks once the body is complete."""
        reply = await proceed(call)
        record.cache = "miss"
        chunks: list[bytes] = []
        response = reply.response
        size = 0

        def see(chunk: bytes) -> None:
            nonlocal size
            size += len(chunk)
            if size <= self.max_body:
                chunks.append(chunk)

        async def keep(end: StreamEnd) -> None:
            if end.complete and end.error is None and size <= self.max_body:
                entry = Entry.of(response, chunks, record.target, call.io.now(), decoded=False)
                if entry.is_keepable(call):
                    await self._keep(call, key, entry)

        tap(response, see)
        reply.on_end.append(keep)
        return reply

    async def _keep(self, call: Call, key: str, entry: Entry) -> None:
        if entry.status != _OK or sum(map(len, entry.chunks)) > self.max_body:
            return
        expires = entry.stored + self.ttl + self.stale_if_error
        await self.store.set(call.io, key, entry.to_bytes(), expires, call.io.now())


def _is_down(error: Exception) -> bool:
    if isinstance(error, APIStatusError):
        return error.status_code >= _SERVER_ERROR or error.status_code == _TOO_MANY
    return isinstance(error, APIConnectionError | CircuitOpen)
