"""Which page about calls answers which request."""

from typing import Any, Protocol

from ...errors import ConfigError, OpenAIError
from ...operations.export import as_csv, json_of
from ...operations.journal import JournalBook, JournalEntry
from ...operations.page import RenderedPage
from ..forms import FormToken
from ..layout import document
from ..markup import Html, tag
from ..replies import csv_reply, html_reply, json_reply, reply
from ..request import PageRequest
from .detail import ShownCall, call_page
from .listing import PAGE, data_of, list_page
from .query import CallQuery
from .resend import answer_form, sending_section

_MOST_IN_FILE = 1000
"""Calls in a file; its JSON names the address of older ones."""
_KNOWN = 200
"""Last calls whose labels may be chosen in the form."""
_SIBLINGS = 100


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
    try:
        return _CallPages(provider, request, page).answer()
    except ConfigError as error:
        if _is_file(request):
            return reply(f"{error}\n", status=404)
        status = 200 if request.path == "calls" else 404
        return _note(request, page, status, "No calls are kept.", tag("p", str(error)))
    except OpenAIError as error:
        if _is_file(request):
            return reply(f"{error}\n", status=503)
        return _note(request, page, 503, "The calls cannot be read now.", tag("p", str(error)))


def _is_file(request: PageRequest) -> bool:
    """Return whether CSV or JSON is asked for, by a program that cannot read a page."""
    return request.path.endswith(("data.csv", "data.json"))


class _CallPages:
    """The pages about calls, for one request."""

    def __init__(self, provider: Any, request: PageRequest, page: Shown) -> None:
        self._provider = provider
        self._journal: JournalBook = provider.journal
        self._request = request
        self._page = page

    def answer(self) -> RenderedPage | None:
        """Return the answer; `None` where there is no such page."""
        _, _, path = self._request.path.partition("/")
        key, _, part = path.partition("/")
        if self._request.method == "POST":
            return self._again(key) if part == "again" else None
        if key in {"", "data.csv", "data.json"}:
            return None if part else self._list(key)
        return self._call(key, part)

    def _list(self, kind: str) -> RenderedPage:
        query = CallQuery.of(self._request)
        most = _MOST_IN_FILE if kind else PAGE
        entries = [] if query.faults else self._journal.entries(limit=most + 1, **query.arguments)
        if kind == "data.csv":
            return csv_reply(as_csv(entries[:most], JournalEntry), "ai-calls-list")
        if kind == "data.json":
            return json_reply(json_of(data_of(self._request, query, entries, most)))
        known = entries if query.is_open else self._journal.entries(limit=_KNOWN)
        content = list_page(self._request, query, entries, known, self._journal.state())
        status = 400 if query.faults else 200
        return html_reply(self._document("Calls", content, live=query.before is None), status)

    def _call(self, key: str, part: str) -> RenderedPage | None:
        entry = self._journal.entry(key)
        if entry is None or part not in {"", "data.json"}:
            return None
        content = self._journal.content(key) if entry.has_content else None
        if part:
            members = ("request", "answer", "request_cut", "answer_cut")
            whole = None if content is None else {name: getattr(content, name) for name in members}
            return json_reply(json_of({"call": entry, "content": whole}))
        siblings = (
            [] if entry.request is None else self._journal.entries(limit=_SIBLINGS, request=entry.request)
        )
        token = FormToken(self._request) if self._page.development else None
        sending = None if token is None else sending_section(self._request, entry, content, token)
        shown = call_page(self._request, self._provider, ShownCall(entry, content, siblings, sending))
        headers = None if token is None else token.headers
        return html_reply(self._document(f"Call {entry.id}", shown), headers=headers)

    def _again(self, key: str) -> RenderedPage | None:
        entry = self._journal.entry(key) if self._page.development else None
        if entry is None:
            return None
        content = self._journal.content(key) if entry.has_content else None
        answer = answer_form(self._provider, self._request, entry, content)
        if isinstance(answer, RenderedPage):
            return answer
        back = tag("p", tag("a", "To the call", href=self._request.address(f"calls/{key}")))
        return _note(self._request, self._page, 403, answer, back)

    def _document(self, title: str, content: Html, *, live: bool = False) -> Html:
        page = self._page
        return document(
            self._request,
            f"{title} - {page.title}",
            content,
            heading=page.title,
            live=live,
            styles=("calls.css",),
        )


def _note(request: PageRequest, page: Shown, status: int, title: str, content: Html) -> RenderedPage:
    """Return a page that says why there is no other."""
    shown = document(request, f"Calls - {page.title}", tag("h1", title), content, heading=page.title)
    return html_reply(shown, status)
