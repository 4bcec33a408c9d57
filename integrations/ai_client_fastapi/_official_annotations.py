"""The official SDK's clients as annotations of FastAPI, which need both packages."""

from typing import Annotated

from fastapi import Depends
from openai import AsyncOpenAI, OpenAI

from ._official import get_official_ai_client, get_sync_official_ai_client

OfficialAIClientDep = Annotated[AsyncOpenAI, Depends(get_official_ai_client)]
"""A parameter of this type receives the official SDK's client over the process's async client."""

SyncOfficialAIClientDep = Annotated[OpenAI, Depends(get_sync_official_ai_client)]
"""A parameter of this type receives the official SDK's client over the process's sync client."""
