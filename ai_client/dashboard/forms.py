"""Forms that change something: only the dashboard's own pages may send them.

The browser holds a random value in a cookie, and each form repeats it, which no page of another origin can. It needs
no secret that the processes of an application would have to share.
"""

import hmac
import re
import secrets
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from .markup import Html, tag
from .request import PageRequest

FIELD = "form_token"
_COOKIE = "ai_client_form"
_VALUE = re.compile(r"[A-Za-z0-9_-]{43}")


class FormToken:
    """The random value that the forms of a page repeat.

    Args:
        request: The request for the page.

    Attributes:
        field: The hidden field that each form with `method="post"` must have.
        headers: The headers that the page must be sent with.
    """

    def __init__(self, request: PageRequest) -> None:
        held = _held(request)
        value = held or secrets.token_urlsafe(32)
        self.field: Html = tag("input", type="hidden", name=FIELD, value=value)
        path = request.address().rstrip("/") or "/"
        cookie = f"{_COOKIE}={value}; Path={path}; HttpOnly; SameSite=Strict"
        self.headers: Mapping[str, str] = {} if held else {"set-cookie": cookie}


def is_own_form(request: PageRequest) -> bool:
    """Return whether a form was sent by a page of the dashboard that this browser has got."""
    site = request.headers.get("sec-fetch-site")
    if site is not None and site != "same-origin":
        return False
    origin = request.headers.get("origin")
    if origin is not None and _host_of(origin) != request.headers.get("host") and site is None:
        return False
    held, given = _held(request), request.fields.get(FIELD, "")
    return held is not None and hmac.compare_digest(held.encode(), given.encode("utf-8", "replace"))


def _host_of(origin: str) -> str:
    """Return the host of an origin with its port; empty where it has none."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def _held(request: PageRequest) -> str | None:
    try:
        cookie = SimpleCookie(request.headers.get("cookie", "")).get(_COOKIE)
    except CookieError:
        return None
    return cookie.value if cookie is not None and _VALUE.fullmatch(cookie.value) else None
