"""A process that calls within a rate: `python -m tests.support.rate_caller STORE BASE_URL LIMIT CALLS`.

It prints a line for each call that the store admits: when that was, by the store.
"""

import sys
import threading
from typing import Any

from ai_client import OpenAI
from ai_client.control import RateLimit, RateLimits
from ai_client.stores import open_store
from ai_client.stores.shared import SharedStore

THREADS = 4


class Printing(SharedStore):
    """A store that prints when it admitted a call."""

    async def admit(self, io: Any, ticket: str, holds: Any, takes: Any, /, **options: Any) -> Any:
        """Admit, and print the time."""
        refusal = await super().admit(io, ticket, holds, takes, **options)
        if refusal is None:
            sys.stdout.write(f"{takes[0].at!r}\n")
            sys.stdout.flush()
        return refusal


def main(store_url: str, base_url: str, limit: int, calls: int) -> None:
    """Make so many calls in each of a few threads, as fast as the rate allows."""
    store = Printing(open_store(store_url).backend, on_failure="closed")
    limits = RateLimits([RateLimit(requests=limit, per="second")], store, max_wait=120)
    with OpenAI(base_url=base_url, api_key="k", layers=[limits]) as client:

        def run() -> None:
            for _ in range(calls):
                client.models.list()

        threads = [threading.Thread(target=run) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    store.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
