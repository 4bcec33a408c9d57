"""The figures at the top of the page: what a team looks at first."""

from ..gathering import UnavailableError
from ..markup import Child, Html, tag
from ..shown import NONE, shown_share
from ..tables import figure, number_figure, seconds_figure, usd_figure
from .view import PageView

_HALF, _MOST = 0.5, 0.95


def summary(view: PageView) -> Html | None:
    """Return the figures of the range in a row; `None` where the calls could not be read."""
    try:
        sums = view.report.totals
    except UnavailableError:
        return None
    first = sums.first_item.quantile(_HALF)
    slow = sums.duration.quantile(_MOST)
    tokens = sums.input_tokens + sums.output_tokens
    failed = view.calls({"outcome": "error"}) if sums.errors else None
    tiles = (
        _tile("Spend", usd_figure(sums.nano_usd, view.calls())),
        _tile("Calls", number_figure(sums.calls, view.calls())),
        _tile("Failed", figure(sums.errors, shown_share(sums.errors, sums.calls), failed)),
        _tile("Latency p95", seconds_figure(slow, "#latency")),
        _tile("First token p50", seconds_figure(first, "#latency")),
        _tile("Tokens", number_figure(tokens, "#tokens")),
        _tile("Under way now", _under_way(view)),
    )
    return tag("dl", tiles, class_="tiles", id="summary", data_live=True)


def _tile(name: str, value: Child) -> Html:
    return tag("div", tag("dt", name), tag("dd", value))


def _under_way(view: PageView) -> Child:
    try:
        count = sum(worker.in_flight for worker in view.gathered.workers.value)
    except UnavailableError:
        return NONE
    return number_figure(count, "#processes")
