"""SIGTERM and SIGINT, handled before the server waits for its open responses."""

import contextlib
import signal
import threading
import weakref
from collections.abc import Callable
from types import FrameType
from typing import Any, Protocol, cast

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_SERVERS = frozenset({"gunicorn", "hypercorn", "uvicorn", "uvicorn_worker"})


class Watcher(Protocol):
    """Shutdown listener. It is called in a signal handler: it must neither block nor lock."""

    def drain(self) -> None:
        """Begin to end."""
        ...


class _Chained:
    """A handler in front of the one that was installed, which it calls whatever happens."""

    def __init__(self, previous: Callable[[int, FrameType | None], Any]) -> None:
        self.previous = previous

    def __call__(self, number: int, frame: FrameType | None) -> None:
        try:
            for watcher in _watchers():
                watcher.drain()
        finally:
            self.previous(number, frame)


_references: tuple["weakref.ref[Watcher]", ...] = ()


def _watchers() -> list[Watcher]:
    return [watcher for reference in _references if (watcher := reference()) is not None]


def watch(watcher: Watcher, *, any_handler: bool = False) -> None:
    """Call `watcher.drain()` on SIGTERM and SIGINT, before the handler that is installed now.

    Only a handler that ends the process gracefully is worth a drain: that of a server we know or, if *any_handler*,
    whatever is installed. May be called again after a server installed its own. From another thread than the main
    one, the main thread does it as soon as it runs Python code.
    """
    global _references  # noqa: PLW0603 - replaced as a whole, so that a handler may interrupt
    if watcher not in _watchers():
        _references = (*(ref for ref in _references if ref() is not None), weakref.ref(watcher))
    if all(_graceful(number, any_handler) is None for number in _SIGNALS):
        return
    try:
        _install(any_handler)  # a greenlet may do it too, whatever `threading` says of its thread
    except ValueError:  # not the main thread; or a subinterpreter, which has no signals
        if threading.current_thread() is not threading.main_thread():
            _in_main_thread(lambda: _install(any_handler))


def unwatch(watcher: Watcher) -> None:
    """Unregister *watcher*; after the last one, restore the previous signal handlers."""
    global _references  # noqa: PLW0603 - see watch
    _references = tuple(ref for ref in _references if ref() not in {None, watcher})
    if _references:
        return
    with contextlib.suppress(ValueError):  # it has to be the main thread's
        for number in _SIGNALS:
            handler = signal.getsignal(number)
            if isinstance(handler, _Chained):
                _set(number, handler.previous)


def _install(any_handler: bool) -> None:
    for number in _SIGNALS:
        previous = _graceful(number, any_handler)
        if previous is not None:
            _set(number, _Chained(previous))


def _set(number: int, handler: Callable[[int, FrameType | None], Any]) -> None:
    signal.signal(number, handler)
    signal.siginterrupt(number, False)  # as servers and event loops want it


def _graceful(number: int, any_handler: bool) -> Callable[[int, FrameType | None], Any] | None:
    """Return the signal handler to chain to, if there is one."""
    handler = signal.getsignal(number)
    if not callable(handler) or isinstance(handler, _Chained) or handler is signal.default_int_handler:
        return None
    home = _home(handler)
    if home == "asyncio.runners":  # restores what was there before only where its own is still in place
        return None
    return handler if any_handler or home.partition(".")[0] in _SERVERS else None


def _home(handler: object) -> str:
    """Return the module of a handler, or of the object whose method it is."""
    handler = getattr(handler, "func", handler)
    owner = getattr(handler, "__self__", None)
    return str(getattr(handler, "__module__", None) if owner is None else type(owner).__module__)


_pending: list[Any] = []


def _in_main_thread(function: Callable[[], None]) -> None:
    """Schedule *function* on the main thread, even while it waits for I/O."""
    import ctypes  # noqa: PLC0415 - rarely needed, and heavy

    main = cast("int", threading.main_thread().ident)

    def call(_: object) -> int:
        _pending.remove(callback)
        function()
        return 0

    callback = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p)(call)
    _pending.append(callback)
    ctypes.pythonapi.Py_AddPendingCall(callback, None)
    if callable(signal.getsignal(signal.SIGWINCH)):  # gunicorn's workers only log it, so that it wakes them
        signal.pthread_kill(main, signal.SIGWINCH)
