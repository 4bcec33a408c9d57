"""Single facts about a call as people read them."""

import math
from datetime import UTC

from ...operations.journal import JournalEntry
from ..markup import Html, tag
from ..shown import NONE, UNKNOWN, shown_seconds, shown_usd
from ..tables import badge
from .query import OUTCOMES

_KINDS = {"ok": "good", "error": "bad", "cancelled": "warn"}
"""Kinds of badges by outcome."""
_SHORT = 0.00995
_SHORTEST = 0.00001


def outcome_of(entry: JournalEntry) -> Html:
    """Return what became of a call, with the class of its error and the status where there are any."""
    name = OUTCOMES.get(entry.outcome, entry.outcome)
    detail = " ".join(
        part
        for part in (str(entry.status) if entry.status and entry.error else "", entry.error or "")
        if part
    )
    mark = badge(name, _KINDS.get(entry.outcome, "plain"))
    return tag("span", mark, tag("small", detail) if detail else None, class_="outcome")


def instant_of(entry: JournalEntry) -> Html:
    """Return when a call was made, to the second, as an element that the script rewrites in the browser's time zone."""
    moment = entry.at.astimezone(UTC)
    text = f"{moment:%-d %b %H:%M:%S} UTC"
    return tag("time", text, datetime=f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z", data_local="instant")


def target_of(entry: JournalEntry) -> str | None:
    """Return what served a call, where that is not the model that was asked for."""
    return entry.target if entry.target is not None and entry.target != entry.model else None


def shown_span(seconds: float | None) -> str:
    """Return a duration within a call: below ten milliseconds with two digits, as phases are often that short."""
    if seconds is None or not 0 < seconds < _SHORT:
        return shown_seconds(seconds)
    return f"{1000 * seconds:.2g}\u202fms" if seconds >= _SHORTEST else "<0.01\u202fms"


def waits_of(entry: JournalEntry) -> float:
    """Return the seconds that a call paused between its attempts."""
    pauses = [one.pause for one in entry.attempts if one.pause is not None]
    return sum(pause for pause in pauses if math.isfinite(pause) and pause > 0)


def cost_of(entry: JournalEntry) -> str:
    """Return the cost of a call; a dash where none is counted."""
    if entry.nano_usd is not None:
        return shown_usd(entry.nano_usd)
    return UNKNOWN if entry.unpriced else NONE
