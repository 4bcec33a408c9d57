"""Views that call the client in each way."""

import os
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import path

from ai_client import current_labels
from ai_client_django import get_async_ai_client, stream_response
from ai_client_django._current import handle

PROMPT = "private".upper()  # the debug page shows this line, but must not show its value
ASK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": PROMPT}]}


def ask(request: HttpRequest, pk: int) -> HttpResponse:
    """Call the sync client."""
    del request, pk
    completion = settings.AI_CLIENT.chat.completions.create(**ASK)
    return _answer(completion.choices[0].message.content)


async def ask_async(request: HttpRequest, pk: int) -> HttpResponse:
    """Await the other client."""
    del request, pk
    completion = await settings.AI_CLIENT.async_client.chat.completions.create(**ASK)
    return _answer(completion.choices[0].message.content)


def ask_twice(request: HttpRequest) -> HttpResponse:
    """Make a call, and another when the server has been told to end."""
    ask(request, 1)
    while handle().provider.state == "open":
        time.sleep(0.01)
    return ask(request, 2)


def stream(request: HttpRequest) -> HttpResponseBase:
    """Pass on a stream of the sync client."""
    del request
    return stream_response(settings.AI_CLIENT.chat.completions.create(stream=True, **ASK))


async def stream_async(request: HttpRequest) -> HttpResponseBase:
    """Pass on a stream of the async client."""
    del request
    return stream_response(await get_async_ai_client().chat.completions.create(stream=True, **ASK))


def labels(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Tell the labels while the body is read."""
    del request, pk

    def body() -> Iterator[str | None]:
        yield current_labels().endpoint

    return stream_response(body())


async def labels_async(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Tell the labels while the body is read."""
    del request, pk

    async def body() -> AsyncIterator[str | None]:
        yield current_labels().endpoint

    return stream_response(body())


def broken(request: HttpRequest) -> HttpResponse:
    """Fail for a reason of its own."""
    raise LookupError(request.path)


def _answer(content: str) -> JsonResponse:
    return JsonResponse({"content": content, "endpoint": current_labels().endpoint, "pid": os.getpid()})


urlpatterns = [
    path("items/<int:pk>/", ask),
    path("async/<int:pk>/", ask_async),
    path("twice/", ask_twice),
    path("stream/", stream),
    path("stream-async/", stream_async),
    path("labels/<int:pk>/", labels),
    path("labels-async/<int:pk>/", labels_async),
    path("broken/", broken),
]
