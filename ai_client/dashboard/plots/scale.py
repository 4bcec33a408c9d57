"""The scale of a picture: a round upper bound, and the share of it that a value takes."""

import math

_STEPS = (1, 1.5, 2, 3, 4, 5, 6, 8, 10)


def upper_bound(values: "list[float]", least: float = 0.0) -> float:
    """Return a round number that no value exceeds; *least*, or 1, where all are smaller."""
    highest = max(values, default=0.0)
    if highest <= least:
        return least or 1.0
    power = 10.0 ** math.floor(math.log10(highest))
    return next((step * power for step in _STEPS if highest <= step * power * 1.000001), 10 * power)


def part(value: float, whole: float, length: float = 100.0) -> str:
    """Return how much of *length* a value is, with two decimals."""
    return f"{length * value / whole if whole else 0.0:.2f}".rstrip("0").rstrip(".")
