"""The section about the balances of budgets."""

from collections.abc import Mapping

from ...operations.budget_state import BudgetState
from ..filters import LABELS
from ..markup import Child, Html, tag
from ..plots.bars import Slice, bar
from ..shown import NONE, shown_moment, shown_number, shown_share, shown_usd
from ..tables import details, figure, table
from .view import PageView, Section

_NANO = 10**9
_FIRST = 6
_NEAR, _FULL = 0.8, 1.0
"""Shares of a limit from which on it is shown as nearly and as wholly used."""


def _rows(view: PageView) -> list[BudgetState]:
    """Return the balances that the filters leave, those of which least is left first."""
    labels = view.filters.labels
    states = [state for state in view.gathered.budgets.value if _concerns(state, labels)]
    return sorted(states, key=lambda state: (-_share(state), state.name, state.scope))


def _concerns(state: BudgetState, labels: Mapping[str, str]) -> bool:
    """Return whether calls with these labels may count in a balance, as far as its scope says."""
    scope = _scope(state)
    return all(scope.get(label, value) == value for label, value in labels.items())


def _scope(state: BudgetState) -> dict[str, str]:
    """Return the labels of a balance's calls; those of everybody's have none."""
    parts = [part.replace("\0", "|") for part in state.scope.replace("||", "\0").split("|")]
    return dict(part.split("=", 1) for part in parts if "=" in part)


def _share(state: BudgetState) -> float:
    return (state.used + state.held) / state.limit if state.limit else float(state.used > 0)


def _body(view: PageView) -> Child:
    rows = _rows(view)
    if not rows:
        return tag("p", "Nothing has been spent of any budget in its present window.", class_="quiet")
    return [
        tag("ul", (_meter(view, state) for state in rows[:_FIRST]), class_="meters"),
        details(
            "budgets-table",
            f"All {len(rows)} balances" if len(rows) > 1 else "As a table",
            _table(view, rows),
        ),
    ]


def _meter(view: PageView, state: BudgetState) -> Html:
    share = _share(state)
    colour = "bad" if share >= _FULL else "warn" if share >= _NEAR else "c1"
    used, held, limit = (_amount(state, value) for value in (state.used, state.held, state.limit))
    slices = [Slice(state.used, colour, f"{used} used"), Slice(state.held, f"{colour} faint", f"{held} held")]
    return tag(
        "li",
        tag(
            "p",
            tag("span", tag("b", state.name), " ", tag("span", _of(state), class_="quiet"), class_="what"),
            tag(
                "span",
                figure(state.used, used, _address(view, state)),
                " of ",
                figure(state.limit, limit),
                class_="n",
            ),
        ),
        bar(slices, state.limit),
        tag(
            "p",
            tag("span", f"{shown_share(share, 1)} used", f", of it {held} held" if state.held else None),
            tag("span", "resets ", shown_moment(state.resets_at)) if state.resets_at else None,
            class_="quiet",
        ),
    )


def _of(state: BudgetState) -> str:
    """Return whose balance it is, for how long, and whether calls beyond it are let through."""
    whose = " ".join(f"{label} {value}" if value else f"no {label}" for label, value in _scope(state).items())
    window = "" if state.per in state.name else f"per {state.per}"
    return ", ".join(filter(None, (whose, window, "" if state.hard else "soft")))


def _table(view: PageView, rows: list[BudgetState]) -> Html:
    heads = ["Budget", "Of", "Window", "Used", "Held", "Limit", "Left", "Share", "Resets"]
    cells = [
        (
            state.name,
            state.scope,
            state.per,
            figure(state.used, _amount(state, state.used), _address(view, state)),
            figure(state.held, _amount(state, state.held)),
            figure(state.limit, _amount(state, state.limit)),
            figure(state.remaining, _amount(state, state.remaining)),
            shown_share(_share(state), 1),
            NONE if state.resets_at is None else shown_moment(state.resets_at),
        )
        for state in rows
    ]
    return table("Balances of budgets", heads, cells, numbers=6, wide=True)


def _amount(state: BudgetState, value: float) -> str:
    return shown_usd(round(value * _NANO)) if state.unit == "usd" else shown_number(value)


def _address(view: PageView, state: BudgetState) -> str | None:
    """Return the address of the calls that count in a balance; `None` where no filter chooses them."""
    if state.starts is None:
        return None
    scope = _scope(state)
    if not scope.keys() <= set(LABELS):
        return None
    return view.calls({**dict.fromkeys(LABELS), **scope}, state.starts)


SECTION = Section(
    "budgets",
    "Budgets",
    "What counts in the present window of each; a call whose usage is not known, such as a cancelled stream, counts"
    " with all that was reserved for it",
    'controls={"budgets": [{"usd": 50, "per": "day"}]}',
    BudgetState,
    _rows,
    _body,
)
