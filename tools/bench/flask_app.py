"""The Flask application of the endpoint benchmark: one chat call per request, with several ways to get a client.

`gunicorn "tools.bench.flask_app:NAME()"` serves one of them.
"""

from collections.abc import Callable

import openai
from flask import Flask

import ai_client
from ai_client_flask import AIClient

from .fastapi_app import ASK


def ours_shared() -> Flask:
    """Use our client from the extension: one per process."""
    ai = AIClient()
    app = _application(lambda: ai.client.chat.completions.create(**ASK).choices[0].message.content)
    ai.init_app(app)
    return app


def ours_per_request() -> Flask:
    """Build our client in the view."""
    return _application(lambda: ai_client.OpenAI().chat.completions.create(**ASK).choices[0].message.content)


def official_shared() -> Flask:
    """Keep one official client next to the application."""
    client = openai.OpenAI()
    return _application(lambda: client.chat.completions.create(**ASK).choices[0].message.content)


def official_per_request() -> Flask:
    """Build an official client in the view, as many services do."""
    return _application(lambda: openai.OpenAI().chat.completions.create(**ASK).choices[0].message.content)


def _application(ask: Callable[[], str | None]) -> Flask:
    app = Flask("bench")

    @app.get("/ask")
    def view() -> str:
        return ask() or ""

    return app
