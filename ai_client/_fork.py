"""This process: what belongs to it is made in it, whatever process it was forked from.

Who "this process" is, is decided by its id, and where a thing is taken: servers fork with Python's knowledge and
without it (uWSGI). A child never waits for a lock that a thread of its parent may hold, since that thread is not in
it. Where Python announces a fork, it waits a moment for what a fork must not cut in two.
"""

import mmap
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import cached_property
from typing import Any, Generic, TypeVar

T = TypeVar("T")

HOLD = 1.0
"""Seconds that a fork is held up at most, by everything together."""
_POLL = 0.0005
_WIPE_ON_FORK = 18
"""Linux's `MADV_WIPEONFORK`, which the module `mmap` does not name."""


def _wiped_by_forks() -> mmap.mmap | None:
    """Return memory that the kernel clears in each child, however that is forked; `None` where it does not."""
    if sys.platform != "linux":
        return None
    try:
        memory = mmap.mmap(-1, mmap.PAGESIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        memory.madvise(_WIPE_ON_FORK)
    except (OSError, ValueError):
        return None
    return memory


_memory = _wiped_by_forks()
_known: Any = b"\0" if _memory is None else _memory
"""Whether `_id` is known to be this process's, in its first byte."""
_id = 0


def process_id() -> int:
    """Return the id of this process; where the kernel tells of a fork, without asking it each time."""
    global _id  # noqa: PLW0603 - as it is this process's
    if not _known[0]:
        _id = os.getpid()
        if _memory is not None:
            _memory[0] = 1  # afterwards, as another thread may look
    return _id


class PerProcess(Generic[T]):
    """A value of which each process has its own, built on first use.

    Args:
        make: Makes it.
        inherit: Makes a child's out of its parent's, which the parent goes on to use and the child keeps alive.
            By default a child begins with a new one.
    """

    __slots__ = ("__weakref__", "_inherit", "_make", "_things")

    def __init__(self, make: Callable[[], T], inherit: Callable[[T], T] | None = None) -> None:
        self._make = make
        self._inherit = inherit
        self._things: dict[int, T] = {}
        if inherit is not None:
            _inheriting.add(self)

    def __call__(self) -> T:
        """Return this process's."""
        try:
            return self._things[_id if _known[0] else process_id()]
        except KeyError:
            return self._begin()

    get = __call__
    """The same as a method, which Python calls in half the time."""

    def made(self) -> bool:
        """Return whether this process has one already."""
        return os.getpid() in self._things

    def _begin(self) -> T:
        process = os.getpid()
        with _beginning.setdefault(process, threading.RLock()):
            things = self._things
            if process not in things:
                parent = [things.pop(other) for other in list(things)]
                _parents.extend(parent)
                things[process] = self._inherit(parent[-1]) if parent and self._inherit else self._make()
            return things[process]


_beginning: dict[int, Any] = {}  # a lock a process
_parents: list[Any] = []  # kept alive: finalizers might close what belongs to the parent
_inheriting: "weakref.WeakSet[PerProcess[Any]]" = weakref.WeakSet()  # those that do so at once


def _begin_here(parent: int) -> int:
    del parent
    for begin in _beginnings:
        begin()
    return 0


def _renew_pydantic() -> None:
    """Renew pydantic's locks for building models, which a thread of the parent may hold at the fork."""
    main = sys.modules.get("pydantic.main")
    if hasattr(main, "_rebuild_lock"):  # not every version has one
        vars(main)["_rebuild_lock"] = threading.RLock()
    resolver = getattr(sys.modules.get("pydantic._internal._namespace_utils"), "NsResolver", object)
    members: list[Any] = list(vars(resolver).values())
    for found in members:
        if isinstance(found, cached_property) and "lock" in vars(found):  # as before Python 3.12
            vars(found)["lock"] = threading.RLock()


_beginnings: list[Callable[[], None]] = [_renew_pydantic]
here = PerProcess(int, _begin_here)
"""Called where what `in_child` renews is taken; does nothing but in the first call in a child."""
here()


def in_child(begin: Callable[[], None]) -> None:
    """Register a function to run once in each child process, before anything is taken there."""
    _beginnings.append(begin)


class _Work:
    """Work of a process that a fork must not cut, and the threads that fork."""

    __slots__ = ("cut", "forking", "under_way")

    def __init__(self, *, cut: bool = False) -> None:
        self.cut = cut
        self.under_way: dict[object, int] = {}
        self.forking: set[int] = set()


class Uncut:
    """Work that a fork waits for, `HOLD` seconds at most; what would begin meanwhile waits for the fork."""

    def __init__(self) -> None:
        self._work = PerProcess(_Work, lambda parent: _Work(cut=parent.cut or bool(parent.under_way)))
        _uncut.append(self)

    @property
    def was_cut(self) -> bool:
        """Whether a thread was at it in the parent, or further up, when this process was forked."""
        return self._work().cut

    @contextmanager
    def __call__(self) -> Generator[None]:
        """Do the work inside the block."""
        work, token = self._work(), object()
        give_up = None
        while True:
            work.under_way[token] = threading.get_ident()
            if not work.forking:
                break
            if give_up is None:
                give_up = time.monotonic() + 2 * HOLD  # whatever became of that fork
            elif time.monotonic() > give_up:
                break
            del work.under_way[token]  # this is seen by the thread that forks, or that one is seen here
            time.sleep(_POLL)
        try:
            yield
        finally:
            work.under_way.pop(token, None)

    def hold(self) -> None:
        """Block new work until `release`."""
        self._work().forking.add(threading.get_ident())

    def release(self) -> None:
        """Allow new work again."""
        self._work().forking.discard(threading.get_ident())

    def is_under_way(self) -> bool:
        """Return whether a thread other than this one is at it."""
        me = threading.get_ident()
        return any(thread != me for thread in list(self._work().under_way.values()))


_uncut: list[Uncut] = []
building_models = Uncut()
"""Around what builds models of pydantic: its native part makes some values once for the process, and a child waits for
ever for one that a thread of its parent was making."""


def imports_elsewhere() -> list[str]:
    """Return the modules that other threads are importing.

    A child would wait for ever to import them: their locks are held by threads that it does not have.
    """
    me = threading.get_ident()
    owners = [(name, getattr(reference(), "owner", None)) for name, reference in list(_import_locks.items())]
    return [name for name, owner in owners if owner is not None and owner != me]


_import_locks: dict[str, Callable[[], Any]] = getattr(
    sys.modules.get("_frozen_importlib"), "_module_locks", {}
)


def _before() -> None:
    give_up = time.monotonic() + HOLD
    for work in _uncut:
        work.hold()
    while any(work.is_under_way() for work in _uncut) or imports_elsewhere():
        if time.monotonic() > give_up:
            return
        time.sleep(_POLL)


def _in_parent() -> None:
    for work in _uncut:
        work.release()


def _in_child() -> None:
    if _memory is not None:
        _memory[0] = 0  # in case that whoever emulates a kernel takes no notice of the advice
    for name in imports_elsewhere():
        _import_locks.pop(name, None)
        sys.modules.pop(name, None)  # half imported by a thread that this process lacks
    for thing in list(_inheriting):
        if thing._things:
            thing()


os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
