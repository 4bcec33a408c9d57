"""The page of one call."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from ...operations.journal import JournalContent, JournalEntry
from ..markup import Child, Html, tag
from ..request import PageRequest
from ..shown import NONE, UNKNOWN, shown_label, shown_number, shown_seconds
from .attempts import attempts_table
from .command import command_section
from .content import content_section
from .facts import cost_of, instant_of, outcome_of, shown_span, target_of, waits_of
from .request_line import request_line_of
from .rows import calls_table
from .timeline import time_line_of
from .timeline_picture import time_line_figure

_HOW_TO_KEEP = 'controls={"journal": {"content": True}}'


class ShownCall(NamedTuple):
    """A call, and what its page shows besides.

    Attributes:
        entry: The call.
        content: What it sent and was answered; `None` where that is not kept.
        siblings: The calls of the same web request, itself included.
        sending: The section that sends it again, in development.
    """

    entry: JournalEntry
    content: JournalContent | None
    siblings: Sequence[JournalEntry]
    sending: Html | None


def call_page(request: PageRequest, provider: Any, call: ShownCall) -> Html:
    """Return the main part of the page of a call."""
    entry, content = call.entry, call.content
    whole = request.address(f"calls/{entry.id}/data.json")
    if content is None:
        kept = _section(
            "Content",
            tag("p", "What it sent and was answered is not kept. ", tag("code", _HOW_TO_KEEP), " keeps it."),
        )
    else:
        kept = content_section(content, whole)
    return tag(
        "div",
        tag("p", tag("a", "All calls", href=request.address("calls")), class_="trail"),
        tag("h1", "Call of ", instant_of(entry)),
        tag("p", outcome_of(entry), class_="what"),
        tag("p", entry.message, class_="note bad", dir="auto") if entry.message else None,
        tag(
            "div",
            _facts(request, entry),
            _section("Time line", time_line_figure(time_line_of(entry))),
            _section("Attempts", _attempts(entry)),
            kept,
            None if content is None else command_section(provider, entry, content),
            call.sending,
            _related(request, entry, call.siblings),
            class_="sections one",
        ),
        class_="call",
    )


def _section(title: str, *content: Child) -> Html:
    return tag("section", tag("h2", title), content)


def _attempts(entry: JournalEntry) -> Html:
    if entry.attempts:
        return attempts_table(entry.attempts)
    answered = entry.cache in {"hit", "stale", "shared"}
    return tag("p", "It was answered without one." if answered else "It was never sent.")


def _facts(request: PageRequest, entry: JournalEntry) -> Html:
    groups: tuple[tuple[str, tuple[tuple[str, Child], ...]], ...] = (
        ("Call", _of_call(request, entry)),
        ("Time and attempts", _of_time(entry)),
        ("Tokens and cost", _of_tokens(entry)),
        ("Origin", _of_origin(request, entry)),
    )
    return tag(
        "section",
        tag("h2", "Facts"),
        tag("div", (_list(title, facts) for title, facts in groups), class_="facts"),
    )


def _list(title: str, facts: Iterable[tuple[str, Child]]) -> Html:
    pairs = [tag("div", tag("dt", name), tag("dd", value)) for name, value in facts if value is not None]
    return tag("div", tag("h3", title), tag("dl", pairs))


def _of_call(request: PageRequest, entry: JournalEntry) -> tuple[tuple[str, Child], ...]:
    return (
        ("Model", _link(request, "model", entry.model)),
        ("Served by", target_of(entry)),
        ("Path", f"{entry.method} {entry.path}"),
        ("Client", entry.client),
        ("Streamed", "yes" if entry.stream else "no"),
        ("Cache", entry.cache or NONE),
    )


def _of_time(entry: JournalEntry) -> tuple[tuple[str, Child], ...]:
    return (
        ("Duration", shown_span(entry.seconds)),
        ("First token", shown_span(entry.first_item) if entry.stream else None),
        ("Attempts", len(entry.attempts)),
        ("Paused between them", shown_seconds(waits_of(entry)) if waits_of(entry) else None),
        ("Status", entry.status),
        ("Error", entry.error),
    )


def _of_tokens(entry: JournalEntry) -> tuple[tuple[str, Child], ...]:
    cached, reasoning = entry.cached_tokens, entry.reasoning_tokens
    return (
        ("In", _tokens(entry.input_tokens)),
        ("In, from the provider's cache", _tokens(cached) if cached else None),
        ("Out", _tokens(entry.output_tokens)),
        ("Out, for reasoning", _tokens(reasoning) if reasoning else None),
        ("Tokens are", entry.usage_source),
        ("Cost", cost_of(entry)),
    )


def _of_origin(request: PageRequest, entry: JournalEntry) -> tuple[tuple[str, Child], ...]:
    return (
        ("Endpoint", _link(request, "endpoint", entry.endpoint)),
        ("Tenant", _link(request, "tenant", entry.tenant)),
        ("User", entry.user),
        ("Web request", entry.request),
        ("Process", entry.process),
        ("x-request-id", entry.request_id),
        ("Id", entry.id),
    )


def _link(request: PageRequest, name: str, value: str | None) -> Html:
    """Return the value of a label, which leads to the calls that have it."""
    return tag("a", shown_label(value), href=request.address("calls", {name: value or ""}))


def _tokens(number: int | None) -> str:
    return UNKNOWN if number is None else shown_number(number)


def _related(request: PageRequest, entry: JournalEntry, siblings: Sequence[JournalEntry]) -> Html:
    links = [
        tag("li", tag("a", f"Calls of the same {name}", href=request.address("calls", {name: value})))
        for name, value in (
            ("endpoint", entry.endpoint or ""),
            ("model", entry.model),
            ("tenant", entry.tenant),
        )
        if value is not None
    ]
    if entry.request is not None:
        address = request.address("calls", {"request": entry.request})
        links.insert(0, tag("li", tag("a", "Calls of the same web request", href=address)))
    if len(siblings) < 2:  # noqa: PLR2004 - itself alone
        return tag("section", tag("h2", "Related calls"), tag("ul", links, class_="links"))
    return tag(
        "section",
        tag("h2", "Related calls"),
        tag("ul", links, class_="links"),
        tag("h3", "Time line of the web request"),
        time_line_figure(request_line_of(siblings), "web request", since="first call"),
        calls_table(request, siblings, "The calls of the same web request"),
    )
