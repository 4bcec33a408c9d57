"""The programs for Django, its settings included."""

import os

import django
import httpx
import openai
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path

import ai_client

from . import ASK

settings.configure(
    ALLOWED_HOSTS=["*"],
    DEBUG=bool(os.environ.get("DEBUG")),
    INSTALLED_APPS=["ai_client_django"],
    MIDDLEWARE=["ai_client_django.middleware.AIClientMiddleware"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="no secret",
)
django.setup()


def bad_ours(request: HttpRequest) -> HttpResponse:
    """Build a client of this package for the request."""
    del request
    client = ai_client.OpenAI()
    return HttpResponse(client.chat.completions.create(**ASK).choices[0].message.content)


def bad_official(request: HttpRequest) -> HttpResponse:
    """Build a client of the official SDK for the request."""
    del request
    client = openai.OpenAI()
    return HttpResponse(client.chat.completions.create(**ASK).choices[0].message.content)


def bad_http(request: HttpRequest) -> HttpResponse:
    """Have httpx build a client for the request."""
    del request
    return HttpResponse(httpx.get(os.environ["OPENAI_BASE_URL"] + "/models").status_code)


def good_ours(request: HttpRequest) -> HttpResponse:
    """Use the client of the process, and a copy of it."""
    del request
    client = settings.AI_CLIENT.with_options(timeout=30)
    return HttpResponse(client.chat.completions.create(**ASK).choices[0].message.content)


def good_official(request: HttpRequest) -> HttpResponse:
    """Use the official client of the process, and a copy of it."""
    del request
    client = settings.AI_CLIENT.official.with_options(timeout=30)
    return HttpResponse(client.chat.completions.create(**ASK).choices[0].message.content)


urlpatterns = [
    path("bad/ours", bad_ours),
    path("bad/official", bad_official),
    path("bad/http", bad_http),
    path("good/ours", good_ours),
    path("good/official", good_official),
]
app = get_wsgi_application()
