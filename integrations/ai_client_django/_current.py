"""The handle in the settings, and functions that return its clients."""

from typing import Any, NoReturn, cast

from django.conf import LazySettings, settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.functional import empty

from ai_client import AsyncOpenAI, OpenAI
from ai_client.provider import DEFAULT_ALIAS

from ._handle import SETTING, SettingsHandle
from ._members import refuse_assignment

_shown: SettingsHandle | None = None


def install() -> SettingsHandle:
    """Replace the setting by a handle, unless it is one already; return the handle."""
    global _shown  # noqa: PLW0603 - the settings are global too
    setattr(LazySettings, SETTING, property(_read))
    given: object = getattr(settings, SETTING, None)
    if not isinstance(
        given, SettingsHandle
    ):  # there was no setting, or other settings are in the place of Django's
        given = _handle_of(given)
        setattr(settings, SETTING, given)
    _shown = given
    return given


def _read(of: LazySettings) -> SettingsHandle:
    """Return the handle of Django's settings; a plain assignment, of which no signal tells, may have replaced it."""
    holder: Any = object.__getattribute__(of, "_wrapped")  # lazy objects take a detour, on each use
    if holder is empty:
        raise AttributeError(SETTING)  # Django loads the settings, or says what is missing
    given: object = getattr(holder, SETTING)
    if not isinstance(given, SettingsHandle):
        given = _handle_of(given)
        setattr(holder, SETTING, given)
    return given


def _handle_of(given: object) -> SettingsHandle:
    return SettingsHandle({} if given is None else given)


def follow(*, enter: bool) -> None:
    """Handle an override of the setting (*enter*) or its end, which closes the clients of the override."""
    before = _shown
    handle = install()
    if enter:
        _ = handle.provider
    elif before is not None and before is not handle:
        before.close_clients()


def handle() -> SettingsHandle:
    """Return the current handle.

    Raises:
        ImproperlyConfigured: The app is not installed or not loaded yet.
    """
    found = getattr(settings, SETTING, None)
    if isinstance(found, SettingsHandle):
        return found
    if _shown is not None:  # loaded, but the setting was deleted since
        return install()
    raise ImproperlyConfigured(
        'The AI client is not loaded. Add "ai_client_django" to INSTALLED_APPS, and call django.setup() in scripts.'
    )


def get_ai_client(alias: str = DEFAULT_ALIAS) -> OpenAI:
    """Return the process's sync client.

    Raises:
        ImproperlyConfigured: The app is not installed or not loaded yet.
        ConfigError: There is no client of that alias, or the setting is invalid.
    """
    return handle().provider[alias].client


def get_async_ai_client(alias: str = DEFAULT_ALIAS) -> AsyncOpenAI:
    """Return the process's async client, which works on any event loop.

    Raises:
        ImproperlyConfigured: The app is not installed or not loaded yet.
        ConfigError: There is no client of that alias, or the setting is invalid.
    """
    return handle().provider[alias].async_client


class _CurrentClient:
    """A proxy for the current client of `settings.AI_CLIENT`."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            current = handle()
        except ImproperlyConfigured:
            if name.startswith("_"):  # the object is only shown
                raise AttributeError(name) from None
            raise
        return getattr(current.client_having(name), name)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        refuse_assignment("ai_client", name)

    def __delattr__(self, name: str) -> NoReturn:
        refuse_assignment("ai_client", name)

    def __dir__(self) -> list[str]:
        current = getattr(settings, SETTING, None) if settings.configured else None
        names = current.client_members() if isinstance(current, SettingsHandle) else ()
        return sorted({*super().__dir__(), *names})

    def __repr__(self) -> str:
        return f"<the client of settings.{SETTING}>"


ai_client: OpenAI = cast("OpenAI", _CurrentClient())
"""A proxy for the process's sync client, resolved on each use; it can be imported before the settings are loaded."""
