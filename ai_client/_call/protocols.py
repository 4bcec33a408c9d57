"""What a resource needs from its client."""

from typing import (
    TYPE_CHECKING,
    Any,
    Literal,
    Protocol,
)

from .._io import IO
from .call import Call, Reply

if TYPE_CHECKING:
    pass


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
