"""What stands above the call is known to those below as protocols: the client, and the gate of its application."""

from contextlib import AbstractContextManager
from typing import Any, Literal, Protocol

from .._io import IO
from .call import Call, Reply

View = Literal["parsed", "raw", "unread"]


class Client(Protocol):
    """What a resource needs from its client."""

    io: IO

    async def perform(self, call: Call, /) -> Reply:
        """Send a call through every policy."""
        ...

    def result(self, call: Call, reply: Reply, view: View, /) -> Any:
        """Make what the caller gets: a model, a stream, a binary body or a raw response."""
        ...


class Gate(Protocol):
    """What counts calls and sessions of an application, and refuses them when it ends."""

    def begin(self) -> object:
        """Count a call that begins here and now; return what `leave` is told at its end.

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
        """Count what was dropped; for finalizers, so it takes no lock."""
        ...

    def io_over(self, client: Any) -> IO:
        """Return a new way to wait over a client's connections that counts here."""
        ...

    def io_of(self, client: Any) -> IO:
        """Return the way to wait of a client that calls are sent on through, so that these still count here."""
        ...
