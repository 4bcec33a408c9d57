"""Replace a provider's clients for the duration of a test."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from ai_client.client import AsyncOpenAI, OpenAI
from ai_client.provider import ClientProvider, Clients
from ai_client.testing.server import Upstream


@contextmanager
def override(provider: ClientProvider | Clients, fake: Any, /) -> Generator[Any]:
    """Replace a provider's clients by *fake* inside the block, in every thread and task.

        with override(provider, upstream):
            app_client.post("/ask", ...)

    Args:
        provider: The application's provider, or `provider[alias]`.
        fake: An `Upstream`, which both clients then talk to; a client, which replaces that of its kind; or any
            other object,
            which replaces both.
    """
    if isinstance(fake, Upstream):
        stand_in = ClientProvider({"base_url": fake.base_url, "api_key": "test", "max_retries": 0})
        try:
            with provider.override(stand_in.client, stand_in.async_client):
                yield fake
        finally:
            stand_in.close()
    elif isinstance(fake, OpenAI):
        with provider.override(fake):
            yield fake
    elif isinstance(fake, AsyncOpenAI):
        with provider.override(None, fake):
            yield fake
    else:
        with provider.override(fake, fake):
            yield fake
