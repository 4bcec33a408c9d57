"""Error reports without secrets: local variables of the client's own frames hold keys and prompts."""

from collections.abc import ItemsView
from types import FrameType
from typing import Any

from django.conf import global_settings, settings
from django.http import HttpRequest
from django.views.debug import SafeExceptionReporterFilter

_PACKAGES = frozenset(
    {"ai_client", "ai_client_django", "h11", "h2", "httpcore", "httpcore2", "httpx", "httpx2", "ssl"}
)
_NOTHING: dict[str, Any] = {}


class ExceptionReporterFilter(SafeExceptionReporterFilter):
    """Django's filter, which also hides the variables of the client's own frames and its HTTP libraries'.

    It replaces Django's default. A project that sets `DEFAULT_EXCEPTION_REPORTER_FILTER` keeps its own, and may
    derive it from this class.
    """

    def get_traceback_frame_variables(
        self, request: HttpRequest | None, tb_frame: FrameType
    ) -> ItemsView[str, Any]:
        """Return the variables of a frame; none for a frame of the client or its HTTP libraries."""
        package = str(tb_frame.f_globals.get("__name__", "")).partition(".")[0]
        if package in _PACKAGES:
            return _NOTHING.items()
        return super().get_traceback_frame_variables(request, tb_frame)


def install_filter() -> None:
    """Replace Django's default filter; keep any other."""
    name = "DEFAULT_EXCEPTION_REPORTER_FILTER"
    if getattr(settings, name) == getattr(global_settings, name):
        setattr(settings, name, f"{__name__}.{ExceptionReporterFilter.__name__}")
