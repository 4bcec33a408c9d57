"""The part that needs FastAPI: dependencies as annotations, and a router that carries a lifespan."""

from collections.abc import Mapping
from typing import Annotated, Unpack

from fastapi import APIRouter, Depends

from ai_client import AsyncOpenAI, ClientOptions, ClientProvider, OpenAI

from ._dependencies import get_ai_client, get_sync_ai_client
from ._lifespan import Config, ai_client_lifespan

AIClientDep = Annotated[AsyncOpenAI, Depends(get_ai_client)]
"""A parameter of this type receives the process's async client."""

SyncAIClientDep = Annotated[OpenAI, Depends(get_sync_ai_client)]
"""A parameter of this type receives the process's sync client."""


def ai_client_router(
    config: Config | ClientProvider | None = None,
    *,
    aliases: Mapping[str, Config] | None = None,
    **options: Unpack[ClientOptions],
) -> APIRouter:
    """Return a router without routes that carries the clients' lifespan, for `app.include_router`.

    For applications that cannot set their own lifespan; the arguments are those of `ai_client_lifespan`.
    """
    return APIRouter(lifespan=ai_client_lifespan(config, aliases=aliases, **options))
