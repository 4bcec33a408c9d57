"""Trim a conversation to a number of tokens without separating tool calls from their results."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

from ..errors import GuardrailError, members_of
from .pricing.estimates import message_tokens

_INSTRUCTIONS = frozenset({"system", "developer"})
_ANSWERS = frozenset({"tool", "function"})
_OPENS = frozenset({"function_call", "reasoning", "custom_tool_call", "computer_call"})


def trim_messages(
    messages: Iterable[Any],
    max_tokens: int,
    *,
    keep: Literal["last", "first"] = "last",
    count: Callable[[Any], int] = message_tokens,
) -> list[Any]:
    """Return as many whole turns of a conversation as fit into *max_tokens*, in their order.

    System and developer messages are always kept. A message that calls tools and the results of these calls are
    kept or dropped together. With `keep="last"` the newest turns are kept; with `keep="first"` the oldest, and
    the newest one.

    Args:
        messages: As for `chat.completions.create`, or the input items of `responses.create`; not modified.
        max_tokens: Upper bound for all of them together.
        keep: Which turns to keep.
        count: Returns the tokens of one message; an estimate by default.

    Raises:
        GuardrailError: The instructions and the newest turn alone do not fit.
    """
    items = list(messages)
    sizes = [count(item) for item in items]
    if sum(sizes) <= max_tokens:
        return items
    fixed = [index for index, item in enumerate(items) if members_of(item).get("role") in _INSTRUCTIONS]
    turns = _turns(items, set(fixed))
    left = max_tokens - sum(sizes[index] for index in fixed)
    kept: set[int] = set(fixed)
    newest = turns.pop() if turns else []
    left -= sum(sizes[index] for index in newest)
    if left < 0:
        raise GuardrailError(
            f"The instructions and the newest message need {max_tokens - left} tokens, {max_tokens} are allowed.",
            "messages",
        )
    kept.update(newest)
    for turn in turns if keep == "first" else reversed(turns):
        left -= sum(sizes[index] for index in turn)
        if left < 0:
            break
        kept.update(turn)
    return [item for index, item in enumerate(items) if index in kept]


def _turns(items: Sequence[Any], apart: set[int]) -> list[list[int]]:
    """Group the indices of messages that must stay together, leaving out those in *apart*."""
    turns: list[list[int]] = []
    is_open = False
    for index, item in enumerate(items):
        if index in apart:
            continue
        members = members_of(item)
        kind = str(members.get("type", ""))
        answers = members.get("role") in _ANSWERS or kind.endswith("_output")
        if turns and (answers or (is_open and kind in _OPENS)):
            turns[-1].append(index)
        else:
            turns.append([index])
        is_open = kind in _OPENS
    return turns
