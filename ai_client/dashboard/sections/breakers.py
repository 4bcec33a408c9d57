"""The section about the circuits of targets."""

from ...operations.breakers import BreakerState
from ..markup import Child, tag
from ..shown import NONE, shown_moment
from ..tables import badge, number_figure, table
from .view import PageView, Section

_ORDER = {"open": 0, "half-open": 1, "closed": 2}
_KINDS = {"open": "bad", "half-open": "warn", "closed": "good"}


def _rows(view: PageView) -> list[BreakerState]:
    """Return all circuits, the open ones first."""
    states = view.gathered.breakers.value
    return sorted(states, key=lambda state: (_ORDER[state.state], state.target, state.account or ""))


def _body(view: PageView) -> Child:
    rows = _rows(view)
    if not rows:
        return tag("p", "No target has been asked yet.", class_="quiet")
    cells = (
        (
            [
                state.target,
                tag("small", f" account {state.account}", class_="quiet") if state.account else None,
            ],
            badge(state.state, _KINDS[state.state]),
            shown_moment(state.until) if state.state == "open" and state.until else NONE,
            number_figure(state.failures),
        )
        for state in rows
    )
    return table(
        "Circuits of targets",
        ["Target", "Circuit", "No calls until", "Failures in a row"],
        cells,
        numbers=1,
        wide=True,
    )


SECTION = Section(
    "breakers",
    "Circuit breakers",
    "Targets that get no calls while they fail, now",
    'controls={"models": {...}, "breaker": {"failures": 5, "cool_down": 30}}',
    BreakerState,
    _rows,
    _body,
)
