"""The upstream: an offline server that speaks the wire format of an OpenAI-compatible API."""

import asyncio
import ssl
import threading
from collections.abc import Callable
from concurrent.futures import Future
from itertools import count
from types import TracebackType
from typing import Self, Unpack

from ai_client.testing.recording import Recorded
from ai_client.testing.reply import Answer, Reply, ReplyFields
from ai_client.testing.script import Rule
from ai_client.testing.service import Service
from ai_client.testing.wire import Connection

_BACKLOG = 1024


class Upstream:
    """An OpenAI-compatible API on loopback, in a thread of its own.

    Answers are deterministic: the same request gets the same text. Tests prepare other answers with `reply` and
    `always`, and inspect `requests` and the counters, all from any thread.

        with Upstream() as upstream:
            client = OpenAI(base_url=upstream.base_url, api_key="any")

    Args:
        host: Address to listen on.
        port: Port to listen on; 0 picks a free one, which is kept if the upstream is started again.
        delay: Seconds between the chunks of the built-in streams.
        record: Whether to keep the requests; otherwise only counters are kept.
        ssl_context: Serve HTTPS with it.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        delay: float = 0,
        record: bool = True,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._host = host
        self._port = port
        self._ssl_context = ssl_context
        self._service = Service(delay=delay, record=record)
        self._connections: set[Connection] = set()
        self._numbers = count(1)
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()

    def __repr__(self) -> str:
        return f"<Upstream {self.base_url}>" if self._thread is not None else "<Upstream, not running>"

    def start(self) -> Self:
        """Start the server; return once it accepts connections.

        Raises:
            OSError: The port is in use or the address is not this machine's.
            OverflowError: The port does not exist.
            RuntimeError: The upstream is running already.
        """
        if self._thread is not None:
            raise RuntimeError("This upstream is already running.")
        listening: Future[int] = Future()
        thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(listening)), name="ai-client-upstream", daemon=True
        )
        thread.start()
        try:
            self._port = listening.result()
        except (OSError, OverflowError):
            thread.join()
            raise
        self._thread = thread
        return self

    def stop(self) -> None:
        """Close all connections and end the thread; does nothing if it is not running."""
        thread, self._thread = self._thread, None
        if thread is not None and self._loop is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)
            thread.join()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """The port that it listens on.

        Raises:
            RuntimeError: The upstream is not running.
        """
        if self._thread is None:
            raise RuntimeError(
                "This upstream is not running. Use `with Upstream() as upstream:` or `start()`."
            )
        return self._port

    @property
    def url(self) -> str:
        """The root URL without `/v1`, below which Azure's paths are served too."""
        scheme = "https" if self._ssl_context else "http"
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{scheme}://{host}:{self.port}"

    @property
    def base_url(self) -> str:
        """The `base_url` for a client."""
        return f"{self.url}/v1"

    def reply(
        self,
        answer: Answer | None = None,
        *,
        method: str | None = None,
        path: str | None = None,
        times: int = 1,
        **fields: Unpack[ReplyFields],
    ) -> None:
        """Queue an answer for the next *times* matching requests.

        Args:
            answer: A `Reply`, or a function from the `Recorded` request to one; instead of *fields*.
            method: Match only requests with this method.
            path: Match only requests whose path ends with this.
            times: How many requests get the answer.
            **fields: The fields of `Reply`.
        """
        self._service.script.queue(Rule(_answer(answer, fields), method, path, times))

    def always(
        self,
        answer: Answer | None = None,
        *,
        method: str | None = None,
        path: str | None = None,
        **fields: Unpack[ReplyFields],
    ) -> None:
        """Answer every matching request that finds none in the queue; the newest matching rule applies."""
        self._service.script.stand(Rule(_answer(answer, fields), method, path))

    def reset(self) -> None:
        """Drop prepared answers and recorded requests, and reset the counters."""
        self._service.reset()

    def close_idle(self) -> None:
        """Close connections without a request in progress, as a server does after its keep-alive timeout."""
        if self._loop is None or self._thread is None:
            return
        closed: Future[None] = Future()
        self._loop.call_soon_threadsafe(self._close_idle, closed)
        closed.result()

    @property
    def requests(self) -> list[Recorded]:
        """The requests received, in order."""
        return self._service.recorder.requests

    @property
    def in_flight(self) -> int:
        """Requests being received or answered now."""
        return self._service.recorder.counters.in_flight

    @property
    def max_in_flight(self) -> int:
        """The highest number of requests that were in flight at once."""
        return self._service.recorder.counters.max_in_flight

    @property
    def connections_opened(self) -> int:
        """Connections accepted so far."""
        return self._service.recorder.counters.connections_opened

    @property
    def connections_open(self) -> int:
        """Connections open now."""
        return self._service.recorder.counters.connections_open

    def wait_for(self, predicate: Callable[[], bool], timeout: float = 30) -> None:
        """Block until *predicate* returns true; it is evaluated after each change.

        Raises:
            TimeoutError: It did not within *timeout* seconds.
        """
        self._service.recorder.wait_for(predicate, timeout)

    async def wait_for_async(self, predicate: Callable[[], bool], timeout: float = 30) -> None:  # noqa: ASYNC109 -- as above
        """Wait like `wait_for`, without blocking the running event loop."""
        await asyncio.to_thread(self.wait_for, predicate, timeout)

    async def _serve(self, listening: "Future[int]") -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        try:
            server = await self._loop.create_server(
                lambda: Connection(self._service, self._connections, next(self._numbers)),
                self._host,
                self._port,
                ssl=self._ssl_context,
                backlog=_BACKLOG,
            )
        except (OSError, OverflowError) as error:  # OverflowError: a port above 65535
            listening.set_exception(error)
            return
        listening.set_result(server.sockets[0].getsockname()[1])
        await self._stopping.wait()
        # Closing the server while a connection is being accepted, which is a task, would leak it (Python 3.11).
        while len(asyncio.all_tasks()) > 1:
            await self._abort_all()
        server.close()
        while self._connections:
            await self._abort_all()

    async def _abort_all(self) -> None:
        for connection in list(self._connections):
            connection.abort()
        await asyncio.sleep(0)  # a transport closes in a later iteration of the event loop

    def _close_idle(self, closed: "Future[None]") -> None:
        for connection in list(self._connections):
            if connection.idle:
                connection.abort()
        closed.set_result(None)


def _answer(answer: Answer | None, fields: ReplyFields) -> Answer:
    if answer is None:
        return Reply(**fields)
    if fields:
        raise TypeError("Pass either an answer or the fields of one, not both.")
    return answer
