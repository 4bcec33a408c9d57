"""Every way to a client: by hand, by a provider, and by each framework's own client and `stream_response`."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import httpx
import openai

from ai_client import DefaultAioHttpClient, DefaultAsyncHttpxClient, DefaultHttpxClient
from tests.support.hostile.answers import Kind
from tests.support.hostile.frameworks import django, fastapi, flask
from tests.support.hostile.sites import (
    Options,
    Site,
    bare_async,
    bare_sync,
    provider_async,
    provider_sync,
)

BARE = {"sync": bare_sync, "async": bare_async}
OFFICIAL = ("official-sync", "official-async")
"""Clients of the official SDK over ours."""
WAYS: dict[str, Callable[[Kind, Options], AbstractContextManager[Site]]] = {
    **BARE,
    "provider-sync": provider_sync,
    "provider-async": provider_async,
    "httpx-sync": lambda kind, options: bare_sync(kind, options, httpx.Client),
    "httpx-async": lambda kind, options: bare_async(kind, options, httpx.AsyncClient),
    "default-sync": lambda kind, options: bare_sync(kind, options, DefaultHttpxClient),
    "default-async": lambda kind, options: bare_async(kind, options, DefaultAsyncHttpxClient),
    "aiohttp-async": lambda kind, options: bare_async(kind, options, DefaultAioHttpClient),
    OFFICIAL[0]: lambda kind, options: provider_sync(kind, {**options, "client_class": openai.OpenAI}),
    OFFICIAL[1]: lambda kind, options: provider_async(
        kind, {**options, "async_client_class": openai.AsyncOpenAI}
    ),
    "fastapi-sync": lambda kind, options: fastapi(kind, options, sync=True),
    "fastapi-async": lambda kind, options: fastapi(kind, options, sync=False),
    "wsgi-sync": lambda kind, options: django(kind, options, sync=True, asgi=False),
    "wsgi-async": lambda kind, options: django(kind, options, sync=False, asgi=False),
    "asgi-sync": lambda kind, options: django(kind, options, sync=True, asgi=True),
    "asgi-async": lambda kind, options: django(kind, options, sync=False, asgi=True),
    "flask-sync": lambda kind, options: flask(kind, options, sync=True),
    "flask-async": lambda kind, options: flask(kind, options, sync=False),
}
"""All ways by their names."""
FURTHER = frozenset(name for name in WAYS if name.startswith(("httpx", "default", "aiohttp", "official")))
"""Those over HTTP clients other than our own."""
ADAPTERS = frozenset(name for name in WAYS if name.startswith(("fastapi", "wsgi", "asgi", "flask")))
"""Those that pass a stream on to readers of their own."""


def made_of(client: Any) -> list[Any]:
    """Return a client, the one of ours below it, where it is another's, and those that its policies made."""
    if hasattr(client, "_built_by_layers"):
        return [client, *client._built_by_layers()]
    return [client, *made_of(client._client._transport.client)]


def pools_of(client: Any) -> list[Any]:
    """Return the pools of ours that a client and those that its policies made stand on."""
    return [pool for one in made_of(client) for pool in _below(one)]


def _below(thing: Any) -> list[Any]:
    if hasattr(thing, "stats") and thing.stats() is not None:  # as of a sender over a user's HTTP client
        return [thing]
    if hasattr(thing, "_senders"):
        return [sender.pool for sender in thing._senders.values()]
    names = ("_sender", "pool", "client", "_client", "_transport")
    return next((_below(getattr(thing, name)) for name in names if hasattr(thing, name)), [])
