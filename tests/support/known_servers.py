"""Servers that note how clients came to them: over HTTP, and over WebSockets."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.server import ServerConnection, serve, unix_serve

from tests.support.certificates import shown_name
from tests.support.raw_server import Exchange, RawServer

MODELS = b'{"object": "list", "data": []}'
Seen = list[tuple[str, str | None, str]]
"""Of each request: its path, the name in the certificate of the client, and the address that it came from."""


def answer_with(body: bytes, status: bytes = b"200 OK", more: bytes = b"") -> bytes:
    """Make an answer after which the connection is closed."""
    return (
        b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nConnection: close\r\n%bContent-Length: %d\r\n\r\n%b"
        % (status, more, len(body), body)
    )


class KnownServer(RawServer):
    """A server that answers lists of models, and redirects `/moved` to `elsewhere`."""

    def __init__(self, context: ssl.SSLContext | None = None, path: Path | None = None) -> None:
        super().__init__(self._answer, context, path)
        self.seen: Seen = []
        self.elsewhere = ""
        self.body = MODELS

    @property
    def names(self) -> list[str | None]:
        """The names of clients that were seen."""
        return [name for _, name, _ in self.seen]

    def _answer(self, exchange: Exchange) -> None:
        peer: Any = exchange.info("peername")
        self.seen.append(
            (
                exchange.target,
                shown_name(exchange.info("ssl_object")),
                peer[0] if isinstance(peer, tuple) else "",
            )
        )
        if exchange.target.startswith("/moved"):
            exchange.write(
                answer_with(b"", b"307 Moved", b"Location: %b/v1/models\r\n" % self.elsewhere.encode())
            )
        else:
            exchange.write(answer_with(self.body))


class SocketServer:
    """A WebSocket server that sends one event and notes who came; `url` is below which it is."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.seen: Seen = []

    def handle(self, connection: ServerConnection) -> None:
        """Note, and send an event."""
        tls: Any = connection.socket
        name = shown_name(tls) if isinstance(tls, ssl.SSLSocket) else None
        peer = connection.remote_address
        path = connection.request.path if connection.request else ""
        self.seen.append((path, name, peer[0] if isinstance(peer, tuple) else ""))
        connection.send('{"type": "hello"}')


@contextmanager
def socket_server(context: ssl.SSLContext | None = None, path: Path | None = None) -> Iterator[SocketServer]:
    """Serve WebSockets in a thread."""
    holder: list[SocketServer] = []

    def handle(connection: ServerConnection) -> None:
        holder[0].handle(connection)

    made = (
        serve(handle, "127.0.0.1", 0, ssl=context)
        if path is None
        else unix_serve(handle, str(path), ssl=context)
    )
    with made as server:
        scheme = "ws" if context is None else "wss"
        port = "" if path is not None else f":{server.socket.getsockname()[1]}"
        holder.append(SocketServer(f"{scheme}://127.0.0.1{port}/v1"))
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield holder[0]
        server.shutdown()
        thread.join()
