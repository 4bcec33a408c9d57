"""Every way to a client: by hand, by a provider, and by each framework's own client and `stream_response`."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import httpx
import openai

from ai_client import DefaultAioHttpClient, DefaultAsyncHttpxClient, DefaultHttpxClient
from tests.hostile.answers import Kind
from tests.hostile.frameworks import django, fastapi, flask
from tests.hostile.sites import (
    Options,
    Site,
    bare_awaitable,
    bare_blocking,
    provider_awaitable,
    provider_blocking,
)

BARE = {"blocking": bare_blocking, "awaitable": bare_awaitable}
OFFICIAL = ("official-blocking", "official-awaitable")
"""Clients of the official SDK over our transport, which know no policies of ours."""
WAYS: dict[str, Callable[[Kind, Options], AbstractContextManager[Site]]] = {
    **BARE,
    "provider-blocking": provider_blocking,
    "provider-awaitable": provider_awaitable,
    "httpx-blocking": lambda kind, options: bare_blocking(kind, options, httpx.Client),
    "httpx-awaitable": lambda kind, options: bare_awaitable(kind, options, httpx.AsyncClient),
    "default-blocking": lambda kind, options: bare_blocking(kind, options, DefaultHttpxClient),
    "default-awaitable": lambda kind, options: bare_awaitable(kind, options, DefaultAsyncHttpxClient),
    "aiohttp-awaitable": lambda kind, options: bare_awaitable(kind, options, DefaultAioHttpClient),
    OFFICIAL[0]: lambda kind, options: provider_blocking(kind, {**options, "client_class": openai.OpenAI}),
    OFFICIAL[1]: lambda kind, options: provider_awaitable(
        kind, {**options, "async_client_class": openai.AsyncOpenAI}
    ),
    "fastapi-blocking": lambda kind, options: fastapi(kind, options, blocking=True),
    "fastapi-awaitable": lambda kind, options: fastapi(kind, options, blocking=False),
    "wsgi-blocking": lambda kind, options: django(kind, options, blocking=True, asgi=False),
    "wsgi-awaitable": lambda kind, options: django(kind, options, blocking=False, asgi=False),
    "asgi-blocking": lambda kind, options: django(kind, options, blocking=True, asgi=True),
    "asgi-awaitable": lambda kind, options: django(kind, options, blocking=False, asgi=True),
    "flask-blocking": lambda kind, options: flask(kind, options, blocking=True),
    "flask-awaitable": lambda kind, options: flask(kind, options, blocking=False),
}
"""All ways by their names."""
FURTHER = frozenset(name for name in WAYS if name.startswith(("httpx", "default", "aiohttp", "official")))
"""Those over HTTP clients other than our own."""
ADAPTERS = frozenset(name for name in WAYS if name.startswith(("fastapi", "wsgi", "asgi", "flask")))
"""Those that pass a stream on to readers of their own."""


def made_of(client: Any) -> list[Any]:
    """Return a client and those that its policies made."""
    return [client, *(client._built_by_layers() if hasattr(client, "_built_by_layers") else ())]


def pools_of(client: Any) -> list[Any]:
    """Return the pools of ours that a client and those that its policies made stand on."""
    return [pool for one in made_of(client) for pool in _below(one)]


def _below(thing: Any) -> list[Any]:
    if hasattr(thing, "stats"):
        return [thing]
    if hasattr(thing, "_senders"):
        return [sender.pool for sender in thing._senders.values()]
    names = ("_sender", "pool", "client", "_client", "_transport")
    return next((_below(getattr(thing, name)) for name in names if hasattr(thing, name)), [])
