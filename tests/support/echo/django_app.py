"""The echo application of Django: settings, addresses and views in one module."""

import os
import time
from collections.abc import Iterator
from typing import Any

from django.conf import settings as django_settings

from tests.support.echo.made import made, question, settings

SECRET_KEY = "not-secret"
ALLOWED_HOSTS = ["*"]
DEBUG = False
ROOT_URLCONF = __name__
WSGI_APPLICATION = "tests.support.echo.django_wsgi.app"
INSTALLED_APPS = ["ai_client_django", "django.contrib.staticfiles"]
STATIC_URL = "static/"
MIDDLEWARE = ["ai_client_django.middleware.AIClientMiddleware"]
USE_TZ = True
AI_CLIENT = settings(os.environ)

os.environ.setdefault("DJANGO_SETTINGS_MODULE", __name__)


def ask(request: Any, number: str) -> Any:
    """Call the sync client."""
    from django.http import JsonResponse

    del request
    return JsonResponse(_ask(number))


def _ask(number: str) -> dict[str, Any]:
    client = django_settings.AI_CLIENT.client
    return made(client, client.chat.completions.create(**question(number)))


async def ask_async(request: Any, number: str) -> Any:
    """Await the async client."""
    from django.http import JsonResponse

    del request
    client = django_settings.AI_CLIENT.async_client
    return JsonResponse(made(client, await client.chat.completions.create(**question(number))))


def two(request: Any, number: str) -> Any:
    """Make two calls, one after the other."""
    from django.http import JsonResponse

    del request
    return JsonResponse([_ask(number), _ask(number)], safe=False)


def generator(request: Any, number: str) -> Any:
    """Make two calls while the body is sent, with a pause between them."""
    from django.http import StreamingHttpResponse

    del request

    def body() -> Iterator[str]:
        for _ in range(2):
            yield f"{_ask(number)['text']}\n"
            time.sleep(0.5)

    return StreamingHttpResponse(body())


def stream(request: Any, number: str) -> Any:
    """Pass on a stream."""
    from ai_client_django import stream_response

    del request
    return stream_response(
        django_settings.AI_CLIENT.client.chat.completions.create(stream=True, **question(number))
    )


def __getattr__(name: str) -> Any:
    """Make the table of addresses once Django asks for it: it cannot be imported before these settings are."""
    if name != "urlpatterns":
        raise AttributeError(name)
    from django.urls import path

    views = {"sync": ask, "async": ask_async, "two": two, "generator": generator, "stream": stream}
    return [path(f"{prefix}/<number>", view) for prefix, view in views.items()]
