"""Which pools a client has, one for each loop, and who lets go of them."""

import asyncio
import threading
import weakref
from types import SimpleNamespace
from typing import Any

import pytest

from ai_client import ClientClosedError
from ai_client._exchange import loop_sender
from ai_client._exchange.loop_sender import LoopSender
from ai_client._http.library import library

PATIENCE = 30.0


class Maker:
    """Makes senders over pools that note what is done to them."""

    def __init__(self) -> None:
        self.made: list[Any] = []

    def __call__(self) -> Any:
        """Make one."""
        done: list[str] = []
        pool = SimpleNamespace(
            abandon=lambda: done.append("abandoned"), close_elsewhere=lambda: done.append("closed elsewhere")
        )

        async def aclose() -> None:
            done.append("closed")

        self.made.append(SimpleNamespace(pool=pool, done=done, is_closed=False, aclose=aclose))
        return self.made[-1]


class EndingLoop:
    """A loop that runs when it is looked at, and ends when something is asked of it."""

    def __init__(self) -> None:
        self.ended = False

    def is_running(self) -> bool:
        """Return whether it runs."""
        return not self.ended

    def is_closed(self) -> bool:
        """Return whether it has ended."""
        return self.ended

    def call_soon_threadsafe(self, *_: Any) -> None:
        """End."""
        self.ended = True
        raise RuntimeError("Event loop is closed")


@pytest.fixture
def maker() -> Maker:
    """Return a maker of senders."""
    return Maker()


@pytest.fixture
def sender(maker: Maker, monkeypatch: pytest.MonkeyPatch) -> LoopSender:
    """Return a sender that is the only one of its process."""
    monkeypatch.setattr(loop_sender, "_instances", weakref.WeakSet[LoopSender]())
    return LoopSender(maker, library("httpx"))


def test_pools_of_closed_loops_are_let_go(sender: LoopSender, maker: Maker) -> None:
    """The pool of a loop that was closed is abandoned when another loop needs one, and others are not."""
    loops = [asyncio.new_event_loop() for _ in range(3)]
    for loop in loops[:2]:
        sender._sender_of(loop)
    loops[0].close()
    sender._sender_of(loops[2])
    assert [each.done for each in maker.made] == [["abandoned"], [], []]
    assert len(sender._senders) == 2
    for loop in loops[1:]:
        loop.close()


def test_a_loop_that_ends_while_its_pool_is_closed(sender: LoopSender, maker: Maker) -> None:
    """Where a loop ends before it can close its connections, these are abandoned."""
    loop: Any = EndingLoop()
    sender._sender_of(loop)
    sender.close()
    assert maker.made[0].done == ["abandoned"]
    assert maker.made[0].is_closed
    other: Any = EndingLoop()
    with pytest.raises(ClientClosedError):
        sender._sender_of(other)


@pytest.mark.parametrize("way", ["close", "aclose"])
def test_a_loop_that_does_not_run_has_its_pool_closed_for_it(
    sender: LoopSender, maker: Maker, way: str
) -> None:
    """The connections of a loop that stands still are closed from elsewhere, in either way of closing a client."""
    loop = asyncio.new_event_loop()
    sender._sender_of(loop)
    if way == "close":
        sender.close()
    else:
        asyncio.run(sender.aclose())
    assert maker.made[0].done == ["closed elsewhere"]
    loop.close()


def test_a_child_leaves_all_pools_to_its_parent(sender: LoopSender, maker: Maker) -> None:
    """A child abandons its parent's pools and waits for no lock that a thread of that may have held at the fork."""
    loop = asyncio.new_event_loop()
    sender._sender_of(loop)
    sender._lock.acquire()  # by a thread that is not in the child
    thread = threading.Thread(target=loop_sender._start_empty, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert maker.made[0].done == ["abandoned"]
    assert not sender._senders
    assert sender._sender_of(loop) is maker.made[1]
    loop.close()
