"""Validation of numeric options."""

import math

from ...errors import ConfigError


def check_amounts(where: str, *, above_zero: bool, **amounts: float | None) -> None:
    """Validate that amounts are finite and not negative; with *above_zero*, not zero either. `None` is skipped.

    Raises:
        ConfigError: One is not; the message names it and *where* it belongs.
    """
    for name, amount in amounts.items():
        if amount is None:
            continue
        if not (amount > 0 if above_zero else amount >= 0) or math.isinf(amount):
            least = "more than 0" if above_zero else "0 or more"
            raise ConfigError(f"{where}: {name} must be {least}.")
