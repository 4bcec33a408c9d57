"""A small Flask app for the tests, in process and under real servers."""

import os
import time
from collections.abc import Iterator
from typing import Any

from flask import Flask, Response

from ai_client import current_labels
from ai_client_flask import AIClient, get_async_ai_client, stream_response

ASK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
ai = AIClient()


def create_app(**config: Any) -> Flask:
    """Make an app; the environment says where the upstream is, where *config* does not."""
    app = Flask(__name__)
    app.config["AI_CLIENT_BASE_URL"] = os.environ.get("UPSTREAM", "http://127.0.0.1:9/v1")
    app.config["AI_CLIENT_API_KEY"] = "sk-verysecret"
    app.config["AI_CLIENT_MAX_RETRIES"] = 0
    app.config.update(config)
    ai.init_app(app)
    app.add_url_rule("/items/<int:pk>", view_func=ask)
    app.add_url_rule("/async/<int:pk>", view_func=ask_async)
    app.add_url_rule("/twice", view_func=ask_twice)
    app.add_url_rule("/stream", view_func=stream)
    app.add_url_rule("/stream-async", view_func=stream_async)
    app.add_url_rule("/labels/<int:pk>", view_func=labels)
    return app


def ask(pk: int) -> dict[str, Any]:
    """Call the sync client."""
    del pk
    completion = ai.client.chat.completions.create(**ASK)
    return _answer(completion.choices[0].message.content)


async def ask_async(pk: int) -> dict[str, Any]:
    """Await the other client."""
    del pk
    completion = await ai.async_client.chat.completions.create(**ASK)
    return _answer(completion.choices[0].message.content)


def ask_twice() -> dict[str, Any]:
    """Make a call, and another when the server has been told to end."""
    ask(1)
    while ai.provider.state == "open":
        time.sleep(0.01)
    return ask(2)


def stream() -> Response:
    """Pass on a stream of the sync client."""
    return stream_response(ai.client.chat.completions.create(stream=True, **ASK))


async def stream_async() -> Response:
    """Pass on a stream of the async client."""
    return stream_response(await get_async_ai_client().chat.completions.create(stream=True, **ASK))


def labels(pk: int) -> Response:
    """Tell the labels while the body is read."""
    del pk

    def body() -> Iterator[str | None]:
        yield current_labels().endpoint

    return stream_response(body())


def _answer(content: str | None) -> dict[str, Any]:
    return {"content": content, "endpoint": current_labels().endpoint, "pid": os.getpid()}
