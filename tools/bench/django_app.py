"""The Django project of the endpoint benchmark: one chat call per request, with several ways to get a client.

`gunicorn "tools.bench.django_app:NAME()"` serves one of them.
"""

from collections.abc import Callable
from typing import Any

import django
import openai
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.urls import path

import ai_client

from .fastapi_app import ASK


def ours_shared() -> WSGIHandler:
    """Use our client from the settings: one per process."""
    return _application(
        lambda: settings.AI_CLIENT.chat.completions.create(**ASK).choices[0].message.content,
        INSTALLED_APPS=["ai_client_django"],
        AI_CLIENT={},
    )


def ours_per_request() -> WSGIHandler:
    """Build our client in the view."""
    return _application(lambda: ai_client.OpenAI().chat.completions.create(**ASK).choices[0].message.content)


def official_shared() -> WSGIHandler:
    """Keep one official client in a module variable."""
    client = openai.OpenAI()
    return _application(lambda: client.chat.completions.create(**ASK).choices[0].message.content)


def official_per_request() -> WSGIHandler:
    """Build an official client in the view, as many services do."""
    return _application(lambda: openai.OpenAI().chat.completions.create(**ASK).choices[0].message.content)


def _application(ask: Callable[[], str | None], **more: Any) -> WSGIHandler:
    settings.configure(
        ALLOWED_HOSTS=["*"],
        MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
        ROOT_URLCONF=__name__,
        **more,
    )
    django.setup()

    def view(_: HttpRequest) -> HttpResponse:
        return HttpResponse(ask() or "")

    globals()["urlpatterns"] = [path("ask", view)]
    return WSGIHandler()
