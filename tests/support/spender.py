"""A process that calls within a budget: `python -m tests.support.spender STORE URL CALLS LIMIT EXPIRES ON_EXPIRED`."""

import sys
from typing import Any

from ai_client import BudgetExceeded, OpenAI
from ai_client.control.accounting.budget import Budget, Budgets
from ai_client.control.accounting.cost import Cost
from ai_client.control.pricing.prices import Prices
from ai_client.stores import open_store

PRICES = Prices({"gpt-4o-mini": {"input": 150.0, "output": 600.0}}, library=False)


def say(line: str) -> None:
    """Tell the test."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(  # noqa: PLR0917 - as on the command line
    store_url: str, base_url: str, calls: int, limit: float, expires: float, on_expired: Any
) -> None:
    """Make calls one after the other, and say how many were served and refused."""
    store = open_store(store_url, on_failure="closed")
    budget = Budget(usd=limit, per="total")
    budgets = Budgets([budget], store, PRICES, expires=expires, on_expired=on_expired)
    client = OpenAI(base_url=base_url, api_key="any", max_retries=0, layers=[budgets, Cost(PRICES, store)])
    served = refused = 0
    say("ready")
    sys.stdin.readline()
    for number in range(calls):
        try:
            client.chat.completions.create(
                model="gpt-4o-mini",
                messages=[{"role": "user", "content": f"Call {number}"}],
                extra_body={"max_tokens": 200},
            )
            served += 1
        except BudgetExceeded:
            refused += 1
    say(f"{served} {refused}")
    client.close()
    store.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), float(sys.argv[5]), sys.argv[6])
