"""Stopping work for a reader who has left."""

import asyncio
from collections.abc import Awaitable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive

T = TypeVar("T")

CLIENT_CLOSED_REQUEST = 499
"""What nginx logs for a request whose client has left; there is no registered status for it."""


class ReaderLeftError(HTTPException, ClientDisconnect):
    """The reader of a response left before there was one.

    It needs no handler: the framework turns it into a response of status 499, which nobody reads, and logs no
    traceback.
    """

    def __init__(self) -> None:
        super().__init__(CLIENT_CLOSED_REQUEST, "The client closed the request.")


async def cancel_on_disconnect(request: Request, awaitable: Awaitable[T]) -> T:
    """Wait for *awaitable*, but cancel it as soon as the reader of the response leaves.

        answer = await cancel_on_disconnect(request, client.chat.completions.create(...))

    Raises:
        ReaderLeftError: The reader left first; an HTTP exception, not to be handled.
    """
    with suppress(RuntimeError):  # the application has taken the body as a stream
        await request.body()  # so that listening for the disconnect takes nothing from the application
    return await while_connected(request.receive, _waited(awaitable))


async def while_connected(receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    """Run *work* in a task of its own until it is done or the reader leaves.

    The task is cancelled once and then left to clean up; this returns when it has.

    Raises:
        ReaderLeftError: The reader left before *work* was done.
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
