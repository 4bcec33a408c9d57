"""The list of calls."""

from collections.abc import Sequence
from typing import Any

from ...operations.journal import JournalEntry, JournalState
from ..markup import Html, joined, tag
from ..request import PageRequest
from ..shown import shown_moment
from .form import filter_form
from .query import CallQuery
from .request_line import request_line_of
from .rows import calls_table
from .timeline_picture import time_line_figure

PAGE = 50
"""Calls on a page of the list."""


def list_page(
    request: PageRequest,
    query: CallQuery,
    entries: Sequence[JournalEntry],
    known: Sequence[JournalEntry],
    state: JournalState,
) -> Html:
    """Return the main part of the list.

    Args:
        request: The request for it.
        query: Which calls it shows.
        entries: These calls, newest first; one more than a page has where there are older ones.
        known: Calls whose labels may be chosen.
        state: How much the journal holds.
    """
    shown = entries[:PAGE]
    is_whole = query.is_whole and len(entries) <= PAGE
    rows = (
        calls_table(request, shown, "Calls, newest first", is_whole=is_whole)
        if shown
        else _nothing(query, state)
    )
    older = request.address("calls", {**query.parameters, "before": shown[-1].id}) if shown else None
    pages = [
        tag("a", "Newest calls", href=request.address("calls", query.parameters)) if query.before else None,
        tag("a", "Older calls", href=older, rel="next") if len(entries) > PAGE else None,
    ]
    files = [
        tag(
            "a",
            name,
            href=request.address(f"calls/data.{kind}", {**query.parameters, "before": query.before}),
        )
        for name, kind in (("CSV", "csv"), ("JSON", "json"))
    ]
    return joined(
        tag("h1", "Calls"),
        filter_form(request, query, known),
        (tag("p", fault, class_="note bad", role="alert") for fault in query.faults),
        _line(shown) if is_whole and "request" in query.chosen else None,
        tag(
            "section", tag("h2", "The calls, newest first", class_="unseen"), rows, id="list", data_live=True
        ),
        tag(
            "div",
            tag("nav", pages, aria_label="Pages of the list", class_="older") if any(pages) else None,
            id="pages",
            data_live=True,
        ),
        tag(
            "footer",
            _kept(state),
            tag("p", "These calls as ", files[0], " or ", files[1], "."),
        ),
    )


def _line(entries: Sequence[JournalEntry]) -> Html | None:
    """Return the time line of the calls of a web request; nothing where there are not several."""
    if len(entries) < 2:  # noqa: PLR2004
        return None
    figure = time_line_figure(request_line_of(entries), "web request", since="first call")
    return tag("section", tag("h2", "Time line of the web request"), figure, class_="request-line")


def _nothing(query: CallQuery, state: JournalState) -> Html:
    if query.is_open and not query.before and not state.kept:
        return tag("p", "No call was made yet.")
    return tag("p", "No call that is kept is like that.")


def _kept(state: JournalState) -> Html:
    """Return how many calls the journal holds, since when, and how many it has left out."""
    since = None if state.oldest is None else (", the oldest of ", shown_moment(state.oldest))
    was = "was" if state.left_out == 1 else "were"
    left_out = f" {state.left_out:,} {was} left out, as too many came at once." if state.left_out else None
    return tag(
        "p",
        f"{state.kept:,} {'call is' if state.kept == 1 else 'calls are'} kept of at most {state.keep:,}",
        since,
        ".",
        left_out,
        id="kept",
        data_live=True,
    )


def data_of(request: PageRequest, query: CallQuery, entries: Sequence[JournalEntry], most: int) -> Any:
    """Return the calls of a list for JSON, with the address of older ones."""
    older = None
    if len(entries) > most:
        older = request.address("calls/data.json", {**query.parameters, "before": entries[most - 1].id})
    return {"calls": list(entries[:most]), "older": older}
