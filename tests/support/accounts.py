"""What tests ask of budgets in a store."""

from typing import Any

from ai_client.stores import Ledger
from ai_client.testing import Recorded, Reply


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
