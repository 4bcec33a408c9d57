"""Validation of numeric options."""

import math
import sys

from ...errors import ConfigError


def check_amounts(where: str, *, above_zero: bool, **amounts: float | None) -> None:
    """Validate that amounts are countable and not negative; with *above_zero*, not zero either. `None` is skipped.

    Raises:
        ConfigError: One is not; the message names it and *where* it belongs.
    """
    for name, amount in amounts.items():
        if amount is None:
            continue
        if not (amount > 0 if above_zero else amount >= 0) or amount == math.inf:
            least = "more than 0" if above_zero else "0 or more"
            raise ConfigError(f"{where}: {name} must be {least}.")
        if amount > sys.maxsize:
            raise ConfigError(f"{where}: {name} must be at most {sys.maxsize}.")
