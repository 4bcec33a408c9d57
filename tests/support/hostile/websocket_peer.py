"""A WebSocket server that runs a script for each connection, and knows what it was asked and which are open."""

import base64
import hashlib
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Self

from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

from tests.support.hostile import wire

Script = Callable[[ServerConnection], None]
_PATIENCE = 30.0


class Peer:
    """Runs in threads of its own, within a `with` block.

    Attributes:
        script: What is done with a connection; may be replaced at any time.
        before: What is done with a request before it is answered; it may answer in plain HTTP.
        requests: The requests, refused ones included.
        open: Connections that are open.
        codes: The codes that connections were closed with by the other side.
        received: What the other sides sent.
    """

    def __init__(self, script: Script | None = None, **options: Any) -> None:
        self.script = script or self.collect
        self.before: Callable[[Request], Response | None] = lambda _: None
        self.requests: list[Request] = []
        self.open = 0
        self.codes: list[int | None] = []
        self.received: list[str] = []
        self._changed = threading.Condition()
        self._server = serve(self._handle, "127.0.0.1", 0, process_request=self._asked, **options)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self.port: int = self._server.socket.getsockname()[1]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._thread.join()

    @property
    def url(self) -> str:
        """Its address, for `websocket_base_url`."""
        return f"ws://127.0.0.1:{self.port}/v1"

    def collect(self, connection: ServerConnection) -> None:
        """Keep what is sent until the connection ends."""
        for message in connection:
            assert isinstance(message, str)
            self.received.append(message)
            self._notify()

    def wait_for(self, predicate: Callable[[], bool]) -> None:
        """Block until the predicate is true."""
        end = time.monotonic() + _PATIENCE
        with self._changed:
            while not predicate():
                assert time.monotonic() < end, f"{self.open} open, closed with {self.codes}"
                self._changed.wait(0.05)

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _asked(self, connection: ServerConnection, request: Request) -> Response | None:
        del connection
        self.requests.append(request)
        self._notify()
        return self.before(request)

    def _handle(self, connection: ServerConnection) -> None:
        with self._changed:
            self.open += 1
            self._changed.notify_all()
        try:
            self.script(connection)
        finally:
            connection.close()
            with self._changed:
                self.open -= 1
                self.codes.append(connection.close_code)
                self._changed.notify_all()


def redirect(location: str, status: HTTPStatus = HTTPStatus.FOUND) -> Callable[[Request], Response]:
    """Return what sends a request elsewhere."""
    headers = Headers({"Location": location, "Content-Length": "0", "Connection": "close"})
    return lambda _: Response(status, status.phrase, headers)


def accepted(request: wire.Request) -> bytes:
    """Return the head that opens a WebSocket, for a script of the wire."""
    key = request.header("sec-websocket-key") or ""
    digest = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()  # noqa: S324 -- RFC 6455
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + base64.b64encode(digest) + b"\r\n\r\n"
    )


def frame(data: bytes, opcode: int = 1) -> bytes:
    """Return a short frame of a server's."""
    assert len(data) < 126
    return bytes([0x80 | opcode, len(data)]) + data
