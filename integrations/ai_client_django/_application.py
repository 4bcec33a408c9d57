"""The project as commands see it."""

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.base import BaseHandler

from ai_client.adapter import Application
from ai_client.commands import CommandError
from ai_client.errors import ConfigError

from ._asgi import wraps_application
from ._current import handle
from ._handle import SETTING


def application() -> Application:
    """Return the project.

    Raises:
        CommandError: The app is not loaded.
    """
    try:
        current = handle()
    except ImproperlyConfigured as error:
        raise CommandError(str(error)) from error
    try:
        written = current.settings
    except ConfigError:  # which the provider raises too
        written = None
    return Application(f"settings.{SETTING}", written, lambda: current.provider)


def found(candidate: object) -> Application | None:
    """Return the project if an object stands for it: its settings, or its WSGI or ASGI application."""
    is_django = candidate is settings or isinstance(candidate, BaseHandler) or wraps_application(candidate)
    return application() if is_django else None
