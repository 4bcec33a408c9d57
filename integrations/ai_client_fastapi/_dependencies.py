"""The clients as dependencies of a path operation."""

from collections.abc import Awaitable, Callable
from functools import cache
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from ai_client import AsyncOpenAI, OpenAI

from ._late import provider_of


async def get_ai_client(connection: HTTPConnection) -> AsyncOpenAI:
    """Give the process's async client, in requests and WebSocket routes alike.

    Raises:
        RuntimeError: The application has no lifespan with a client.
    """
    return provider_of(connection.scope).async_client


async def get_sync_ai_client(connection: HTTPConnection) -> OpenAI:
    """Give the process's sync client, for path operations that are plain functions.

    Raises:
        RuntimeError: The application has no lifespan with a client.
    """
    return provider_of(connection.scope).client


@cache
def ai_client(alias: str) -> Callable[[HTTPConnection], Awaitable[AsyncOpenAI]]:
    """Give the dependency for the async client with an alias: `Depends(ai_client("azure"))`.

    The same alias gives the same dependency, so that it can be found in `app.dependency_overrides`.
    """

    async def get_aliased_ai_client(connection: HTTPConnection) -> AsyncOpenAI:
        return provider_of(connection.scope)[alias].async_client

    return get_aliased_ai_client


@cache
def sync_ai_client(alias: str) -> Callable[[HTTPConnection], Awaitable[OpenAI]]:
    """Give the dependency for the sync client with an alias: `Depends(sync_ai_client("azure"))`."""

    async def get_aliased_sync_ai_client(connection: HTTPConnection) -> OpenAI:
        return provider_of(connection.scope)[alias].client

    return get_aliased_sync_ai_client


AIClientDep = Annotated[AsyncOpenAI, Depends(get_ai_client)]
"""A parameter of this type receives the process's async client."""

SyncAIClientDep = Annotated[OpenAI, Depends(get_sync_ai_client)]
"""A parameter of this type receives the process's sync client."""
