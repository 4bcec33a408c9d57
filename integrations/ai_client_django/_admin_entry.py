"""The dashboard's entry in the index and the sidebar of Django's admin, of each of its sites."""

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django.apps import apps
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import NoReverseMatch, reverse

from ._guards import asked
from ._staff import is_staff

_APP = "ai_client_django"
_guard: list[Callable[[HttpRequest], Any] | None] = []
"""That of the dashboard that was mounted last; empty until one is."""


def show_in_admin(namespace: str, guard: Callable[[HttpRequest], Any] | None) -> None:
    """Add an entry to the list of apps that the admin shows, for staff whom the guard allows.

    Args:
        namespace: That of the dashboard's URLs; while they are not mounted, there is no entry.
        guard: The dashboard's, if it has one.
    """
    if not apps.is_installed("django.contrib.admin"):
        return
    is_first = not _guard
    _guard[:] = [guard]
    if is_first:
        _extend(namespace)


def _extend(namespace: str) -> None:
    from django.contrib.admin import AdminSite  # noqa: PLC0415 - needs the settings

    listed = AdminSite.get_app_list

    @wraps(listed)
    def get_app_list(self: Any, request: Any, app_label: str | None = None) -> list[Any]:
        found = listed(self, request, app_label)
        entry = None if app_label else _entry(namespace, request)
        return found if entry is None else [*found, entry]

    cast("Any", AdminSite).get_app_list = get_app_list


def _entry(namespace: str, request: HttpRequest) -> dict[str, Any] | None:
    """Return the entry, as an app with one model; `None` for those who may not read the dashboard."""
    try:
        url = reverse(f"{namespace}:index")
    except NoReverseMatch:
        return None
    if not is_staff(request) or not _allows(request):
        return None
    page = {
        "model": None,
        "name": "AI calls",
        "object_name": "Dashboard",
        "perms": {"add": False, "change": False, "delete": False, "view": True},
        "admin_url": url,
        "add_url": None,
        "view_only": True,
    }
    return {
        "name": apps.get_app_config(_APP).verbose_name if apps.is_installed(_APP) else "AI client",
        "app_label": _APP,
        "app_url": url,
        "has_module_perms": True,
        "models": [page],
    }


def _allows(request: HttpRequest) -> bool:
    try:
        allowed = asked(_guard[0], request)
    except (PermissionDenied, Http404):
        return False
    return bool(allowed) and not isinstance(allowed, HttpResponseBase)
