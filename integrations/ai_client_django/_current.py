"""The handle in the settings, and the clients it stands for."""

from typing import TYPE_CHECKING, Any, cast

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from ._handle import SettingsHandle
from ._settings import DEFAULT, SETTING

if TYPE_CHECKING:
    from ai_client import AsyncOpenAI, OpenAI

_shown: SettingsHandle | None = None


def install() -> SettingsHandle:
    """Put a handle in the place of the setting, unless one is there; give the one that is there then."""
    global _shown  # noqa: PLW0603 - the settings are the process's too
    given: object = getattr(settings, SETTING, None)
    if not isinstance(given, SettingsHandle):
        given = SettingsHandle({} if given is None else given)
        setattr(settings, SETTING, given)
    _shown = given
    return given


def follow(*, enter: bool) -> None:
    """Take notice of a setting that was overridden, or restored; then the clients of the override are closed."""
    before = _shown
    handle = install()
    if enter:
        _ = handle.provider
    elif before is not None and before is not handle:
        before.close()


def handle() -> SettingsHandle:
    """Give the present handle.

    Raises:
        ImproperlyConfigured: The app is not installed, or not loaded yet.
    """
    found = getattr(settings, SETTING, None)
    if isinstance(found, SettingsHandle):
        return found
    raise ImproperlyConfigured(
        'The AI client is not loaded: add "ai_client_django" to INSTALLED_APPS, and call django.setup() in scripts.'
    )


def get_ai_client(alias: str = DEFAULT) -> "OpenAI":
    """Give the process's sync client.

    Raises:
        ImproperlyConfigured: The app is not installed, or not loaded yet.
        ConfigError: There is no client of that alias, or the setting is faulty.
    """
    return handle().provider[alias].client


def get_async_ai_client(alias: str = DEFAULT) -> "AsyncOpenAI":
    """Give the process's async client, for any event loop.

    Raises:
        ImproperlyConfigured: The app is not installed, or not loaded yet.
        ConfigError: There is no client of that alias, or the setting is faulty.
    """
    return handle().provider[alias].async_client


class _CurrentClient:
    """Stands for the client that `settings.AI_CLIENT` stands for at the time of use."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # what looks into objects must not build a client
            raise AttributeError(name)
        return getattr(get_ai_client(), name)

    def __repr__(self) -> str:
        return f"<the client of settings.{SETTING}>"


ai_client: "OpenAI" = cast("OpenAI", _CurrentClient())
"""The process's sync client, found anew at each use; it can be imported before the settings are loaded."""
