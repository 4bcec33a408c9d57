"""Answers of the dashboard, with the headers that each must have."""

from collections.abc import Mapping

from ..operations.page import RenderedPage
from .markup import Html

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self';"
    " form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
"""The content security policy: only files of the page itself, nothing inline."""
HEADERS: Mapping[str, str] = {
    "cache-control": "no-store",
    "content-security-policy": POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


def reply(
    body: str | bytes,
    kind: str = "text/plain; charset=utf-8",
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> RenderedPage:
    """Return an answer with the headers that each has, and *headers* besides or instead."""
    content = body.encode("utf-8", "replace") if isinstance(body, str) else body
    return RenderedPage(status, {**HEADERS, "content-type": kind, **(headers or {})}, content)


def html_reply(page: Html, status: int = 200, headers: Mapping[str, str] | None = None) -> RenderedPage:
    """Return a page."""
    return reply(page, "text/html; charset=utf-8", status, headers)


def json_reply(text: str, status: int = 200) -> RenderedPage:
    """Return JSON."""
    return reply(text, "application/json", status)


def csv_reply(text: str, name: str) -> RenderedPage:
    """Return CSV as a file to keep, called *name*."""
    disposition = f'attachment; filename="{name}.csv"'
    return reply(text, "text/csv; charset=utf-8", headers={"content-disposition": disposition})


def redirect_reply(address: str) -> RenderedPage:
    """Return where a form that was sent leads; the browser gets that page with GET."""
    return reply("", status=303, headers={"location": address})
