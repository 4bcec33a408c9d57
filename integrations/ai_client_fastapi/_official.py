"""The official SDK's clients of a request, over the process's own, for libraries that take no other."""

from collections.abc import Awaitable, Callable
from functools import cache
from typing import TYPE_CHECKING

from starlette.requests import HTTPConnection

from ._late import provider_of

if TYPE_CHECKING:
    import openai
else:  # which imports it once an annotation is evaluated
    from ai_client.interop import openai


async def get_official_ai_client(connection: HTTPConnection) -> "openai.AsyncOpenAI":
    """Return the official SDK's client over the process's async client; in plain Starlette, await it with the request.

    Raises:
        RuntimeError: The application has no lifespan with a client.
        ImportError: The official SDK is not installed.
    """
    return provider_of(connection.scope).async_official


async def get_sync_official_ai_client(connection: HTTPConnection) -> "openai.OpenAI":
    """Return the official SDK's client over the process's sync client, for path operations that are plain functions.

    Raises:
        RuntimeError: The application has no lifespan with a client.
        ImportError: The official SDK is not installed.
    """
    return provider_of(connection.scope).official


@cache
def official_ai_client(alias: str) -> "Callable[[HTTPConnection], Awaitable[openai.AsyncOpenAI]]":
    """Return the dependency for the official client over the async one of an alias.

    The same alias returns the same dependency, so that it works as a key of `app.dependency_overrides`.
    """

    async def get_aliased_official_ai_client(connection: HTTPConnection) -> "openai.AsyncOpenAI":
        return provider_of(connection.scope)[alias].async_official

    return get_aliased_official_ai_client


@cache
def sync_official_ai_client(alias: str) -> "Callable[[HTTPConnection], Awaitable[openai.OpenAI]]":
    """Return the dependency for the official client over the sync one of an alias."""

    async def get_aliased_sync_official_ai_client(connection: HTTPConnection) -> "openai.OpenAI":
        return provider_of(connection.scope)[alias].official

    return get_aliased_sync_official_ai_client
