"""Detection of clients that are built while requests are served, for as long as anybody asks for it."""

import sys
import threading
import weakref
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from .._call import constructions
from .._call.labels import in_request, requests_are_served
from .._fork import PerProcess
from .callers import HTTP_LIBRARIES, OFFICIAL, OURS, caller_of
from .lines import CodeLine, ExtraClients, count, logger
from .other_classes import load, tell_of


class Remedy(NamedTuple):
    """Advice for who builds a client per request, in the terms of a framework, each a sentence.

    Attributes:
        client: In place of a client of this package.
        official: In place of one of the official SDK.
    """

    client: str
    official: str


_PLAIN = Remedy(
    "Use the client of a ClientProvider, which builds it once for the process.",
    "Use `official` or `async_official` of a ClientProvider's clients, which stand on connections of the process.",
)
_OF_HTTP = "Build it once, where the application starts, and close it where it ends."


class Detector:
    """A wish that clients be detected which are built while requests are served, outside of a provider.

    Args:
        asked: What `warn_on_extra_clients` is set to; `None` if it is not.
        debug: Whether to detect where it is not set.
        remedy: What warnings advise; that of the latest detector that has one counts.
        tell: Takes each line that is warned of, in a thread of its own.
    """

    def __init__(
        self,
        asked: bool | Sequence[str] | None,
        *,
        debug: bool = False,
        remedy: Remedy | None = None,
        tell: Callable[[ExtraClients], object] | None = None,
    ) -> None:
        wanted = debug if asked is None else asked
        others = () if isinstance(wanted, bool) else wanted
        self._packages = frozenset(() if wanted is False else {OURS, *others})
        self._remedy = remedy
        self._tell = tell

    def start(self) -> None:
        """Detect from here on. Idempotent."""
        if self._packages:
            load(self._packages)
            _running.change(self, starts=True)

    def stop(self) -> None:
        """Detect no more on this one's account. Idempotent."""
        if self._packages:
            _running.change(self, starts=False)


class _Running:
    """The detectors that have been started and not stopped, which a fork's child goes on with."""

    def __init__(self) -> None:
        self._lock = PerProcess(threading.RLock)
        self._detectors: list[Detector] = []
        self.packages = frozenset[str]()
        self.remedy = _PLAIN
        self.tells: list[Callable[[ExtraClients], object]] = []

    def change(self, detector: Detector, *, starts: bool) -> None:
        """Start or stop a detector; the garbage collector may stop others meanwhile, whose owners were dropped."""
        with self._lock():
            while True:
                before = self._detectors
                running = [one for one in before if one is not detector]
                if starts:
                    running.append(detector)
                if before is self._detectors:
                    break
            self._detectors = running
            followed = None
            while followed is not self._detectors:
                followed = self._detectors
                self._follow(followed)

    def _follow(self, running: Sequence[Detector]) -> None:
        self.packages = frozenset[str]().union(*(one._packages for one in running))
        self.remedy = next((one._remedy for one in reversed(running) if one._remedy), _PLAIN)
        self.tells = [one._tell for one in running if one._tell is not None]
        constructions.hook = _ours_built if running else None
        tell_of(self.packages, _built)


_running = _Running()


def is_detecting() -> bool:
    """Return whether clients that are built while requests are served are counted in this process now."""
    return bool(_running.packages)


def _ours_built(client: Any) -> None:
    _built(client, OURS)


def _built(client: Any, package: str) -> None:
    """Count a client where its construction belongs to requests and to nobody who keeps it for the process."""
    if constructions.is_expected() or not (in_request() or requests_are_served() or _in_task()):
        return
    if _is_over_known(client, package):
        return
    frame = caller_of(client, package, _running.packages)
    if frame is None:
        return
    code = frame.f_code
    line = CodeLine(code.co_filename, frame.f_lineno, code.co_qualname, _class_of(client, package))
    warned_of = count(line, _instead_of(package))
    if warned_of is not None and _running.tells:
        threading.Thread(target=_tell, args=(warned_of,), name="ai-client-detector", daemon=True).start()


def _tell(line: ExtraClients) -> None:
    for tell in _running.tells:
        try:
            tell(line)
        except Exception:  # noqa: BLE001 - of one that shall not keep others from being told
            logger.exception("A line that builds clients could not be told of.")


_brought: "weakref.WeakSet[Any]" = weakref.WeakSet()
"""The HTTP clients and transports that clients stand on."""


def _is_over_known(client: Any, package: str) -> bool:
    """Return whether a client stands on the HTTP client of another one, and has no connections of its own."""
    if package == OFFICIAL:
        below = getattr(client, "_client", None)
    else:
        sender = getattr(client, "_sender", None)
        below = getattr(sender, "client", None) or getattr(sender, "_transport", None)
    if below is None:
        return False
    try:
        is_known = below in _brought
        _brought.add(below)
    except TypeError:  # an application's own transport may be anything
        return False
    return is_known


def _in_task() -> bool:
    """Return whether a task of Celery is running, which serves a request of its own kind."""
    celery: Any = sys.modules.get("celery")
    return bool(getattr(celery, "current_task", None))


def _class_of(client: Any, package: str) -> str:
    """Return the name of the class that a client is of, or that its own is derived from, as it is imported."""
    own = (cls for cls in type(client).__mro__ if cls.__module__.partition(".")[0] == package)
    return f"{package}.{next(own).__name__}"


def _instead_of(package: str) -> str:
    if package in HTTP_LIBRARIES:
        return _OF_HTTP
    return _running.remedy.official if package == OFFICIAL else _running.remedy.client
