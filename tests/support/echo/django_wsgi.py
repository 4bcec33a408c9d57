"""The echo application of Django for WSGI servers."""

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from tests.support.echo.made import use_before_fork

app = get_wsgi_application()
use_before_fork(lambda: settings.AI_CLIENT.client, lambda: settings.AI_CLIENT.async_client)
