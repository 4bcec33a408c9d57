"""Who is staff, and where a browser of somebody who is not logs in."""

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch, reverse
from django.utils.cache import add_never_cache_headers

from ai_client.errors import ConfigError


def is_staff(request: HttpRequest) -> bool:
    """Return whether a request is by somebody who may enter Django's admin."""
    user = getattr(request, "user", None)
    return bool(getattr(user, "is_active", False) and getattr(user, "is_staff", False))


def staff_guard(request: HttpRequest) -> bool | HttpResponseBase:
    """Return whether a request is by staff; to a browser that navigates, a redirect to where they log in.

    Raises:
        ConfigError: Requests have no user.
    """
    user = getattr(request, "user", None)
    if user is None:
        raise ConfigError(
            "The dashboard's staff check needs django.contrib.auth.middleware.AuthenticationMiddleware in MIDDLEWARE. "
            "Add it, or decide who may read the dashboard with guard, token, token_file or public=True."
        )
    if is_staff(request):
        return True
    login = _login_of_admin() or ("" if user.is_authenticated else resolve_url(settings.LOGIN_URL))
    if not login or not _navigates(request):
        return False
    from django.contrib.auth.views import redirect_to_login  # noqa: PLC0415 - needs all apps

    response = redirect_to_login(request.get_full_path(), login)
    add_never_cache_headers(response)
    return response


def _login_of_admin() -> str:
    """Return the address where the admin says who is not staff, and lets others log in; empty where there is none."""
    try:
        return reverse("admin:login")
    except NoReverseMatch:
        return ""


def _navigates(request: HttpRequest) -> bool:
    """Return whether a request is for a page that its user is to see, and not by a script or for a file."""
    mode = request.headers.get("sec-fetch-mode", "navigate")
    wants_page = "text/html" in request.headers.get("accept", "")
    return request.method in {"GET", "HEAD"} and mode == "navigate" and wants_page
