"""The project for ASGI servers."""

import os

from django.core.asgi import get_asgi_application

from ai_client_django import ai_client_asgi

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example_apps.django_chat.settings")
application = ai_client_asgi(get_asgi_application())
