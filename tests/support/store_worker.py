"""A process that spends within a limit: `python -m tests.support.store_worker URL DATABASES LIMIT JOURNAL`.

It notes each settlement in its journal before it makes it, so that what a killed one was doing is known.
"""

import json
import os
import random
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from ai_client.stores import Change, Hold, Spend, Take, Tally, open_store

LEDGER, WINDOW, PERIOD = "a", "w", "2027-01-15T08"
MOST = 5
FAR = 4_000_000_000.0


def settlement(ticket: str, amount: int, now: float) -> tuple[str, list[Spend], float, list[Change], Tally]:
    """Return the arguments of `settle`."""
    changes = [Change(WINDOW, amount - MOST, 86_400.0, now)]
    return ticket, [Spend(LEDGER, amount, FAR)], now, changes, Tally(PERIOD, "k", {"calls": 1}, FAR)


def main(url: str, databases: str, limit: int, journal: Path) -> None:
    """Spend until the limit is reached."""
    chance = random.Random(os.getpid())
    with ExitStack() as stack:
        if databases:
            from tests.support import django_databases

            django_databases.load_site()
            for alias, options in json.loads(databases).items():
                stack.enter_context(django_databases.database(alias, options))
        backend = open_store(url).backend
        file = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for number in range(10**6):
            ticket, now = f"{os.getpid()}-{number}", time.time()
            hold, take = Hold(LEDGER, MOST, limit, FAR), Take(WINDOW, MOST, limit, 86_400.0)
            if backend.admit(ticket, [hold], [take], now, now + 900) is not None:
                break
            amount = chance.randrange(MOST + 1)
            os.write(file, f"{ticket} {amount} {now!r}\n".encode())
            backend.settle(*settlement(ticket, amount, now))
        backend.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]))
