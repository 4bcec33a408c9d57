"""Timeouts of the steps of a request, apart."""

from collections.abc import Mapping
from typing import Any

from .defaults import DEFAULT_CONNECT_TIMEOUT, DEFAULT_READ_TIMEOUT, LONGEST_SECONDS

_STEPS = ("connect", "read", "write", "pool")


def steps_of(given: Mapping[object, Any]) -> dict[str, float | None]:
    """Return the seconds of each step; those that are not given have the default.

    Raises:
        ValueError: There is no such step, or a value is no number of seconds.
    """
    if not given:
        raise ValueError(f"must name one of {', '.join(_STEPS)}")
    for name in given:
        if name not in _STEPS:
            raise ValueError(f"{name!r} is no step: there are {', '.join(_STEPS)}")
    defaults: dict[str, float | None] = dict.fromkeys(_STEPS, DEFAULT_READ_TIMEOUT)
    return (
        defaults
        | {"connect": DEFAULT_CONNECT_TIMEOUT}
        | {str(name): _seconds(name, value) for name, value in given.items()}
    )


def _seconds(step: object, given: Any) -> float | None:
    if given is None:
        return None
    is_number = isinstance(given, int | float) and not isinstance(given, bool)
    if not (is_number and 0 < given <= LONGEST_SECONDS):
        raise ValueError(f"{step!r} must be a number of seconds above 0, or None to wait for ever")
    return float(given)
