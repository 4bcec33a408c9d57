"""The clients of a request: functions that FastAPI takes as dependencies, and Starlette's routes call."""

from collections.abc import Awaitable, Callable
from functools import cache

from starlette.requests import HTTPConnection

from ai_client import AsyncOpenAI, OpenAI, operations

from ._late import provider_of


async def get_ai_client(connection: HTTPConnection) -> AsyncOpenAI:
    """Return the process's async client, for HTTP and WebSocket routes; in plain Starlette, await it with the request.

    Raises:
        RuntimeError: The application has no lifespan with a client.
    """
    return provider_of(connection.scope).async_client


async def get_sync_ai_client(connection: HTTPConnection) -> OpenAI:
    """Return the process's sync client, for path operations that are plain functions.

    Raises:
        RuntimeError: The application has no lifespan with a client.
    """
    return provider_of(connection.scope).client


async def get_ai_budgets(connection: HTTPConnection) -> "operations.BudgetBook":
    """Return the balances of the budgets: `await budgets.aremaining()` is what is left to the request's tenant.

    Raises:
        RuntimeError: The application has no lifespan with a client.
    """
    return provider_of(connection.scope).budgets


async def get_ai_usage(connection: HTTPConnection) -> "operations.UsageBook":
    """Return the reports on usage: `await usage.areport(by=["endpoint"])`.

    Raises:
        RuntimeError: The application has no lifespan with a client.
    """
    return provider_of(connection.scope).usage


@cache
def ai_client(alias: str) -> Callable[[HTTPConnection], Awaitable[AsyncOpenAI]]:
    """Return the dependency for the async client of an alias: `Depends(ai_client("azure"))`.

    The same alias returns the same dependency, so that it works as a key of `app.dependency_overrides`.
    """

    async def get_aliased_ai_client(connection: HTTPConnection) -> AsyncOpenAI:
        return provider_of(connection.scope)[alias].async_client

    return get_aliased_ai_client


@cache
def sync_ai_client(alias: str) -> Callable[[HTTPConnection], Awaitable[OpenAI]]:
    """Return the dependency for the sync client of an alias: `Depends(sync_ai_client("azure"))`."""

    async def get_aliased_sync_ai_client(connection: HTTPConnection) -> OpenAI:
        return provider_of(connection.scope)[alias].client

    return get_aliased_sync_ai_client
