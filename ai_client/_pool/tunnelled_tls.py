"""TLS inside TLS: to an https server through an https proxy."""

import ssl
from collections.abc import Callable
from time import monotonic
from typing import Any, TypeVar

from .sockets import READ_SIZE, time_for

T = TypeVar("T")


class TunnelledTLS:
    """TLS over a TLS socket, for an https server behind an https proxy; enough of a socket for a stream."""

    __slots__ = ("_end", "_incoming", "_outgoing", "_timeout", "outer", "tls")

    def __init__(self, outer: ssl.SSLSocket, context: ssl.SSLContext, name: str) -> None:
        self.outer = outer
        self._end: float | None = None
        self._timeout = outer.gettimeout()
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)
        self._run(self.tls.do_handshake)

    def _run(self, step: Callable[..., T], *args: Any) -> T:
        self._end = monotonic() + self._timeout if self._timeout else None
        while True:
            try:
                result = step(*args)
            except ssl.SSLWantReadError:
                self._flush()
                self._mind_the_end()
                received = self.outer.recv(READ_SIZE)
                if received:
                    self._incoming.write(received)
                else:
                    self._incoming.write_eof()
            else:
                self._flush()
                return result

    def _flush(self) -> None:
        data = self._outgoing.read()
        while data:
            self._mind_the_end()
            data = data[self.outer.send(data) :]

    def _mind_the_end(self) -> None:
        """Set the outer socket's timeout to the time left for this step, which may take several reads and writes."""
        if self._end is not None:
            self.outer.settimeout(time_for(None, self._end))

    def send(self, data: bytes | memoryview) -> int:
        return self._run(self.tls.write, data)

    def recv(self, size: int) -> bytes:
        try:
            return self._run(self.tls.read, size)
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""

    def pending(self) -> int:
        return self.tls.pending() + self._incoming.pending + self.outer.pending()

    def settimeout(self, timeout: float | None) -> None:
        self.outer.settimeout(timeout)
        self._timeout = timeout

    def fileno(self) -> int:
        return self.outer.fileno()

    def detach(self) -> int:
        return self.outer.detach()

    def close(self) -> None:
        self.outer.close()
