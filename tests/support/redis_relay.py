"""A relay before a Redis server: it loses or delays replies to commands that the server has carried out."""

import contextlib
import select
import socket
import threading
from types import TracebackType
from typing import Self

from tests.support.policies import Redis

_MOST = 65_536


class RedisRelay:
    """Passes bytes between clients and a server.

    Attributes:
        lost: How many replies to scripts were lost, and their connections closed.
        opened: How many connections clients have opened.
        passes: Cleared, replies to scripts wait until it is set.
        waiting: Set while one waits.
    """

    def __init__(self, server: Redis) -> None:
        self._server = server
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._to_lose = 0
        self._sockets: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self.lost = 0
        self.opened = 0
        self.passes = threading.Event()
        self.passes.set()
        self.waiting = threading.Event()

    @property
    def url(self) -> str:
        """The address for `open_store`."""
        return f"redis://127.0.0.1:{self._listener.getsockname()[1]}/0"

    def lose(self, replies: int = 1) -> None:
        """Lose the next replies to scripts, and close the connections on which they would come."""
        self._to_lose = replies

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.passes.set()
        for one in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in list(self._threads):
            thread.join(60)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.opened += 1
                server = socket.create_connection(("127.0.0.1", self._server.port))
                self._sockets += [client, server]
                thread = threading.Thread(target=self._pass, args=(client, server))
                self._threads.append(thread)
                thread.start()

    def _pass(self, client: socket.socket, server: socket.socket) -> None:
        is_script = False
        with client, server, contextlib.suppress(OSError):
            while True:
                readable, _, _ = select.select([client, server], [], [])
                if client in readable:
                    asked = client.recv(_MOST)
                    is_script = b"EVAL" in asked
                    server.sendall(asked)
                    if not asked:
                        return
                if server in readable:
                    said = server.recv(_MOST)
                    if not said:
                        return
                    if is_script and not said.startswith(b"-NOSCRIPT"):
                        if self._to_lose:
                            self._to_lose -= 1
                            self.lost += 1
                            return
                        self.waiting.set()
                        self.passes.wait(60)
                    client.sendall(said)
