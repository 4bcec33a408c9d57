"""Handlers in front of a server's own."""

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

import pytest

from ai_client._process import signals as _signals


class Watcher:
    """Something that is told of the end."""

    def __init__(self, told: list[str]) -> None:
        self.told = told

    def drain(self) -> None:
        """Note it."""
        self.told.append("drain")


class Server:
    """A server with a handler that ends it."""

    def __init__(self, told: list[str]) -> None:
        self.told = told

    def handle_exit(self, number: int, frame: FrameType | None) -> None:
        """Note it."""
        del number, frame
        self.told.append("exit")


class Gunicorn(Server):
    """A server that is known by the package its class comes from."""

    __module__ = "gunicorn.workers.sync"


@pytest.fixture
def told() -> Iterator[list[str]]:
    """Yield a list of what happened, and restore the handlers of the process."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGWINCH)}
    yield []
    _signals._references = ()
    for number, handler in before.items():
        signal.signal(number, handler)


def terminate() -> None:
    """Tell this process to end."""
    signal.raise_signal(signal.SIGTERM)


def test_watcher_is_told_before_the_server(told: list[str]) -> None:
    """At the signal the watcher is told first, then the server's own handler runs."""
    signal.signal(signal.SIGTERM, Gunicorn(told).handle_exit)
    watcher = Watcher(told)
    _signals.watch(watcher)
    _signals.watch(watcher)
    terminate()
    assert told == ["drain", "exit"]


def test_server_runs_although_a_watcher_fails(told: list[str]) -> None:
    """A watcher that raises does not keep the signal from the server."""

    class Broken(Watcher):
        def drain(self) -> None:
            raise RuntimeError("broken")

    signal.signal(signal.SIGTERM, Gunicorn(told).handle_exit)
    watcher = Broken(told)
    _signals.watch(watcher)
    with pytest.raises(RuntimeError, match="broken"):
        terminate()
    assert told == ["exit"]


def test_handler_is_restored(told: list[str]) -> None:
    """When nobody watches any more, the server's handler is as it was."""
    handler = Gunicorn(told).handle_exit
    signal.signal(signal.SIGTERM, handler)
    first, second = Watcher(told), Watcher(told)
    _signals.watch(first)
    _signals.watch(second)
    _signals.unwatch(first)
    assert signal.getsignal(signal.SIGTERM) is not handler
    _signals.unwatch(second)
    assert signal.getsignal(signal.SIGTERM) == handler


def test_handler_installed_later_is_chained_anew(told: list[str]) -> None:
    """A server that installs its handler after the first watch is chained by the next one, without a loop."""
    signal.signal(signal.SIGTERM, Gunicorn(told).handle_exit)
    watcher = Watcher(told)
    _signals.watch(watcher)
    chained = signal.getsignal(signal.SIGTERM)
    assert callable(chained)
    passing: Callable[[int, FrameType | None], object] = chained

    class Outer(Gunicorn):
        def handle_exit(self, number: int, frame: FrameType | None) -> None:
            passing(number, frame)

    Outer.__module__ = "gunicorn.late"
    signal.signal(signal.SIGTERM, Outer(told).handle_exit)
    _signals.watch(watcher)
    terminate()
    assert told == ["drain", "drain", "exit"]


@pytest.mark.parametrize(
    "handler", [signal.SIG_DFL, signal.SIG_IGN, None], ids=["default", "ignored", "unknown"]
)
def test_nothing_is_installed_where_nothing_ends_gracefully(
    told: list[str], handler: signal.Handlers | None
) -> None:
    """Without a handler, or with one of a program that is no server, the process's signals stay as they are."""
    expected = Server(told).handle_exit if handler is None else handler
    signal.signal(signal.SIGTERM, expected)
    watcher = Watcher(told)
    _signals.watch(watcher)
    assert signal.getsignal(signal.SIGTERM) == expected


def test_any_handler_is_chained_where_a_server_said_so(told: list[str]) -> None:
    """An ASGI server's lifespan chains whatever handler is installed, except Python's own for Ctrl-C."""
    signal.signal(signal.SIGTERM, Server(told).handle_exit)
    interrupt = signal.getsignal(signal.SIGINT)
    watcher = Watcher(told)
    _signals.watch(watcher, any_handler=True)
    terminate()
    assert told == ["drain", "exit"]
    assert signal.getsignal(signal.SIGINT) is interrupt is signal.default_int_handler


def test_handler_of_an_event_loop_is_chained(told: list[str]) -> None:
    """A handler installed with `loop.add_signal_handler` runs after the watcher was told."""

    async def main() -> None:
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, lambda: (told.append("exit"), ended.set()))
        watcher = Watcher(told)
        _signals.watch(watcher, any_handler=True)
        os.kill(os.getpid(), signal.SIGTERM)
        async with asyncio.timeout(5):
            await ended.wait()
        loop.remove_signal_handler(signal.SIGTERM)

    asyncio.run(main())
    assert told == ["drain", "exit"]


def test_thread_has_the_main_thread_install(told: list[str]) -> None:
    """From a thread, the handler is installed by the main thread, which is woken from its waiting."""
    signal.signal(signal.SIGTERM, Gunicorn(told).handle_exit)
    signal.signal(signal.SIGWINCH, lambda _number, _frame: told.append("woken"))
    watcher = Watcher(told)
    thread = threading.Thread(target=_signals.watch, args=[watcher])
    thread.start()
    thread.join()
    assert isinstance(signal.getsignal(signal.SIGTERM), _signals._Chained)
    terminate()
    assert told == ["woken", "drain", "exit"]


def test_watcher_that_is_gone_is_forgotten(told: list[str]) -> None:
    """Watching keeps nothing alive."""
    signal.signal(signal.SIGTERM, Gunicorn(told).handle_exit)
    _signals.watch(Watcher(told))
    terminate()
    assert told == ["exit"]


def test_ctrl_c_of_asyncio_is_left_alone(told: list[str]) -> None:
    """`asyncio.run` finds its own handler for Ctrl-C in place at its end, and takes it back."""

    async def main() -> Watcher:
        watcher = Watcher(told)
        _signals.watch(watcher, any_handler=True)
        return watcher

    asyncio.run(main())
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
