"""Names of changes, so that one that is repeated is known again."""

import os
import secrets
from itertools import count

_prefix = secrets.token_hex(8)
_numbers = count(1)


def new_ticket() -> str:
    """Give a name that no other change has, in this process or another."""
    return f"{_prefix}-{next(_numbers)}"


def _begin_anew() -> None:
    global _prefix  # noqa: PLW0603 - the process is another one
    _prefix = secrets.token_hex(8)


os.register_at_fork(after_in_child=_begin_anew)
