"""The form that chooses the calls of the list."""

from collections.abc import Iterable, Mapping

from ...operations.journal import JournalEntry
from ..filters import ALL, RANGES, as_parameter
from ..markup import Child, Html, tag
from ..request import PageRequest
from .query import CACHES, OUTCOMES, CallQuery

_MOST_OPTIONS = 200


def filter_form(request: PageRequest, query: CallQuery, known: Iterable[JournalEntry]) -> Html:
    """Return the form, with what is chosen now.

    Args:
        request: The request for the list.
        query: What is chosen.
        known: Calls whose labels may be chosen.
    """
    entries = list(known)
    chosen = query.chosen
    endpoints = _labels(chosen.get("endpoint"), (entry.endpoint for entry in entries))
    models = _labels(chosen.get("model"), (name for entry in entries for name in (entry.model, entry.target)))
    tenants = _labels(chosen.get("tenant"), (entry.tenant for entry in entries))
    errors = {
        name: name
        for name in sorted({entry.error for entry in entries if entry.error} | {chosen.get("error", "")})
        if name
    }
    return tag(
        "form",
        _times(query),
        _select("endpoint", "Endpoint", {ALL: "All", **endpoints}, chosen.get("endpoint", ALL)),
        _select("model", "Model", {ALL: "All", **models}, chosen.get("model", ALL)),
        _select("tenant", "Tenant", {ALL: "All", **tenants}, chosen.get("tenant", ALL)),
        _select("outcome", "Outcome", {ALL: "All", **OUTCOMES}, chosen.get("outcome", ALL)),
        _select("error", "Error", {ALL: "All", **errors}, chosen.get("error", ALL)),
        _select("cache", "Cache", {ALL: "All", **CACHES}, chosen.get("cache", ALL)),
        _text("request", "Web request", chosen["request"]) if "request" in chosen else None,
        tag("button", "Filter"),
        None if query.is_open else tag("a", "Show all", href=request.address("calls")),
        action=request.address("calls"),
        method="get",
        class_="filters of-calls",
        aria_label="Choose calls",
    )


def _times(query: CallQuery) -> Child:
    """Return the field for the time: a range up to now, or what a link has brought."""
    if query.since is None and query.until is None:
        spans = {key: name for key, (name, _) in RANGES.items()}
        return _select("range", "Time", {ALL: "All kept", **spans}, query.range or ALL)
    return [
        _text(name, label, "" if moment is None else as_parameter(moment))
        for name, label, moment in (("since", "From", query.since), ("until", "Before", query.until))
    ]


def _select(name: str, label: str, options: Mapping[str, str], chosen: str) -> Html:
    found = [tag("option", shown, value=value, selected=value == chosen) for value, shown in options.items()]
    return tag("label", tag("span", label), tag("select", found, name=name))


def _text(name: str, label: str, value: str) -> Html:
    field = tag("input", type="text", name=name, value=value, autocomplete="off", spellcheck="false")
    return tag("label", tag("span", label), field)


def _labels(chosen: str | None, found: Iterable[str | None]) -> dict[str, str]:
    """Return the values of a label that may be chosen; an empty one is calls without it."""
    values = sorted({value or "" for value in found})[:_MOST_OPTIONS]
    if chosen is not None and chosen not in values:
        values.insert(0, chosen)
    return {value: value or "(none)" for value in values}
