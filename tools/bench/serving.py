"""Ports of servers that the benchmarks start."""

import socket
import time

SECONDS_TO_START = 30


def free_port() -> int:
    """Return a port of 127.0.0.1 on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def await_start(port: int, seconds: float = SECONDS_TO_START) -> None:
    """Wait until a server accepts connections.

    Raises:
        OSError: It does not after so many seconds.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
