"""Protocols of what stands above the call: the client and the application's drain gate."""

from collections.abc import Coroutine
from contextlib import AbstractContextManager
from typing import Any, Literal, Protocol

from .._io import IO
from .call import Call, Reply

View = Literal["parsed", "raw", "unread"]


class Client(Protocol):
    """The client as resources see it."""

    io: IO

    def perform(self, call: Call, /) -> Coroutine[Any, Any, Reply]:
        """Send a call through every policy."""
        ...

    async def outcome(self, call: Call, view: View, /) -> Any:
        """Perform a call; return what the caller gets."""
        ...

    def result(self, call: Call, reply: Reply, view: View, /) -> Any:
        """Return what the caller gets: a model, a stream, a binary body or a raw response."""
        ...


class Gate(Protocol):
    """The drain gate: counts an application's calls and sessions, and rejects new ones when it ends."""

    def begin(self) -> object:
        """Count a call that begins in the current context; return the token for `leave`.

        Raises:
            ClientClosedError: The application is shutting down.
        """
        ...

    def passing(self) -> AbstractContextManager[None]:
        """Count what happens inside the block.

        Raises:
            ClientClosedError: The application is shutting down.
        """
        ...

    def enter(self, token: object) -> None:
        """Count what begins."""
        ...

    def leave(self, token: object) -> None:
        """Count what has ended."""
        ...

    def forget(self, token: object) -> None:
        """Count something abandoned as ended; for finalizers, so it takes no lock."""
        ...

    def io_over(self, client: Any) -> IO:
        """Return a new IO over a client's connections that counts here."""
        ...

    def io_of(self, client: Any) -> IO:
        """Return the IO of another client that performs a call, counted by this gate."""
        ...
