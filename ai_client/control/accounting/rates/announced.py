"""The rest of the limits that the upstream announced, for this process: less the calls that it has sent since."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...._call.retry import retry_after
from .headers import LONGEST, Announcement, Unit, announced_in

if TYPE_CHECKING:
    from ...._exchange.answer import Answer

MODELS_KEPT = 1000
_TOO_MANY = 429
_PAUSE = 0.02
"""Seconds between two responses that are read for limits, while plenty is left of each."""
_FEW: Mapping[Unit, float] = {"requests": 40.0, "tokens": 40_000.0}
"""Of how much each response is read, though it may be more than half of a small limit."""


@dataclass(slots=True)
class Allowance:
    """The rest of one of the upstream's limits.

    Attributes:
        at: When it was announced.
        left: What was left then.
        limit: The limit, where announced.
        reset: Seconds from then until all of it is back.
        number: The number of the call whose answer announced it; calls with higher numbers are not part of it.
        gone: What calls with higher numbers used whose answers announced nothing.
    """

    at: float
    left: float
    limit: float | None
    reset: float
    number: int
    gone: float = 0.0

    def wait(self, needed: float, now: float) -> float:
        """Return the seconds until *needed* is available; the upstream is taken to refill at a steady rate."""
        missing = needed + self.gone - self.left
        if missing <= 0:
            return 0.0
        end = max(0.0, self.at + self.reset - now)
        if self.limit is None or self.limit <= self.left:
            return end
        refilled = self.at + self.reset * missing / (self.limit - self.left) - now
        return max(0.0, min(end, refilled))


class _ModelLimits:
    """A model, or a target: the tokens of its calls under way by number, and its limits of which little is left."""

    __slots__ = ("allowances", "heard", "under_way")

    def __init__(self) -> None:
        self.allowances: dict[Unit, Allowance] = {}
        self.under_way: dict[int, float] = {}
        self.heard = 0.0

    def has_plenty(self, unit: Unit, said: Announcement) -> bool:
        """Return whether so much is left of a limit that the calls under way need not be counted."""
        under_way = len(self.under_way) if unit == "requests" else sum(self.under_way.values())
        half = 0.0 if said.limit is None else said.limit / 2
        return said.left >= max(half, _FEW[unit], 2 * under_way)


class Announced:
    """The upstream's limits by model, and the calls of this process that they do not include yet."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._models: dict[str | None, _ModelLimits] = {}
        self._number = 0

    def enter(self, model: str | None, tokens: float, now: float) -> tuple[int, float]:
        """Count a call as under way if the upstream has room for it.

        Returns:
            The call's number, and 0; or 0, and the seconds until there may be room.
        """
        with self._lock:
            one = self._models.get(model) or self._new(model)
            if one.allowances:
                wait = max(self._wait(one, unit, tokens, now) for unit in list(one.allowances))
                if wait:
                    return 0, wait
            self._number += 1
            one.under_way[self._number] = tokens
            return self._number, 0.0

    def _wait(self, model: _ModelLimits, unit: Unit, tokens: float, now: float) -> float:
        allowance = model.allowances[unit]
        if not 0 <= now - allowance.at < allowance.reset:
            if allowance.limit is None or now < allowance.at:
                del model.allowances[unit]  # all is back, however much that is; or the clock was set back
                return 0.0
            allowance = Allowance(now, allowance.limit, allowance.limit, allowance.reset, self._number)
            model.allowances[unit] = allowance
        own = 1.0 if unit == "requests" else tokens
        if allowance.limit is not None:
            own = min(own, allowance.limit)
        later = [needed for number, needed in model.under_way.items() if number > allowance.number]
        return allowance.wait(own + (len(later) if unit == "requests" else sum(later)), now)

    def leave(self, model: str | None, number: int, *, used: bool) -> None:
        """Count a call as over whose answer announced nothing, or that has none; *used* is whether it was sent."""
        with self._lock:
            one = self._models.get(model)
            tokens = None if one is None else one.under_way.pop(number, None)
            if one is None or tokens is None or not used:
                return
            for unit, allowance in one.allowances.items():
                if number > allowance.number:
                    allowance.gone += 1.0 if unit == "requests" else tokens

    def learn(self, model: str | None, number: int, answer: "Answer", now: float) -> None:
        """Count a call as over, and note what its answer announces.

        While plenty is left of every limit, responses are read only once in a while.
        """
        refused = answer.status_code == _TOO_MANY
        with self._lock:
            one = self._models.get(model) or self._new(model)
            if not (refused or one.allowances):
                if 0 <= now - one.heard < _PAUSE:
                    one.under_way.pop(number, None)
                    return
                one.heard = now
        found: dict[Unit, Announcement] = {}
        after = retry_after(answer.response.headers) if refused else None
        if after is not None:
            found["requests"] = Announcement(0.0, None, max(0.0, min(after, LONGEST)))
        else:
            found = announced_in(answer, now)
        if not found and not answer.is_success:  # of a proxy, say, which knows of no limits
            self.leave(model, number, used=True)
            return
        with self._lock:
            one.under_way.pop(number, None)
            for unit in _FEW:
                if unit in found or after is None:
                    self._note(one, unit, number, found.get(unit), now, refused=refused)

    def _note(
        self,
        model: _ModelLimits,
        unit: Unit,
        number: int,
        said: Announcement | None,
        now: float,
        *,
        refused: bool,
    ) -> None:
        """Replace what is known of a limit, unless that was announced to a later call."""
        known = model.allowances.get(unit)
        if known is not None and number < known.number and 0 <= now - known.at < known.reset and not refused:
            return
        if said is None or not said.reset or model.has_plenty(unit, said):
            model.allowances.pop(unit, None)
        else:
            model.allowances[unit] = Allowance(now, said.left, said.limit, said.reset, number)

    def _new(self, model: str | None) -> _ModelLimits:
        if len(self._models) >= MODELS_KEPT:
            self._models = {name: one for name, one in self._models.items() if one.under_way}
        one = self._models[model] = _ModelLimits()
        return one

    def low(self) -> dict[tuple[str | None, Unit], Allowance]:
        """Return the limits of which little is left, by model and unit."""
        with self._lock:
            return {
                (name, unit): allowance
                for name, one in self._models.items()
                for unit, allowance in one.allowances.items()
            }

    def knows_tokens(self, model: str | None) -> bool:
        """Return whether little is left of a model's tokens, so that a call's are to be estimated."""
        one = self._models.get(model)
        return one is not None and "tokens" in one.allowances
