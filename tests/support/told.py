"""What either client tells of a stream or a call, in plain form, so that both can be compared."""

from collections.abc import Callable, Iterable
from typing import Any

CHAT: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}
CALL: dict[str, Any] = {"model": "m", "input": "Hello"}


def bare(value: Any) -> Any:
    """Return decoded JSON without what is null."""
    if isinstance(value, dict):
        return {key: bare(each) for key, each in value.items() if each is not None}
    return [bare(each) for each in value] if isinstance(value, list) else value


def arguments(options: dict[str, Any], tool: Callable[[Any], Any]) -> dict[str, Any]:
    """Return the keywords of a chat call, with models among the tools made into tools."""
    tools = [tool(each) if isinstance(each, type) else each for each in options.get("tools", ())]
    return {**CHAT, **options, **({"tools": tools} if tools else {})}


def told(stream: Iterable[Any], final: Callable[[], Any]) -> list[Any]:
    """Write down the events of a stream, what each shows when it comes, and how it ends."""
    notes: list[Any] = []
    try:
        notes.extend(bare(event.to_dict(mode="json", warnings=False)) for event in stream)
        notes.append(bare(final().to_dict(mode="json", warnings=False)))
    except Exception as error:  # noqa: BLE001 - any error is compared
        name = type(error).__name__.replace("StreamStateError", "RuntimeError")  # of which it is one
        notes.append((name, str(error).partition(" - ")[0]))
    return notes


def next_of(invoke: Any, stream: Any) -> Any:
    """Return the next event of a stream of either client, `None` at its end."""
    try:
        return invoke.next(stream)
    except (StopIteration, StopAsyncIteration):
        return None


def outcome(call: Any) -> Any:
    """Return what a call leads to: its result in decoded form, or the name and the beginning of its error."""
    try:
        return bare(call().to_dict(mode="json", warnings=False))
    except Exception as error:  # noqa: BLE001 - any error is compared
        return type(error).__name__, str(error).partition(" - ")[0]


def keywords(options: dict[str, Any], tool: Any) -> dict[str, Any]:
    """Return the keywords of a call for a response, likewise."""
    made = arguments(options, tool)
    del made["messages"]
    return {**CALL, **made}
