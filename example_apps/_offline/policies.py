"""Policies that the offline demo adds to those of the chat, so that traffic meets each of them."""

import os
from typing import Any

BROKEN = "/broken"
"""The path of the offline upstream below which every call fails."""
STEADY = "steady"
"""The model whose first target is broken, so that the second one answers."""
EMBEDDING = "text-embedding-3-small"


def controls() -> dict[str, Any]:
    """Return the policies; the environment has the address of the upstream."""
    root = os.environ["OPENAI_BASE_URL"].removesuffix("/v1")
    return {
        "journal": {"content": True},  # made-up words, which anyone may read
        "budget_options": {"output_tokens": 500},
        "cache": {"scope": "tenant"},
        "models": {STEADY: ["broken/gpt-4.1-mini", "gpt-5.4-mini"]},
        "fallback": {"clients": {"broken": {"base_url": f"{root}{BROKEN}/v1", "api_key": "offline"}}},
    }


def budget() -> dict[str, Any]:
    """Return a budget for each tenant that traffic uses up; it rejects nothing, as a reader may want to go on."""
    return {"usd": 0.04, "per": "day", "scope": "tenant", "name": "plan", "hard": False}
