"""An alert, as receivers get it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

AlertKind: TypeAlias = Literal["budget", "breaker", "errors", "extra_clients"]
EVENT_TYPE = "ai_client.alert"
"""The type of the event that webhooks carry."""


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that somebody should look at. It holds no prompt, no answer and no secret.

    Attributes:
        kind: What it is about: `budget`, `breaker`, `errors` or `extra_clients`.
        title: What happened, in one line.
        message: What happened, the figures, since when, and what to do.
        labels: Whom it is about: `client`, and what is known of `budget`, `endpoint`, `tenant`, `user`, `model`,
            `target` and `line`.
        value: The figure: what is used of a budget, the seconds for which an open breaker sends no call, the share of
            calls that failed (0 to 1), or how many clients were built.
        limit: What the figure is measured against: the budget, or the share of the rule; `None` where there is none.
        unit: Unit of both: `USD`, `tokens`, `requests`, `seconds`, `share` or `clients`.
        window: The time for which there is no further alert of it: the window of the budget, the breaker's cooldown,
            the minutes of the rule, or a day.
        since: When it began: the window of the budget or of the share, the opening, or the first such client.
        at: When it was noticed.
        id: Equal for repeated deliveries of one alert.
    """

    kind: AlertKind
    title: str
    message: str
    labels: Mapping[str, str]
    value: float
    limit: float | None
    unit: str
    window: str
    since: datetime
    at: datetime
    id: str

    def as_event(self) -> dict[str, Any]:
        """Return the event that a webhook carries, in the form of the API's own events."""
        return {
            "id": self.id,
            "object": "event",
            "type": EVENT_TYPE,
            "created_at": int(self.at.timestamp()),
            "data": asdict(self),
        }
