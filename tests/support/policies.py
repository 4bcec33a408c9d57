"""What tests of policies and stores share: a Redis server, a clock, and both clients behind one face."""

import asyncio
import contextlib
import contextvars
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from ai_client import AsyncOpenAI, OpenAI
from ai_client._io import SyncIO
from ai_client._io.async_io import AsyncIO

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
    """A `redis-server` on a free port of loopback, without persistence."""

    def __init__(self, directory: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address for `open_store`."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start the server, and return when it answers."""
        assert REDIS is not None
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(
            [REDIS, *options, "--dir", str(self._directory)], stdout=subprocess.PIPE
        )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if b"Ready to accept connections" in line:
                return
        raise AssertionError("redis-server did not start")

    def stop(self) -> None:
        """Stop the server."""
        if self._process is not None:
            self._process.terminate()
            self._process.communicate()
            self._process = None


@contextlib.contextmanager
def running_redis(directory: Path) -> Iterator[Redis]:
    """Run a server, or skip where the program is missing."""
    if REDIS is None:
        pytest.skip("redis-server is not installed")
    server = Redis(directory)
    server.start()
    try:
        yield server
    finally:
        server.stop()


class Both:
    """One of the two clients, driven from plain code; `kind` says which."""

    def __init__(self, kind: str, base_url: str) -> None:
        self.kind = kind
        self._base_url = base_url
        self._runner = asyncio.Runner() if kind == "async" else None
        self._clients: list[Any] = []

    def client(self, layers: Sequence[Any] = (), **options: Any) -> Any:
        """Make a client with some policies around its calls."""
        cls = OpenAI if self._runner is None else AsyncOpenAI
        options = {"base_url": self._base_url, "api_key": "any", "max_retries": 0, **options}
        client = cls(layers=layers, **options)
        self._clients.append(client)
        return client

    def run(self, value: Any) -> Any:
        """Give the result of a method of the client."""
        if self._runner is None:
            return value
        return self._runner.run(_awaited(value))

    def call(self, function: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """Call a method of the client and give its result."""
        if self._runner is None:
            return function(*args, **options)
        return self._runner.run(_called(function, args, options), context=contextvars.copy_context())

    def chat(self, client: Any, content: str = "Hello", **options: Any) -> Any:
        """Ask for a chat completion."""
        body: dict[str, Any] = {
            "model": options.pop("model", "gpt-4o-mini"),
            "messages": options.pop("messages", [{"role": "user", "content": content}]),
        }
        if "stream" in options:
            body["stream"] = options.pop("stream")
        if "extra_headers" in options:
            body["extra_headers"] = options.pop("extra_headers")
        return self.call(client.chat.completions.create, **body, extra_body=options)

    def items(self, stream: Any, count: int | None = None) -> list[Any]:
        """Read a stream to its end, or *count* items of it."""
        if self._runner is None:
            found: list[Any] = []
            for item in stream:
                found.append(item)
                if len(found) == count:
                    break
            return found
        return self._runner.run(_items(stream, count))

    def close_stream(self, stream: Any) -> None:
        """Close a stream."""
        self.run(stream.close())

    def close(self) -> None:
        """Close every client that was made."""
        for client in self._clients:
            self.call(client.close)
        if self._runner is not None:
            self._runner.close()


async def _awaited(value: Any) -> Any:
    return await value


async def _called(function: Callable[..., Any], args: Sequence[Any], options: dict[str, Any]) -> Any:
    result = function(*args, **options)
    return await result if hasattr(result, "__await__") else result


async def _items(stream: Any, count: int | None) -> list[Any]:
    found: list[Any] = []
    async for item in stream:
        found.append(item)
        if len(found) == count:
            break
    return found
