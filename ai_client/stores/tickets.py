"""Names of changes, so that one that is repeated is known again."""

import secrets
from itertools import count

from .._fork import PerProcess

_series = PerProcess(lambda: (secrets.token_hex(8), count(1)))


def new_ticket() -> str:
    """Return a name that no other change has, in this process or another."""
    prefix, numbers = _series()
    return f"{prefix}-{next(numbers)}"
