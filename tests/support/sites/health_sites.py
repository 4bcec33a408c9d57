"""Applications with routes for probes and a stream that lasts beyond the signal which ends the server."""

import os
import time
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, StreamingHttpResponse
from django.urls import include, path
from fastapi import FastAPI
from flask import Flask, Response, stream_with_context

from ai_client import ClientProvider
from ai_client_fastapi import SyncAIClientDep, ai_client_lifespan, health_routes
from ai_client_flask import AIClient

ASK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
OPTIONS: dict[str, Any] = {
    "api_key": "sk-verysecret",
    "base_url": os.environ.get("UPSTREAM", "http://127.0.0.1:9/v1"),
    "max_retries": 0,
    "shutdown_timeout": 60.0,
}

flask_app = Flask(__name__)
ai = AIClient(flask_app, **OPTIONS)
flask_app.register_blueprint(ai.health_blueprint())


def told(provider: ClientProvider) -> Iterator[str]:
    """Yield the first item of a stream, what becomes of the provider, and the rest."""
    stream = iter(provider.client.chat.completions.create(stream=True, **ASK))
    yield f"{next(stream).choices[0].delta.role}\n"
    while provider.state == "open":
        time.sleep(0.01)
    yield f"{provider.state}\n"
    yield f"{sum(1 for _ in stream)} more\n"


@flask_app.get("/stream")
def flask_stream() -> Response:
    """Pass on a stream."""
    return Response(stream_with_context(told(ai.provider)), content_type="text/plain")


if not settings.configured:
    settings.configure(
        ROOT_URLCONF=__name__,
        ALLOWED_HOSTS=["*"],
        INSTALLED_APPS=["ai_client_django"],
        MIDDLEWARE=["ai_client_django.middleware.AIClientMiddleware"],
        AI_CLIENT=OPTIONS,
        SECRET_KEY="x",
    )


def django_stream(request: HttpRequest) -> StreamingHttpResponse:
    """Pass on a stream."""
    del request
    return StreamingHttpResponse(told(settings.AI_CLIENT.provider))


urlpatterns = [path("health/", include("ai_client_django.health_urls")), path("stream", django_stream)]
django_app = get_wsgi_application()

fastapi_app = FastAPI(lifespan=ai_client_lifespan(**OPTIONS))
fastapi_app.include_router(health_routes(), prefix="/health")


@fastapi_app.get("/ask")
def ask(client: SyncAIClientDep) -> str | None:
    """Make a call in a thread."""
    return client.chat.completions.create(**ASK).choices[0].message.content
