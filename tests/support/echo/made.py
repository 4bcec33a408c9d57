"""What the applications ask, and how they say which client of which process asked it."""

import asyncio
import os
from collections.abc import Callable, Mapping
from typing import Any

CLIENT: dict[str, Any] = {"max_retries": 0, "shutdown_timeout": 10, "timeout": 30}
_seen: list[object] = []


def question(number: str) -> dict[str, Any]:
    """Return the arguments of a call that the upstream answers with *number*."""
    return {"model": "m", "messages": [{"role": "user", "content": number}]}


def made(client: object, completion: Any) -> dict[str, Any]:
    """Return an answer's text, and the process and client that it came by.

    Clients are numbered in the order in which they are seen, and kept, so that no two have one number.
    """
    if not any(client is other for other in _seen):
        _seen.append(client)
    number = next(number for number, other in enumerate(_seen) if other is client)
    return {
        "text": completion.choices[0].message.content,
        "process": os.getpid(),
        "client": f"{type(client).__name__}-{number}",
    }


def use_before_fork(get_client: Callable[[], Any], get_async_client: Callable[[], Any]) -> None:
    """Make a call with both clients where the environment asks for it, in the process that imports the application."""
    if os.environ.get("FIRST_USE") != "master":
        return
    get_client().chat.completions.create(**question("master"))
    if os.environ.get("KINDS") != "sync":
        asyncio.run(_ask(get_async_client()))


async def _ask(client: Any) -> None:
    await client.chat.completions.create(**question("master"))


def settings(environment: Mapping[str, str]) -> dict[str, Any]:
    """Return the options of the applications' clients."""
    return {**CLIENT, "base_url": environment.get("UPSTREAM", "http://127.0.0.1:9/v1"), "api_key": "any"}
