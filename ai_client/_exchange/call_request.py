"""The request of a call, which becomes one of the HTTP library's once somebody looks."""

from typing import Any

from .._http.library import DEADLINE, FRESH, PHASES, Library
from .._libraries import httpx
from .._pool.message import Message, Origin, message_of
from .._pool.phases import Phases
from .bounds import EXTENSION, USUAL, Bounds


class CallRequest:
    """A request of a call: for a pool of ours, or of the HTTP library.

    Attributes:
        made: The HTTP library's request, once somebody has looked.
        message: What a pool sends, where nobody has looked.
        bounds: The bounds in memory for its answer.
    """

    __slots__ = ("_extensions", "_library", "_url", "bounds", "made", "message")

    def __init__(
        self, message: Message, url: "httpx.URL", extensions: dict[str, Any], library: Library
    ) -> None:
        self.message = message
        self._url = url
        self._extensions = extensions
        self._library = library
        self.bounds: Bounds = extensions.get(EXTENSION, USUAL)
        self.made: httpx.Request | None = None

    @classmethod
    def of(cls, request: "httpx.Request") -> "CallRequest":
        """Return a request of the HTTP library as a request of a call."""
        new = object.__new__(cls)
        new.made = request
        new.bounds = request.extensions.get(EXTENSION, USUAL)
        return new

    @property
    def request(self) -> "httpx.Request":
        """The HTTP library's request."""
        made = self.made
        if made is None:
            http, message = self._library.http, self.message
            made = http.Request(
                message.method,
                self._url,
                extensions={**self._extensions, "timeout": dict(message.timeouts)},  # a hook may change them
                stream=http.ByteStream(message.content),
            )
            made.headers = http.Headers(message.headers)
            made.read()  # for those who look at its content
            self.made = made
        return made

    def sent(self, library: Library) -> Message:
        """Return what a pool sends."""
        return self.message if self.made is None else message_of(self.made, library)

    def until(self, deadline: float) -> None:
        """Set when its exchange must be over, in seconds of `time.monotonic`."""
        if self.made is not None:
            self.made.extensions[DEADLINE] = deadline
        else:
            self._extensions[DEADLINE] = self.message.deadline = deadline

    def refresh(self) -> None:
        """Have it use no kept connection."""
        if self.made is not None:
            self.made.extensions[FRESH] = True
        else:
            self._extensions[FRESH] = self.message.fresh = True

    def time(self, phases: Phases) -> None:
        """Have the steps of its exchange noted, where a pool of ours performs it."""
        if self.made is not None:
            self.made.extensions[PHASES] = phases
        else:
            self._extensions[PHASES] = self.message.phases = phases


def place_of(url: "httpx.URL") -> tuple[Origin, bytes]:
    """Return where a message to an address goes: the origin and the target."""
    return (url.scheme, url.raw_host, url.port, None), url.raw_path
