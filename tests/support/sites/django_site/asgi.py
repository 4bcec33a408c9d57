"""The site for ASGI servers."""

import os

from django.core.asgi import get_asgi_application

from ai_client_django import ai_client_asgi

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.support.sites.django_site.settings")
application = ai_client_asgi(get_asgi_application())
