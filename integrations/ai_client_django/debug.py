"""Error reports without secrets: the setting holds them, and so do variables of the client's own frames."""

import copy
from collections.abc import ItemsView, Mapping
from types import FrameType
from typing import Any, cast

from django.conf import global_settings, settings
from django.http import HttpRequest
from django.utils.module_loading import import_string
from django.views.debug import SafeExceptionReporterFilter, get_default_exception_reporter_filter

from ai_client.adapter import shown

from ._handle import Handle

FILTER_SETTING = "DEFAULT_EXCEPTION_REPORTER_FILTER"
_PACKAGES = frozenset(
    {
        "ai_client",
        "ai_client_django",
        "aiohttp",
        "h11",
        "h2",
        "httpcore",
        "httpcore2",
        "httpx",
        "httpx2",
        "openai",
        "redis",
        "ssl",
        "websockets",
    }
)
_NOTHING: dict[str, Any] = {}


class _Hiding:
    """Methods that are put in front of those of a filter, Django's or the project's own."""

    def cleanse_setting(self, key: str | int, value: Any) -> Any:
        """Return a setting without secrets; of `AI_CLIENT`, what its repr shows."""
        above: Any = super()
        return above.cleanse_setting(key, _masked(value) if isinstance(value, Handle) else value)

    def get_safe_settings(self) -> dict[str, Any]:
        """Return the settings without the secrets of `AI_CLIENT`, even if the filter behind cleanses nothing."""
        above: Any = super()
        safe: Mapping[str, Any] = above.get_safe_settings()
        return {name: _masked(value) if isinstance(value, Handle) else value for name, value in safe.items()}

    def get_traceback_frame_variables(
        self, request: HttpRequest | None, tb_frame: FrameType
    ) -> ItemsView[str, Any]:
        """Return the variables of a frame; none for the client's frames and those of libraries that it sends with."""
        package = str(tb_frame.f_globals.get("__name__", "")).partition(".")[0]
        if package in _PACKAGES:
            return _NOTHING.items()
        above: Any = super()
        found: ItemsView[str, Any] = above.get_traceback_frame_variables(request, tb_frame)
        return found


class ExceptionReporterFilter(_Hiding, SafeExceptionReporterFilter):
    """Django's filter, which also hides the secrets of `AI_CLIENT` and the variables of the client's own frames.

    It takes the place of Django's default. A filter that the project configures, or sets on a request, keeps what it
    hides and hides this as well.
    """


class _Path(str):
    """The path of `composed_filter`, with that of the project's filter, so that overrides of the setting nest."""

    __slots__ = ("own",)
    own: str


def install_filter() -> None:
    """Put what this module hides in front of the configured filter."""
    path: str = getattr(settings, FILTER_SETTING)
    ours = f"{__name__}.{ExceptionReporterFilter.__name__}"
    if path == getattr(global_settings, FILTER_SETTING):
        setattr(settings, FILTER_SETTING, ours)
    elif path != ours and not isinstance(path, _Path):
        composed = _Path(f"{__name__}.{composed_filter.__name__}")
        composed.own = path
        setattr(settings, FILTER_SETTING, composed)
    cast("Any", get_default_exception_reporter_filter).cache_clear()


def composed_filter() -> Any:
    """Make the filter that the project configured, behind what this module hides; Django calls this by its path."""
    path = cast("_Path", getattr(settings, FILTER_SETTING))
    return _in_front_of(import_string(path.own)())


def hide_in_reports_of(*, request: HttpRequest | None = None, **_: Any) -> None:
    """Put what this module hides in front of a request's own filter; a receiver of `got_request_exception`."""
    own = getattr(request, "exception_reporter_filter", None)
    if own is not None:
        cast("Any", request).exception_reporter_filter = _in_front_of(own)


def _in_front_of(own: Any) -> Any:
    kind = cast("type[Any]", type(own))
    if issubclass(kind, _Hiding):
        return own
    composed = copy.copy(own)
    composed.__class__ = type(kind.__name__, (_Hiding, kind), {})
    return composed


def _masked(options: Mapping[str, Any]) -> dict[str, Any]:
    return {
        str(name): _masked(value) if isinstance(value, Handle) else shown(name, value)
        for name, value in options.items()
    }
