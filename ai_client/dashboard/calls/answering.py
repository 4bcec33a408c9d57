"""Which page about calls answers which request."""

from typing import Any, Protocol

from ...operations.page import RenderedPage
from ..layout import document
from ..markup import tag
from ..replies import html_reply
from ..request import PageRequest


class Shown(Protocol):
    """The dashboard, as these pages see it."""

    title: str
    development: bool


def answer_calls(provider: Any, request: PageRequest, page: Shown) -> RenderedPage | None:
    """Return the page about calls that a request asks for; `None` where there is none.

    Args:
        provider: The provider.
        request: The request: its path is `calls`, or begins with `calls/`.
        page: The dashboard.
    """
    del provider
    if request.path != "calls":
        return None
    content = tag("h1", "Calls")
    return html_reply(document(request, f"Calls - {page.title}", content, heading=page.title))
