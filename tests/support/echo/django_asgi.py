"""The echo application of Django for ASGI servers."""

from django.conf import settings
from django.core.asgi import get_asgi_application

from ai_client_django import ai_client_asgi
from tests.support.echo.made import use_before_fork

app = ai_client_asgi(get_asgi_application())
use_before_fork(lambda: settings.AI_CLIENT.client, lambda: settings.AI_CLIENT.async_client)
