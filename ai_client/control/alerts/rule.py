"""One rule of the option `alerts`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...errors import ConfigError
from ..options.amounts import check_amounts
from .alert import AlertKind

_ONLY_FOR: dict[str, tuple[AlertKind, ...]] = {
    "at": ("budget",),
    "share": ("errors",),
    "minimum": ("errors",),
    "minutes": ("errors", "breaker"),
}
_AT = 80.0
_SHARE = 0.2
_MINIMUM = 20
_MINUTES = 5.0
_MINUTE = 60.0
_LONGEST = 24 * 60
"""Minutes of a window, at most."""


@dataclass(frozen=True)
class AlertRule:
    """A rule: an event to watch for, and the receiver of its alerts.

    Args:
        on: `budget`: budgets reach a share; `breaker`: the circuit of a target opens; `errors`: too large a share of
            calls fails; `extra_clients`: a line of code builds clients while requests are served.
        to: `logging`, `mail_admins` of Django, an https address, a function of an `Alert` (sync or async), or its
            dotted path.
        at: For `budget`: percent of it that are used, a number or several; 80 by default.
        share: For `errors`: the share of calls that failed, 0.2 by default.
        minimum: For `errors`: calls in the window from which on the share counts, 20 by default.
        minutes: For `errors`: minutes of the window, 5 by default. For `breaker`: minutes between two alerts of one
            target, by default its cooldown.
        secret: For an address: the secret that requests to it are signed with.
        secret_file: A file that holds the secret, read for each request.
    """

    on: AlertKind
    to: str | Callable[[Any], Any]
    at: float | Sequence[float] | None = None
    share: float | None = None
    minimum: int | None = None
    minutes: float | None = None
    secret: str | None = field(default=None, repr=False)
    secret_file: str | Path | None = None

    def __post_init__(self) -> None:
        for name, kinds in _ONLY_FOR.items():
            if getattr(self, name) is not None and self.on not in kinds:
                uses = " and ".join(map(repr, kinds))
                raise ConfigError(f"{name} is an option of rules on {uses}, not of one on {self.on!r}.")
        check_amounts("alerts", above_zero=True, share=self.share, minimum=self.minimum, minutes=self.minutes)
        for share in self.shares:
            check_amounts("alerts", above_zero=True, at=share)
        if not self.shares:
            raise ConfigError("at must name at least one percentage.")
        if self.share is not None and self.share > 1:
            raise ConfigError("share must be at most 1: 0.2 is a fifth of the calls.")
        if self.minutes is not None and self.minutes > _LONGEST:
            raise ConfigError(f"minutes must be at most {_LONGEST}.")

    @property
    def shares(self) -> tuple[float, ...]:
        """The shares of a budget that it alerts at, 1 for the whole of it, the smallest first."""
        at = _AT if self.at is None else self.at
        each = at if isinstance(at, Sequence) else (at,)
        return tuple(sorted({one / 100 for one in each}))

    @property
    def failing(self) -> float:
        """The share of calls that must have failed."""
        return _SHARE if self.share is None else self.share

    @property
    def least(self) -> int:
        """The calls in the window from which on the share counts."""
        return _MINIMUM if self.minimum is None else self.minimum

    @property
    def seconds(self) -> float:
        """The length of the window of calls, in seconds."""
        return (_MINUTES if self.minutes is None else self.minutes) * _MINUTE
