"""Suggestions for misspelled names."""

from collections.abc import Iterable
from difflib import get_close_matches

_NEAR = 0.6


def nearest(given: object, names: Iterable[str], *, cutoff: float = _NEAR) -> str | None:
    """Return the name that a misspelled one is meant for; `None` where none is near.

    Case does not count, and a name is near too if the given one is the last word of it, as `url` of `base_url`.

    Args:
        given: The misspelled name.
        names: The valid ones.
        cutoff: How alike the two must be, from 0 to 1.
    """
    wanted = str(given).lower()
    by_lower = {name.lower(): name for name in names}
    near = get_close_matches(wanted, by_lower, n=1, cutoff=cutoff)
    near = near or [name for name in by_lower if name.endswith(f"_{wanted}")]
    return by_lower[near[0]] if near else None
