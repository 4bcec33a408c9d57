"""What tests of policies and stores share: a Redis server, a clock, and the seam to wait through without a network."""

import contextlib
import shutil
import subprocess
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
import redis

from ai_client import _io
from ai_client._io import SyncIO
from ai_client._io.async_io import AsyncIO
from tests.support.ports import free_port

T = TypeVar("T")
REDIS = shutil.which("redis-server")


class Idle:
    """A sender that never sends."""

    timeouts = (TimeoutError,)
    failures = (OSError,)


def sync_io() -> SyncIO:
    """Give the sync seam without a network."""
    return SyncIO(Idle())  # type: ignore[arg-type]


def async_io() -> AsyncIO:
    """Give the async seam without a network."""
    return AsyncIO(Idle())  # type: ignore[arg-type]


def finish(work: Coroutine[Any, Any, T]) -> T:
    """Run what waits through `sync_io` to its end."""
    return _io.finish(work)


class Clock:
    """A clock that moves when told to."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        """Tell the time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass at once."""
        self.now += seconds


class Redis:
    """A `redis-server` on a free port of loopback; what a *durable* one is told survives its restart.

    With a *config* it is a sentinel.
    """

    def __init__(
        self,
        directory: Path,
        *,
        durable: bool = False,
        options: tuple[str, ...] = (),
        config: Path | None = None,
    ) -> None:
        self.port = free_port()
        self._durable = durable
        self._directory = directory
        self._options = options
        self._config = config
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address for `open_store`."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def runs(self) -> bool:
        """Whether the server was started and not stopped."""
        return self._process is not None

    def start(self) -> None:
        """Start the server, and return when it answers."""
        assert REDIS is not None
        log = ["--appendonly", "yes", "--appendfsync", "always"] if self._durable else ["--appendonly", "no"]
        kind = [str(self._config), "--sentinel"] if self._config else [*log, "--save", "", *self._options]
        place = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._directory)]
        self._process = subprocess.Popen([REDIS, *kind, *place], stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if b"Ready to accept connections" in line or b"+monitor" in line:
                return
        raise AssertionError("redis-server did not start")

    def ask(self, *command: str) -> str:
        """Run a command, and return its reply as text."""
        connection: Any = redis.Connection(port=self.port)
        try:
            connection.send_command(*command)
            reply = connection.read_response()
        finally:
            connection.disconnect()
        return reply.decode() if isinstance(reply, bytes) else str(reply)

    def stop(self) -> None:
        """Stop the server."""
        if self._process is not None:
            self._process.terminate()
            self._process.communicate()
            self._process = None


@contextlib.contextmanager
def running_redis(directory: Path, *, durable: bool = False) -> Iterator[Redis]:
    """Run a server, or skip where the program is missing."""
    if REDIS is None:
        pytest.skip("redis-server is not installed")
    server = Redis(directory, durable=durable)
    server.start()
    try:
        yield server
    finally:
        server.stop()
