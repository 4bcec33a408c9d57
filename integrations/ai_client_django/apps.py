"""The Django app: it puts the handle in the place of the setting and keeps it there through overrides."""

from traceback import walk_stack
from types import ModuleType
from typing import Any

from django.apps import AppConfig
from django.core.signals import setting_changed

from . import _current
from ._settings import SETTING


class AIClientConfig(AppConfig):
    """Makes `settings.AI_CLIENT` the handle of the process's clients. No client is built here."""

    name = "ai_client_django"
    verbose_name = "AI client"

    def __init__(self, app_name: str, app_module: ModuleType | None) -> None:
        super().__init__(app_name, app_module)
        # Not as late as ready(): models and other apps' ready() may take settings.AI_CLIENT before ours is called.
        _current.install()

    def ready(self) -> None:
        """Register the checks, and check the options at once where no system check will."""
        from . import checks, debug  # noqa: PLC0415 - both need the settings

        checks.register_all()
        debug.install_filter()
        setting_changed.connect(_changed, dispatch_uid="ai_client")
        if not _commanded():
            _ = _current.handle().provider


def _commanded() -> bool:
    """Tell whether a management command loads the apps: it shows all faults as system checks, a server does not."""
    return any(frame.f_globals.get("__name__") == "django.core.management" for frame, _ in walk_stack(None))


def _changed(*, setting: str, enter: bool, **_: Any) -> None:
    if setting == SETTING:
        _current.follow(enter=enter)
