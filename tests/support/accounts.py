"""Policies that count in a store, and what tests ask of it."""

from typing import Any

from ai_client.control.accounting.budget import Budget, Budgets
from ai_client.control.accounting.cost import Cost
from ai_client.control.accounting.rate_limit import RateLimit, RateLimits
from ai_client.stores import Ledger, Store
from ai_client.testing import Recorded, Reply
from tests.support.policies import finish, sync_io


def chat_reply(recorded: Recorded) -> Reply:
    """Answer with 30 tokens in and 20 out, whatever is asked."""
    del recorded
    usage = {"prompt_tokens": 30, "completion_tokens": 20, "total_tokens": 50}
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hello"}}
    return Reply(
        json={
            "id": "x",
            "object": "chat.completion",
            "choices": [choice],
            "model": "gpt-4o-mini",
            "usage": usage,
        }
    )


def held(store: Any, key: str = "total") -> Ledger:
    """Return the sum of all ledgers of a memory store."""
    accounts = [account for name, account in store.backend._state().accounts.items() if key in name]
    return Ledger(sum(one.used for one in accounts), sum(one.held for one in accounts))


def counting(store: Store, *, requests: int = 100, tokens: int = 100_000) -> list[Any]:
    """Make the policies that set something aside; each window lasts a day."""
    budgets = [Budget(requests=1000, per="total"), Budget(tokens=10**6, per="total")]
    limit = RateLimit(requests=requests, tokens=tokens, per="day")
    return [Budgets(budgets, store), Cost(store=store), RateLimits([limit], store, upstream=False)]


def balances(store: Store) -> list[tuple[int, int]]:
    """Return used and held requests, and used and held tokens."""
    io = sync_io()
    ledgers = [
        finish(store.ledger(io, f"|{unit}|total|UTC|all", io.now())) for unit in ("requests", "tokens")
    ]
    return [(ledger.used, ledger.held) for ledger in ledgers]
