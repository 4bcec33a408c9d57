"""Cancel work for a reader who has disconnected."""

import asyncio
from collections.abc import Awaitable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive

T = TypeVar("T")

CLIENT_CLOSED_REQUEST = 499
"""nginx's status for a client that closed the connection; there is no registered one."""


class ReaderLeftError(HTTPException, ClientDisconnect):
    """The reader disconnected before there was a response.

    It needs no handler: the framework turns it into a response of status 499, which nobody reads, and logs no
    traceback.
    """

    def __init__(self) -> None:
        super().__init__(CLIENT_CLOSED_REQUEST, "The client closed the request.")


async def cancel_on_disconnect(request: Request, awaitable: Awaitable[T]) -> T:
    """Await *awaitable*, but cancel it as soon as the reader disconnects.

        answer = await cancel_on_disconnect(request, client.chat.completions.create(...))

    Raises:
        ReaderLeftError: The reader disconnected first. It is an HTTP exception; let it propagate.
    """
    with suppress(RuntimeError):  # the application has read the body as a stream
        await request.body()  # cached on the request, so that waiting for the disconnect consumes no body
    return await while_connected(request.receive, _waited(awaitable))


async def while_connected(receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    """Run *work* in a task of its own until it is done or the reader disconnects.

    The task is then cancelled once and awaited, so that it can clean up.

    Raises:
        ReaderLeftError: The reader disconnected before *work* was done.
    """
    task = asyncio.create_task(work)
    departure = asyncio.create_task(_disconnected(receive))
    try:
        await asyncio.wait((task, departure), return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        departure.result()
        raise ReaderLeftError
    finally:
        departure.cancel()
        task.cancel()
        await asyncio.wait((task, departure))


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _waited(awaitable: Awaitable[T]) -> T:
    return await awaitable
