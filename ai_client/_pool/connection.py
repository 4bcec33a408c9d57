"""A pooled connection: a byte stream, its HTTP/1.1 state and its route."""

from typing import Any, Generic, Protocol, TypeVar

from .._http.library import Library
from .._http.options import Place, PoolOptions
from .._params.secrets import shown_file
from .connection_log import ConnectionLog
from .message import Message, Origin
from .proxy import Preamble, Proxies, Proxy
from .request_head import RequestHead
from .response_head import Headers
from .usual_wire import UsualWire
from .wire import Wire

_DEFAULT_PORTS = {"http": 80, "https": 443}
_JOINED_SIZE = 256 * 1024


class ByteStream(Protocol):
    """A byte stream, sync or async."""

    sent: int

    def quiet(self) -> bool: ...
    def get_extra_info(self, info: str) -> Any: ...
    def read_buffered(self) -> bytes: ...
    def close(self) -> None: ...
    def abandon(self) -> None: ...


S = TypeVar("S", bound=ByteStream)


class Route:
    """The way to an origin: where to connect, from where, through which proxy, and what TLS to speak at its end.

    Attributes:
        place: The server at its end.
        uds: The path of the unix socket to connect to, in place of an address.
        local: The IP address to connect from.
    """

    __slots__ = ("host", "local", "name", "place", "port", "proxy", "secure", "uds")

    def __init__(self, origin: Origin, proxies: Proxies, options: PoolOptions, library: Library) -> None:
        scheme, host, port, name = origin
        default = _DEFAULT_PORTS.get(scheme)
        if default is None or not host:
            raise library.http.UnsupportedProtocol(
                f"An address to connect to begins with http:// or https:// and names a host, not {scheme!r}."
            )
        self.host = host.decode("ascii")
        self.port = port or default
        self.secure = scheme == "https"
        self.name = name or self.host
        self.place: Place = (scheme, self.host, self.port)
        self.uds = options.socket_of(self.place)
        self.local = options.local_address
        self.proxy: Proxy | None = proxies.find(scheme, self.host, self.port) if self.uds is None else None

    @property
    def address(self) -> tuple[str, int]:
        """Where to connect to: the proxy if there is one."""
        return (self.proxy.host, self.proxy.port) if self.proxy else (self.host, self.port)

    @property
    def forwarding(self) -> Proxy | None:
        """The proxy that gets the requests themselves rather than a tunnel."""
        return self.proxy if self.proxy and not self.secure and self.proxy.forwards("http") else None

    @property
    def shown(self) -> str:
        """The way as it may be shown: the origins of the server and the proxy, or the path of the socket."""
        shown = f"{'https' if self.secure else 'http'}://{_bracketed(self.host)}:{self.port}"
        if self.uds is not None:
            return f"{shown} at {shown_file(self.uds)}"
        proxy = self.proxy
        return (
            shown
            if proxy is None
            else f"{shown} through {proxy.scheme}://{_bracketed(proxy.host)}:{proxy.port}"
        )

    def tunnel(self, library: Library) -> Preamble:
        """Return the handshake that opens a tunnel through the proxy."""
        if self.proxy is None:
            raise TypeError("A direct way needs no tunnel.")
        return self.proxy.tunnel(self.host, self.port, library)


def _bracketed(host: str) -> str:
    """Return a host as an address has it: one of IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host


class SocketAddresses:
    """The `network_stream` of a complete answer: its connection may be reused by now, so only addresses remain."""

    __slots__ = ("_stream",)

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream

    def get_extra_info(self, info: str) -> Any:
        """Return the connection's `client_addr` or `server_addr` while it is open, else nothing."""
        if info not in {"client_addr", "server_addr"}:
            return None
        try:
            return self._stream.get_extra_info(info)
        except OSError:
            return None


class Connection(Generic[S]):
    """A stream with its HTTP state; `idle_since` is when its last exchange ended, `exchanges` how many have.

    `log` is what its records are written by, where they are wanted.
    """

    __slots__ = (
        "_head",
        "_headers",
        "_prefix",
        "addresses",
        "exchanges",
        "idle_since",
        "library",
        "log",
        "origin",
        "stream",
        "wire",
    )

    def __init__(
        self,
        origin: Origin,
        route: Route,
        stream: S,
        library: Library,
        log: ConnectionLog | None = None,
    ) -> None:
        self.origin = origin
        self.log = log
        self.stream = stream
        self.wire: Wire = UsualWire(library)
        self.idle_since = 0.0
        self.exchanges = 0
        self.addresses = SocketAddresses(stream)
        self.library = library
        self._head: RequestHead | None = None  # of the latest request, as the next one often has the same
        proxy = route.forwarding
        self._headers = proxy.headers if proxy else []
        self._prefix = f"http://{_bracketed(route.host)}:{route.port}".encode("ascii") if proxy else b""

    def opening(self, message: Message) -> tuple[bytes, list[bytes] | None]:
        """Begin an exchange; return what to write first, and what then, `None` for a body that is not held in memory.

        A body held in memory goes out with the head, in one packet where it fits. Of any other body nothing is
        taken before the head was written, so that it is still whole if the connection turns out to be dead.
        """
        head, method, target, content = self._head, message.method, message.target, message.content
        if message.measured and not self._prefix:
            headers: Headers | None = None
            shared = message.given
            if head is None or shared is not head.shared or target != head.target or method != head.method:
                head = self._known(method, target, message.headers)
                head.shared = shared
        else:
            headers = message.headers
            if self._prefix:
                target, headers = self._prefix + target, [*headers, *self._headers]
            if not isinstance(content, bytes):
                return self.wire.head(method, target, headers), None
            head = self._known(method, target, headers)
        first, tail = self.wire.begin(head, headers, content)
        return (first + tail, []) if len(tail) <= _JOINED_SIZE else (first, [tail])

    def _known(self, method: str, target: bytes, headers: Headers) -> RequestHead:
        """Return the head with these headers, that of the latest request where it is the same."""
        head = self._head
        if head is None or not head.is_of(method, target, headers):
            head = self._head = RequestHead(method, target, headers)
        return head
