"""The Django app, which keeps a handle in place of the setting, through overrides too."""

from traceback import walk_stack
from types import ModuleType
from typing import Any

from django.apps import AppConfig
from django.core.signals import got_request_exception, setting_changed

from ai_client.adapter import Application, find_applications_by
from ai_client.stores import Backend, register_scheme

from . import _current
from ._handle import SETTING


class AIClientConfig(AppConfig):
    """Replaces `settings.AI_CLIENT` by the handle of the process's clients. Builds no client."""

    name = "ai_client_django"
    verbose_name = "AI client"

    def __init__(self, app_name: str, app_module: ModuleType | None) -> None:
        super().__init__(app_name, app_module)
        # Not in ready(): models and the ready() of other apps may use settings.AI_CLIENT earlier.
        _current.install()
        register_scheme("django-db", _open_database)
        find_applications_by(_found)

    def ready(self) -> None:
        """Register the checks; validate the options at once where no management command runs the system checks."""
        from . import checks, debug  # noqa: PLC0415 - both need the settings

        checks.register_all()
        debug.install_filter()
        setting_changed.connect(_changed, dispatch_uid="ai_client")
        got_request_exception.connect(debug.hide_in_reports_of, dispatch_uid="ai_client")
        if not _commanded():
            _ = _current.handle().provider


def _open_database(url: str) -> Backend:
    from .store.opening import open_database  # noqa: PLC0415 - imports Django's databases

    return open_database(url)


def _found(candidate: object) -> Application | None:
    from ._application import found  # noqa: PLC0415 - for commands

    return found(candidate)


def _commanded() -> bool:
    """Return whether a management command loads the apps: it reports faults as system checks, a server does not."""
    return any(frame.f_globals.get("__name__") == "django.core.management" for frame, _ in walk_stack(None))


def _changed(*, setting: str, enter: bool, **_: Any) -> None:
    from . import debug  # noqa: PLC0415 - needs the settings

    if setting == SETTING:
        _current.follow(enter=enter)
    elif setting == debug.FILTER_SETTING:
        debug.install_filter()
