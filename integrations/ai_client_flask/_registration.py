"""An app's provider, made of the configuration that the app has when a client is first used."""

import threading
import weakref
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, TypeAlias, cast
from weakref import WeakKeyDictionary

from flask import Flask, current_app

from ai_client.adapter import Application, Detector, Remedy, Settings, find_applications_by
from ai_client.errors import ConfigError
from ai_client.provider import DEFAULT_ALIAS, ClientProvider

KEY = "ai_client"
PREFIX = "AI_CLIENT_"
Keywords: TypeAlias = Mapping[str, Mapping[str, Any]]
_REMEDY = Remedy(
    "Use that of the process: current_ai_client, or `client` or `async_client` of the extension.",
    "Use that of the process: `official` or `async_official` of the extension.",
)


class Registration:
    """The provider of one app: what is configured until its first use counts, and later changes are errors.

    Args:
        config: The app's configuration, validated at once.
        keywords: Options by alias for what the configuration leaves open.

    Raises:
        ConfigError: A key is unknown or its value is invalid.

    Attributes:
        detector: What detects clients that views build.
    """

    def __init__(self, config: Mapping[str, Any], keywords: Keywords) -> None:
        self._keywords = _copied(keywords)
        self._checked = _Made(self.settings(config), config).given
        self._used: dict[str, _Made] = {}
        self.detector = Detector(asked=False)
        self._has_begun = False

    def settings(self, config: Mapping[str, Any]) -> Settings:
        """Return the options of the app's clients, not validated yet."""
        return Settings.from_keys(config, prefix=PREFIX, keywords=self._keywords, place="flask")

    def provider(self, config: Mapping[str, Any]) -> ClientProvider:
        """Return the provider, for use.

        Args:
            config: The app's configuration as it is now.

        Raises:
            ConfigError: The configuration has changed before this first use, and a key is unknown or its value invalid.
            RuntimeError: The configuration has changed since the first use.
        """
        given = _keys_of(config)
        used = self._used.get("provider")
        if used is None:
            made = _Made(self.settings(config), config, warn=given != self._checked)
            # atomic without a lock, which another thread might hold where the process forks
            used = self._used.setdefault("provider", made)
        if used.given != given:
            raise RuntimeError(
                f"{', '.join(_changed(used.given, given))} changed after the AI clients of this app were first used, "
                "so it has no effect. Configure the app before, or make another one; in a test, replace the clients: "
                "`with ai.override(app, fake)`."
            )
        return used.provider

    def detect_extra_clients(self) -> None:
        """Begin with the first request of the current app to detect clients that its views build."""
        if self._has_begun:
            return
        self._has_begun = True
        with suppress(ConfigError):  # who uses a client raises it
            configs = self.settings(current_app.config).make_configs()
            if any(config.alerts_of_extra_clients for config in configs.values()):
                self.provider(current_app.config)  # whose own detector tells the alerts
            asked = configs[DEFAULT_ALIAS].warn_on_extra_clients
            self.detector = Detector(asked, debug=current_app.debug, remedy=_REMEDY)
            self.detector.start()

    def used(self) -> ClientProvider | None:
        """Return the provider if it has been used."""
        used = self._used.get("provider")
        return None if used is None else used.provider


registrations: WeakKeyDictionary[Flask, Registration] = WeakKeyDictionary()


def registration_for(app: Flask, keywords: Keywords) -> Registration:
    """Return what to register an app with.

    Args:
        app: The app.
        keywords: Options by alias for what its configuration leaves open.

    Raises:
        ConfigError: A key is unknown or its value is invalid.
        RuntimeError: The app is registered already, or another extension has the place.
    """
    if app in registrations:
        raise RuntimeError(
            "This app already has an AIClient. Configure further clients in AI_CLIENT_CLIENTS."
        )
    if KEY in app.extensions:
        raise RuntimeError(f"{_owner(app)} Register only one of them with this app.")
    return Registration(app.config, keywords)


def provider_of(app: Flask) -> ClientProvider:
    """Return the provider of an app, for use.

    Raises:
        RuntimeError: The app has no `AIClient`, or its configuration has changed since the first use.
        ConfigError: Its configuration has changed before and is invalid.
    """
    return registration_of(app).provider(app.config)


def registration_of(app: Flask) -> Registration:
    """Return the registration of an app.

    Raises:
        RuntimeError: The app has no `AIClient`.
    """
    registration = registrations.get(app)
    if registration is None:
        owner = f" {_owner(app)}" if KEY in app.extensions else ""
        raise RuntimeError(
            f"This app has no AI client.{owner} Call AIClient(app), or init_app(app) in its factory."
        )
    return registration


def application_of_flask(app: Flask) -> Application:
    """Return an app as commands see it.

    Raises:
        RuntimeError: It has no `AIClient`.
    """
    settings = registration_of(app).settings(app.config)
    return Application(f"Flask app {app.name!r}", settings, lambda: provider_of(app), app.app_context)


def _found(candidate: object) -> Application | None:
    return (
        application_of_flask(candidate)
        if isinstance(candidate, Flask) and candidate in registrations
        else None
    )


find_applications_by(_found)


def _owner(app: Flask) -> str:
    owner: object = app.extensions[KEY]
    kind = type(owner)
    return f"app.extensions[{KEY!r}] is of another extension: {kind.__module__}.{kind.__qualname__}."


def close_with(app: Flask, registration: Registration) -> None:
    """Have the clients of an app closed once it is collected."""
    weakref.finalize(app, _close_later, registration).atexit = False


def _close_later(registration: Registration) -> None:
    """Close the clients of a collected app in a thread: the garbage collector may run in any, and must not block it."""
    registration.detector.stop()
    provider = registration.used()
    if provider is not None:
        threading.Thread(target=provider.close, name="ai-client-close").start()


class _Made:
    """A provider and the keys that it was made of."""

    def __init__(self, settings: Settings, config: Mapping[str, Any], *, warn: bool = True) -> None:
        self.given = _copied(_keys_of(config))
        self.provider = settings.make_provider(warn=warn)


def _keys_of(config: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in config.items() if str(key).startswith(PREFIX)}


def _changed(before: Mapping[str, Any], given: Mapping[str, Any]) -> list[str]:
    kept = [key for key in before.keys() & given.keys() if before[key] == given[key]]
    return sorted((before.keys() | given.keys()).difference(kept))


def _copied(value: Any) -> Any:
    """Return a value that does not change when somebody changes a dict or a list within."""
    if isinstance(value, dict):
        return {key: _copied(each) for key, each in cast("dict[Any, Any]", value).items()}
    if isinstance(value, list):
        return [_copied(each) for each in cast("list[Any]", value)]
    return value
