"""The form that chooses which calls a page shows; it works without a script."""

from collections.abc import Mapping, Sequence

from .filters import ALL, LABELS, RANGES, Filters
from .markup import Html, tag
from .request import PageRequest


def filter_form(request: PageRequest, filters: Filters, choices: Mapping[str, Sequence[str]]) -> Html:
    """Return the form.

    Args:
        request: The request for the page.
        filters: What is chosen now.
        choices: The values that there are of each label.
    """
    ranges = tag(
        "nav",
        tag("ul", (_range(request, filters, name) for name in RANGES)),
        class_="ranges",
        aria_label="Range of time",
    )
    chosen = filters.labels
    reset = None
    if chosen:
        reset = tag(
            "a", "Show all", href=request.address("", {**filters.parameters, **dict.fromkeys(LABELS)})
        )
    form = tag(
        "form",
        tag("input", type="hidden", name="range", value=filters.range),
        (_select(name, chosen.get(name), choices.get(name, ())) for name in LABELS),
        tag("button", "Filter"),
        reset,
        method="get",
        action=request.address(),
        aria_label="Filters",
    )
    return tag("div", ranges, form, class_="filters")


def _range(request: PageRequest, filters: Filters, name: str) -> Html:
    address = request.address("", filters._replace(range=name).parameters)
    is_chosen = name == filters.range
    return tag("li", tag("a", RANGES[name][0], href=address, aria_current="true" if is_chosen else None))


def _select(name: str, chosen: str | None, choices: Sequence[str]) -> Html:
    values = [*choices, *([chosen] if chosen is not None and chosen not in choices else ())]
    options = [
        tag("option", value or f"(no {name})", value=value, selected=value == chosen) for value in values
    ]
    everything = tag("option", f"All {name}s", value=ALL, selected=chosen is None)
    return tag(
        "label",
        tag("span", name.capitalize()),
        tag("select", everything, options, name=name),
    )
