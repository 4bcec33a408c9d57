"""The echo application of Celery: a provider in a worker's processes."""

import asyncio
import os
from typing import Any

from celery import Celery

from ai_client import ClientProvider
from tests.support.echo.made import made, question, settings, use_before_fork

broker = os.environ.get("BROKER", "memory://")
app = Celery("echo", broker=broker, backend=broker.replace("memory://", "cache+memory://"))
app.conf.update(worker_prefetch_multiplier=1, broker_connection_retry_on_startup=True)
provider = ClientProvider(settings(os.environ))


@app.task
def ask(number: str) -> dict[str, Any]:
    """Call the sync client."""
    return made(provider.client, provider.client.chat.completions.create(**question(number)))


@app.task
def ask_async(number: str) -> dict[str, Any]:
    """Await the async client in a loop of the task's own."""
    return asyncio.run(_ask(number))


async def _ask(number: str) -> dict[str, Any]:
    client = provider.async_client
    return made(client, await client.chat.completions.create(**question(number)))


@app.task
def two(number: str) -> list[dict[str, Any]]:
    """Make two calls, one after the other."""
    return [ask(number), ask(number)]


use_before_fork(lambda: provider.client, lambda: provider.async_client)
