"""A process that takes from a rate: `python -m tests.support.limiter STORE START SECONDS LIMIT`.

Its clock is simulated: each line on its standard input lets a quarter of a second pass.
"""

import sys

from ai_client.stores import Take, open_store
from ai_client.stores.tickets import new_ticket
from tests.support.policies import finish, sync_io


def main(store_url: str, start: float, limit: int) -> None:
    """Take as much as there is, at each tick, and say how much it was."""
    take = Take("rate", 1, limit, 60.0)
    store, io, now = open_store(store_url, on_failure="closed"), sync_io(), start
    for _ in sys.stdin:
        taken = 0
        while (
            taken < limit and finish(store.admit(io, new_ticket(), (), [take], now=now, expires=now)) is None
        ):
            taken += 1
        sys.stdout.write(f"{taken}\n")
        sys.stdout.flush()
        now += 0.25
    store.close()


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]))
