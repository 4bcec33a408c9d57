"""Calls as rows of a table: a heading for each web request, and a row for each call."""

from collections.abc import Iterable, Sequence

from ...operations.journal import JournalEntry
from ..markup import Child, Html, tag
from ..request import PageRequest
from ..shown import NONE, UNKNOWN, shown_label, shown_number, shown_seconds, shown_shortly, shown_usd
from .facts import cost_of, instant_of, outcome_of, target_of, waits_of
from .groups import CallGroup, groups_of

_COLUMNS = (
    "Time",
    "Outcome",
    "Endpoint",
    "Model",
    "Attempts",
    "Cache",
    "Tokens in",
    "Tokens out",
    "Cost",
    "Duration",
    "First token",
)
_NUMERIC = frozenset(_COLUMNS[4:5] + _COLUMNS[6:])


def calls_table(
    request: PageRequest, entries: Iterable[JournalEntry], caption: str, *, is_whole: bool = True
) -> Html:
    """Return a table of calls, newest first; those of one web request stand together under a heading.

    The roles are said again, because a narrow screen shows each row as a card, which takes them from a table.

    Args:
        request: The request for the page.
        entries: The calls.
        caption: What they are.
        is_whole: Whether no other calls are kept of their web requests.
    """
    head = tag(
        "tr",
        (tag("th", name, scope="col", role="columnheader", class_=_class_of(name)) for name in _COLUMNS),
        role="row",
    )
    return tag(
        "div",
        tag(
            "table",
            tag("caption", caption, class_="unseen"),
            tag("thead", head, role="rowgroup"),
            (_group(request, group, is_whole=is_whole) for group in groups_of(entries)),
            role="table",
            class_="calls",
        ),
        class_="table",
        role="region",
        aria_label=caption,
        tabindex="0",
    )


def _group(request: PageRequest, group: CallGroup, *, is_whole: bool) -> Html:
    is_several = len(group.entries) > 1
    heading = _heading(request, group, is_whole=is_whole) if is_several else None
    rows = [_row(request, entry, is_member=is_several) for entry in group.entries]
    return tag("tbody", heading, rows, role="rowgroup", class_="web-request" if is_several else None)


def _heading(request: PageRequest, group: CallGroup, *, is_whole: bool) -> Html:
    """Return the row above the calls of a web request, with what they come to."""
    newest = group.entries[0]
    tenants = {entry.tenant for entry in group.entries}
    cost = shown_usd(group.nano_usd) if group.nano_usd is not None else f"cost {UNKNOWN}"
    if group.unpriced and group.nano_usd is not None:
        cost += f" and {group.unpriced} unpriced"
    whose: Child = newest.tenant and ("tenant ", shown_shortly(newest.tenant))
    if len(tenants) > 1:
        whose = f"{len(tenants)} tenants"
    sums: Sequence[Child] = (
        whose,
        f"{len(group.entries)} calls" + ("" if is_whole else " shown"),
        f"{group.failed} failed" if group.failed else None,
        cost,
        f"{shown_seconds(group.seconds)} in sum",
    )
    name = tag("b", shown_shortly(newest.endpoint)) if newest.endpoint else "Web request"
    content = (
        tag("a", name, href=request.address("calls", {"request": group.request})),
        (tag("span", part) for part in sums if part is not None),
    )
    return tag(
        "tr", tag("th", content, scope="rowgroup", role="rowheader", colspan=len(_COLUMNS)), role="row"
    )


def _row(request: PageRequest, entry: JournalEntry, *, is_member: bool) -> Html:
    attempts = len(entry.attempts)
    waited = waits_of(entry)
    target = target_of(entry)
    cells: tuple[Child, ...] = (
        outcome_of(entry),
        shown_shortly(entry.path) if is_member else (_name(entry.endpoint), _tenant(entry.tenant)),
        (
            _name(entry.model),
            None if target is None else tag("small", "served by ", shown_shortly(target)),
        ),
        (str(attempts), tag("small", f"{shown_seconds(waited)} waited") if waited else None),
        entry.cache or NONE,
        NONE if entry.input_tokens is None else shown_number(entry.input_tokens),
        NONE if entry.output_tokens is None else shown_number(entry.output_tokens),
        cost_of(entry),
        shown_seconds(entry.seconds),
        shown_seconds(entry.first_item),
    )
    link = tag("a", instant_of(entry), href=request.address(f"calls/{entry.id}"))
    return tag(
        "tr",
        tag("th", link, scope="row", role="rowheader"),
        (
            tag("td", cell, role="cell", class_=_class_of(name, is_empty=cell == NONE), data_label=name)
            for name, cell in zip(_COLUMNS[1:], cells, strict=True)
        ),
        role="row",
    )


def _tenant(tenant: str | None) -> Html | None:
    return tag("small", "tenant ", shown_shortly(tenant)) if tenant else None


def _name(label: str | None) -> str | Html:
    return shown_shortly(label) if label else shown_label(label)


def _class_of(name: str, *, is_empty: bool = False) -> str | None:
    kinds = [*(["n"] if name in _NUMERIC else []), *(["empty"] if is_empty else [])]
    return " ".join(kinds) or None
