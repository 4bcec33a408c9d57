"""Providers whose alerts tests look at."""

from collections.abc import Sequence
from typing import Any

from ai_client import ClientProvider
from ai_client.testing import Upstream
from tests.support.accounts import chat_reply
from tests.support.invoke import CHAT

TOKENS = 50
"""What each call uses."""


def alerting(upstream: Upstream, alerts: Sequence[Any], **controls: Any) -> ClientProvider:
    """Return a provider with alerts, whose calls use 50 tokens each."""
    upstream.always(chat_reply)
    options: dict[str, Any] = {"base_url": upstream.base_url, "api_key": "sk-test", "max_retries": 0}
    return ClientProvider(**options, controls={"alerts": [*alerts], **controls})


def soft(tokens: int, **more: Any) -> list[dict[str, Any]]:
    """Return a budget that refuses nothing."""
    return [{"tokens": tokens, "hard": False, "warn_at": None, **more}]


def ask(provider: Any, count: int = 1) -> None:
    """Make some calls."""
    for _ in range(count):
        provider.client.chat.completions.create(**CHAT)
