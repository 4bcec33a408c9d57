"""The calls of traffic: every kind of them within five seconds, for several tenants and models."""

from collections.abc import Iterator
from itertools import count, cycle
from typing import Any, NamedTuple

from .policies import EMBEDDING, STEADY

TENANTS = ("acme", "acme", "initech", "acme", "globex", "initech", "hooli")
MODELS = ("gpt-5.4-mini", "gpt-5.4-mini", "gpt-5.4", "gpt-4.1-mini", "gpt-5.4-mini")
QUESTIONS = (
    "How do I return a parcel?",
    "Which plan fits a team of five?",
    "Summarize the last release notes.",
    "Why was I charged twice?",
    "Translate the welcome mail into Portuguese.",
)
SEARCHES = ("refunds", "opening hours", "invoices")
"""Few, so that the cache knows most of them."""
KINDS = (
    "ask", "chat", "search", "ask [429 at first]", "steady", "plan", "ask", "chat", "search", "digest",
    "ask [500]", "chat", "ask", "digest", "ask [slow]", "search", "leave", "steady", "ask [500 at first]", "plan",
)  # fmt: skip


class Step(NamedTuple):
    """A request to the application.

    Attributes:
        path: Its path.
        tenant: For whom.
        body: Its JSON.
        leaves: Whether its reader leaves after the first words of the answer.
    """

    path: str
    tenant: str
    body: dict[str, Any]
    leaves: bool = False


def steps() -> Iterator[Step]:
    """Yield requests without end."""
    turns = zip(cycle(KINDS), cycle(TENANTS), cycle(MODELS), cycle(QUESTIONS), count())
    for kind, tenant, model, question, number in turns:
        name, _, trouble = kind.partition(" ")
        text = f"{question} {trouble}".strip()
        match name:
            case "chat" | "leave":
                body = {"model": model, "messages": [{"role": "user", "content": text}]}
                yield Step("/api/chat", tenant, body, leaves=name == "leave")
            case "search":
                body = {"model": EMBEDDING, "question": SEARCHES[number % len(SEARCHES)]}
                yield Step("/api/search", tenant, body)
            case "steady":
                yield Step("/api/ask", tenant, {"model": STEADY, "question": text})
            case _:
                yield Step(f"/api/{name}", tenant, {"model": model, "question": text})
