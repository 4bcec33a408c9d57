"""The echo application of Flask."""

import os
import time
from collections.abc import Iterator
from typing import Any

from flask import Flask, Response, stream_with_context

from ai_client_flask import AIClient, stream_response
from tests.support.echo.made import made, question, settings, use_before_fork

app = Flask(__name__)
app.config.update({f"AI_CLIENT_{name.upper()}": value for name, value in settings(os.environ).items()})
ai = AIClient(app)


@app.get("/sync/<number>")
def ask(number: str) -> dict[str, Any]:
    """Call the sync client."""
    return made(ai.client, ai.client.chat.completions.create(**question(number)))


@app.get("/async/<number>")
async def ask_async(number: str) -> dict[str, Any]:
    """Await the async client."""
    client = ai.async_client
    return made(client, await client.chat.completions.create(**question(number)))


@app.get("/two/<number>")
def two(number: str) -> list[dict[str, Any]]:
    """Make two calls, one after the other."""
    return [ask(number), ask(number)]


@app.get("/generator/<number>")
def generator(number: str) -> Response:
    """Make two calls while the body is sent, with a pause between them."""

    def body() -> Iterator[str]:
        for _ in range(2):
            yield f"{ask(number)['text']}\n"
            time.sleep(0.5)

    return Response(stream_with_context(body()))


@app.get("/stream/<number>")
def stream(number: str) -> Response:
    """Pass on a stream."""
    return stream_response(ai.client.chat.completions.create(stream=True, **question(number)))


with app.app_context():
    use_before_fork(lambda: ai.client, lambda: ai.async_client)
