"""Which calls the list shows, as its URL says."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, Self

from ..filters import ALL, LABELS, RANGES, as_parameter
from ..request import PageRequest

OUTCOMES: Mapping[str, str] = {"ok": "Answered", "error": "Failed", "cancelled": "Cancelled"}
"""The names of the outcomes of calls, by those in the journal."""
CACHES: Mapping[str, str] = {"hit": "Hit", "miss": "Miss", "stale": "Stale", "shared": "Shared"}
"""Those of what the cache does."""
FIELDS = (*LABELS, "outcome", "error", "cache", "request")
"""The parameters that choose calls by what they are."""
_CHOICES = {"outcome": OUTCOMES, "cache": CACHES}


class CallQuery(NamedTuple):
    """Which calls the list shows.

    Attributes:
        range: A key of `RANGES`, `None` for as far back as the journal goes, or where *since* is given.
        since: The earliest call.
        until: Only calls made before this moment.
        before: The id of a call; only older ones are shown.
        chosen: What the calls must have, by field; an empty text is calls without one.
        faults: What is wrong with the URL, as sentences.
    """

    range: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: str | None = None
    chosen: Mapping[str, str] = {}
    faults: tuple[str, ...] = ()

    @classmethod
    def of(cls, request: PageRequest) -> Self:
        """Return what the URL of a request asks for."""
        given = request.parameters
        faults: list[str] = []
        times: dict[str, datetime | None] = {}
        for name in ("since", "until"):
            times[name] = _moment(given.get(name, ""))
            if given.get(name) and times[name] is None:
                faults.append(f"{name} must be a moment such as 2026-11-30T08:00:00Z.")
        chosen = {name: given[name] for name in FIELDS if _is_chosen(name, given.get(name, ALL))}
        for name, values in _CHOICES.items():
            if name in chosen and chosen[name] not in values:
                faults.append(f"{name} must be one of {', '.join(values)}.")
                del chosen[name]
        span = given.get("range", ALL)
        if span not in {ALL, ""} and span not in RANGES:
            faults.append(f"range must be one of {', '.join(RANGES)}.")
        return cls(
            span if span in RANGES and times["since"] is None else None,
            times["since"],
            times["until"],
            given.get("before") or None,
            chosen,
            tuple(faults),
        )

    @property
    def parameters(self) -> dict[str, str | None]:
        """The parameters of a URL that asks for the same from the newest call on."""
        return {
            "range": self.range,
            "since": None if self.since is None else as_parameter(self.since),
            "until": None if self.until is None else as_parameter(self.until),
            **self.chosen,
        }

    @property
    def is_open(self) -> bool:
        """Whether all calls are shown."""
        return not any((self.range, self.since, self.until, self.chosen))

    @property
    def is_whole(self) -> bool:
        """Whether all calls of a web request are shown where one is."""
        return not any((self.range, self.since, self.until, self.before, self.chosen.keys() - {"request"}))

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments of `JournalBook.entries`."""
        since: datetime | timedelta | None = self.since
        if self.range is not None:
            since = RANGES[self.range][1]
        return {"since": since, "until": self.until, "before": self.before, **self.chosen}


def _is_chosen(name: str, value: str) -> bool:
    """Return whether a parameter chooses: of a label that calls may lack, the empty text does too."""
    return value != ALL and (bool(value) or name in LABELS)


def _moment(text: str) -> datetime | None:
    """Return a moment of ISO 8601, in UTC where it has no zone; `None` where it is none."""
    try:
        found = datetime.fromisoformat(text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
