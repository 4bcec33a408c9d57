"""Names of changes, so that one that is repeated is known again."""

import os
import secrets
from itertools import count

_run = secrets.token_hex(8)
_numbers = count(1)


def new_ticket() -> str:
    """Give a name that no other change has, in this process or another."""
    return f"{_run}-{os.getpid()}-{next(_numbers)}"
