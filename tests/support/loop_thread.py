"""A server on an event loop in a thread of its own."""

import asyncio
import threading
from concurrent.futures import Future
from typing import Self


class LoopThread:
    """Runs `serve` from entering to leaving; `port` is where it listens."""

    def __init__(self) -> None:
        self.port = 0
        self._stopping = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def __enter__(self) -> Self:
        listening: Future[int] = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run(listening)), daemon=True)
        self._thread.start()
        self.port = listening.result()
        return self

    def __exit__(self, *raised: object) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    async def _run(self, listening: "Future[int]") -> None:
        self._loop = asyncio.get_running_loop()
        try:
            server = await self._listen()
        except BaseException as error:
            listening.set_exception(error)
            raise
        where = server.sockets[0].getsockname()
        listening.set_result(0 if isinstance(where, str) else where[1])  # a unix socket has no port
        await self._stopping.wait()
        await self._end(server)

    async def _listen(self) -> asyncio.Server:
        """Begin to listen."""
        raise NotImplementedError

    async def _end(self, server: asyncio.Server) -> None:
        """Close the server and what is open."""
        raise NotImplementedError
