"""Credentials kept for some seconds, by the labels that they were returned for; calls at once ask for them once."""

import copy
import hashlib
import os
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from pydantic_core import to_json

from .._call.labels import Labels
from .._fork import PerProcess
from .._params.defaults import LONGEST_SECONDS
from ..errors import ConfigError, OpenAIError
from . import Credentials, Label
from .function import ASK_SECONDS, Question

if TYPE_CHECKING:
    from .._io import IO, Waiter

_LABELS = Labels._fields
_KEPT = 10_000
_REFUSED = 0.0
"""When credentials end that the API rejected."""


class Found:
    """The result of the function for some labels.

    Attributes:
        labels: The labels that it was given.
        credentials: The credentials; `None` for the client's own.
        fingerprint: What tells the account apart from others, in caches and limits; `None` for the client's own.
        until: When it is asked for again, in seconds of `time.monotonic`.
        is_refused: Whether the API rejected the key, and no other came in its place.
    """

    __slots__ = ("credentials", "fingerprint", "is_refused", "labels", "until")

    def __init__(self, labels: Labels, credentials: "Credentials | None", until: float) -> None:
        self.labels = labels
        self.credentials = credentials
        self.fingerprint = None if credentials is None else _fingerprint(credentials)
        self.until = until
        self.is_refused = False


def _fingerprint(credentials: "Credentials") -> str:
    """Return a digest of everything that makes an account another one."""
    parts = [credentials.api_key, credentials.base_url, credentials.organization, credentials.project]
    return hashlib.sha256(to_json(parts)).hexdigest()[:32]


class _Pending:
    """A question under way, whose answer other calls wait for."""

    __slots__ = ("error", "found", "waiters")

    def __init__(self) -> None:
        self.found: Found | None = None
        self.error: OpenAIError | None = None
        self.waiters: list[Waiter] = []


class _Kept:
    """The results that a process keeps, and the questions under way in it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.process = os.getpid()
        self.found: dict[Labels, Found] = {}
        self.flights: dict[Labels, _Pending] = {}

    def keep(self, found: Found, now: float) -> None:
        """Keep what was found in place of what was known of the same labels; drop what is old."""
        with self.lock:
            before = self.found.pop(found.labels, None)
            if before is not None and before.until == _REFUSED:
                found.is_refused = before.fingerprint == found.fingerprint
            while self.found:
                oldest = next(iter(self.found.values()))
                if now < oldest.until and len(self.found) < _KEPT:
                    break
                del self.found[oldest.labels]
            self.found[found.labels] = found


class KeptCredentials:
    """The credentials that a function returns, for the clients of one kind that share it.

    Args:
        function: The function, or its dotted path.
        ttl: Seconds for which its result is kept.
        by: The labels that it is given and its result is kept by; the others are `None` to it.
        sync: Whether the client is the sync one.

    Raises:
        ConfigError: One of them is invalid.
    """

    def __init__(
        self, function: Callable[..., Any] | str, *, ttl: float, by: Sequence[Label] | None, sync: bool
    ) -> None:
        self.question = Question(function, sync=sync)
        if isinstance(ttl, bool) or not isinstance(ttl, int | float):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError("credentials_ttl must be a number of seconds.")
        if not 0 <= ttl <= LONGEST_SECONDS:
            raise ConfigError("credentials_ttl must be a number of seconds that is not negative.")
        self.ttl = ttl
        self.by = by
        self._hidden = {name: None for name in _LABELS if name not in labels_of(by)}
        self._kept: PerProcess[_Kept] = PerProcess(_Kept)

    def __repr__(self) -> str:
        return f"<credentials of {self.question.name}>"

    async def of(self, io: "IO", labels: Labels) -> Found:
        """Return the credentials for the labels of a call.

        Raises:
            OpenAIError: The function failed, see `Question.ask`.
            TimeoutError: The deadline of the call has passed.
        """
        self.question.check()
        given = labels._replace(**self._hidden) if self._hidden else labels
        kept = self._kept()
        found = kept.found.get(given)
        if found is not None and time.monotonic() < found.until:
            return found
        return await self._shared(io, kept, given)

    async def _shared(self, io: "IO", kept: _Kept, labels: Labels) -> Found:
        """Ask the function, or wait for the answer that another call asked for."""
        while True:
            with kept.lock:
                found = kept.found.get(labels)
                if found is not None and time.monotonic() < found.until:
                    return found
                flight = kept.flights.get(labels)
                leads = flight is None
                if flight is None:
                    flight = kept.flights[labels] = _Pending()
                    waiter = None
                else:
                    waiter = io.waiter()
                    flight.waiters.append(waiter)
            if leads:
                try:
                    return await self._asked(io, kept, labels, flight)
                finally:  # here and not in a function, as Ctrl-C may come where one begins
                    if kept.process == os.getpid():  # not so in a child forked meanwhile
                        with kept.lock:
                            del kept.flights[labels]
                    try:
                        for one in flight.waiters:
                            one.open()
                    except BaseException:
                        for one in flight.waiters:  # whoever was not woken would wait in vain
                            one.open()
                        raise
            landed = await io.wait(waiter, ASK_SECONDS)
            if (found := self._told(flight, landed=landed)) is not None:
                return found

    def _told(self, flight: _Pending, *, landed: bool) -> Found | None:
        """Return what another call was told, `None` where it has given up before."""
        if flight.found is None and flight.error is not None:
            raise _copy_of(flight.error)
        if flight.found is None and not landed:
            raise self.question.too_slow()
        return flight.found

    async def _asked(self, io: "IO", kept: _Kept, labels: Labels, flight: _Pending) -> Found:
        try:
            credentials = await self.question.ask(io, labels)
        except OpenAIError as error:
            flight.error = error
            raise
        now = time.monotonic()
        found = flight.found = Found(labels, credentials, now + self.ttl)
        kept.keep(found, now)
        return found

    async def instead_of(self, io: "IO", refused: Found) -> "Found | None":
        """Return the credentials in place of those that the API rejected, `None` where there are no others.

        The function is asked once for each rejected key, and not again while that is all that it returns.
        """
        kept = self._kept()
        with kept.lock:
            known = kept.found.get(refused.labels)
            if known is not None and known.fingerprint == refused.fingerprint:
                if known.is_refused:
                    return None
                known.until = _REFUSED
        try:
            found = await self.of(io, refused.labels)
        except OpenAIError:
            return None  # the rejection says more
        return None if found.fingerprint in {None, refused.fingerprint} else found


def labels_of(by: Sequence[Label] | None) -> tuple[str, ...]:
    """Validate the labels by which credentials are kept.

    Raises:
        ConfigError: One is no label, or there is none.
    """
    names: tuple[str, ...] = _LABELS if by is None else (by,) if isinstance(by, str) else tuple(by)
    if not names or any(name not in _LABELS for name in names):
        raise ConfigError(f"credentials_by must hold one or more of {', '.join(_LABELS)}.")
    return names


def _copy_of(error: OpenAIError) -> OpenAIError:
    """Return a copy to raise in another thread or task; an error of the application need have none."""
    try:
        return copy.copy(error)
    except Exception:  # noqa: BLE001 - whatever its class does
        return error
