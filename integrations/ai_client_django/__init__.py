"""The Django app: makes `settings.AI_CLIENT` the process's AI client.

    INSTALLED_APPS = [..., "ai_client_django"]
    AI_CLIENT = {"timeout": 30}

    settings.AI_CLIENT.chat.completions.create(...)
    await settings.AI_CLIENT.async_client.chat.completions.create(...)

`ai_client` and `get_ai_client()` return the same client, typed.
"""

from ai_client.adapter import require

require("django", "ai-client[django]")

from ._asgi import ai_client_asgi as ai_client_asgi
from ._current import (
    ai_client as ai_client,
    get_ai_client as get_ai_client,
    get_async_ai_client as get_async_ai_client,
)
from ._streaming import EventStreamResponse as EventStreamResponse, stream_response as stream_response

__all__ = [
    "EventStreamResponse",
    "ai_client",
    "ai_client_asgi",
    "get_ai_client",
    "get_async_ai_client",
    "stream_response",
]
