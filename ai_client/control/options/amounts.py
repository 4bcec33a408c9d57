"""Checks of numbers that are given as options."""

import math

from ...errors import ConfigError


def check_amounts(where: str, *, above_zero: bool, **amounts: float | None) -> None:
    """Refuse what is negative, not finite, or, where asked, zero; `None` is not given.

    Raises:
        ConfigError: One of them is; it is named with *where* it belongs.
    """
    for name, amount in amounts.items():
        if amount is None:
            continue
        if not (amount > 0 if above_zero else amount >= 0) or math.isinf(amount):
            least = "more than 0" if above_zero else "0 or more"
            raise ConfigError(f"{where}: {name} must be {least}.")
