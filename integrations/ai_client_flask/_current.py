"""The current app's clients, from anywhere within an app context."""

from typing import cast

from flask import Flask, current_app
from werkzeug.local import LocalProxy

from ai_client import AsyncOpenAI, OpenAI
from ai_client.provider import DEFAULT_ALIAS, ClientProvider

from ._registration import provider_of


def current_provider() -> ClientProvider:
    """Return the provider of the current app.

    Raises:
        RuntimeError: No app context is active, the app has no `AIClient`, or its configuration has changed since the
            first use.
    """
    return provider_of(cast("LocalProxy[Flask]", current_app)._get_current_object())


def get_ai_client(alias: str = DEFAULT_ALIAS) -> OpenAI:
    """Return the current app's sync client.

    Raises:
        RuntimeError: No app context is active, the app has no `AIClient`, or its configuration has changed since the
            first use.
        ConfigError: There is no client of that alias.
    """
    return current_provider()[alias].client


def get_async_ai_client(alias: str = DEFAULT_ALIAS) -> AsyncOpenAI:
    """Return the current app's async client, which works on any event loop.

    Raises:
        RuntimeError: No app context is active, the app has no `AIClient`, or its configuration has changed since the
            first use.
        ConfigError: There is no client of that alias.
    """
    return current_provider()[alias].async_client


current_ai_client: OpenAI = cast("OpenAI", LocalProxy(get_ai_client))
"""A proxy for the current app's sync client, resolved on each use."""
