"""The first page: its sections as HTML, and the same figures as JSON and CSV."""

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from ..operations.export import as_csv, json_of
from ..operations.page import RenderedPage
from .filter_form import filter_form
from .filters import Filters
from .gathering import UnavailableError, gather
from .layout import document
from .markup import Child, Html, tag
from .replies import csv_reply, html_reply, json_reply, reply
from .request import PageRequest
from .sections import (
    breakers,
    budgets,
    cache,
    cost,
    detector,
    errors,
    latency,
    processes,
    retiring,
    retries,
    spend,
    tokens,
)
from .sections.summary import summary
from .sections.view import PageView, Section
from .shown import shown_moment

logger = logging.getLogger("ai_client.dashboard")

T = TypeVar("T")

SECTIONS: tuple[Section, ...] = tuple(
    module.SECTION
    for module in (
        spend,
        budgets,
        cost,
        latency,
        errors,
        retries,
        breakers,
        cache,
        tokens,
        processes,
        detector,
        retiring,
    )
)
"""The sections in the order in which teams ask."""
_BY_NAME = {section.name: section for section in SECTIONS}


def answer_overview(provider: Any, request: PageRequest, title: str) -> RenderedPage | None:
    """Return the page, its data as JSON or those of a section as CSV; `None` where a request asks for none of them."""
    if request.path not in {"", "data.json", "data.csv"}:
        return None
    name = request.parameters.get("section")
    if (request.path == "data.csv" and name is None) or (name is not None and name not in _BY_NAME):
        return reply(f"section must be one of {', '.join(_BY_NAME)}.\n", status=400)
    chosen = SECTIONS if name is None else (_BY_NAME[name],)
    filters = Filters.of(request)
    view = PageView(request, filters, gather(provider, filters))
    if request.path == "data.json":
        found = {section.name: _data(section, view) for section in chosen}
        return json_reply(json_of({"at": view.gathered.at, "filters": filters._asdict(), "sections": found}))
    if request.path == "data.csv":
        return _as_file(chosen[0], view)
    page = document(request, title, _content(view, title), heading=title, live=True)
    return html_reply(page)


def _content(view: PageView, title: str) -> Child:
    return [
        tag("h1", title, class_="unseen"),
        filter_form(view.request, view.filters, view.gathered.choices),
        _health(view),
        summary(view),
        tag("div", (_section(section, view) for section in SECTIONS), class_="sections"),
        tag(
            "footer",
            tag("p", "As of ", shown_moment(view.gathered.at, exact=True), id="as-of", data_live=True),
            tag("p", tag("a", "Everything as JSON", href=_address(view, "data.json"))),
        ),
    ]


def _health(view: PageView) -> Html:
    """Return why this process is not ready, if so."""
    try:
        reasons = view.gathered.health.value.reasons
    except UnavailableError as error:
        reasons = ()
        notes = [error.message]
    else:
        notes = list(dict.fromkeys(reason.message for reason in reasons))
    return tag("div", (tag("p", note, class_="note bad") for note in notes), id="health", data_live=True)


def _section(section: Section, view: PageView) -> Html:
    heading = f"{section.name}-heading"
    return tag(
        "section",
        tag(
            "header",
            tag("h2", section.title, id=heading),
            tag("p", _export(section, view, "csv"), _export(section, view, "json"), class_="exports"),
            tag("p", section.about, class_="about"),
        ),
        _body(section, view),
        id=section.name,
        class_="wide" if section.wide else None,
        aria_labelledby=heading,
        data_live=True,
    )


def _body(section: Section, view: PageView) -> Child:
    try:
        if section.of_calls and view.is_empty:
            return tag("p", "No calls in this time.", class_="quiet")
        return _of(section, section.body, view)
    except UnavailableError as error:
        return _trouble(section, error)


def _of(section: Section, make: Callable[[PageView], T], view: PageView) -> T:
    """Return what a section makes of a view.

    Raises:
        UnavailableError: It cannot; a fault of it is in the log, and takes no other section with it.
    """
    try:
        return make(view)
    except UnavailableError:
        raise
    except Exception as error:
        logger.exception("The section %s of the dashboard failed.", section.name)
        raise UnavailableError(
            "failed", f"The section failed ({type(error).__name__}); see the log."
        ) from error


def _trouble(section: Section, error: UnavailableError) -> Html:
    if error.trouble == "off":
        return tag("p", "Not recorded: ", tag("code", section.enabled_by), " turns it on.", class_="note off")
    return tag("p", error.message, class_="note bad")


def _export(section: Section, view: PageView, kind: str) -> Html:
    address = _address(view, f"data.{kind}", section=section.name)
    return tag("a", kind.upper(), href=address, aria_label=f"{section.title} as {kind.upper()}")


def _address(view: PageView, path: str, **more: str) -> str:
    return view.request.address(path, {**view.filters.parameters, **more})


def _data(section: Section, view: PageView) -> dict[str, Any]:
    """Return the data of a section, or why there are none."""
    try:
        totals = _of(section, section.totals, view) if section.totals else {}
        return {"status": "ok", "totals": totals, "rows": list(_of(section, section.rows, view))}
    except UnavailableError as error:
        return {"status": error.trouble, "message": error.message}


def _as_file(section: Section, view: PageView) -> RenderedPage:
    data = _data(section, view)
    if data["status"] != "ok":
        return reply(f"{data['message']}\n", status=404 if data["status"] == "off" else 503)
    return csv_reply(as_csv(data["rows"], section.row), f"ai-calls-{section.name}")
