"""Trim a conversation to a number of tokens without separating what belongs together."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

from ..errors import GuardrailError
from .conversation import Unit, units_of
from .pricing.estimates import message_tokens


def trim_messages(
    messages: Iterable[Any],
    max_tokens: int,
    *,
    keep: Literal["last", "first"] = "last",
    count: Callable[[Any], int] = message_tokens,
) -> list[Any]:
    """Return as many whole turns of a conversation as fit into *max_tokens*, in their order.

    System and developer messages are always kept. Messages that a server takes only together are kept or dropped
    together: calls and their results, approvals included, reasoning and what follows it, all items of one answer. With
    `keep="last"` the newest turns are kept; with `keep="first"` the oldest, and the newest one.

    Args:
        messages: As for `chat.completions.create`, or the input items of `responses.create`, those of an earlier
            answer included; not modified.
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
    fixed, units = units_of(items)
    kept = set(fixed)
    left = max_tokens - sum(sizes[index] for index in fixed)
    if units:
        newest = _whole(units, len(units) - 1)
        kept |= newest
        left -= sum(sizes[index] for index in newest)
    if left < 0:
        raise GuardrailError(
            f"The instructions and the newest message need {max_tokens - left} tokens, {max_tokens} are allowed.",
            "messages",
        )
    others = range(len(units) - 1)
    for position in others if keep == "first" else reversed(others):
        if units[position].is_needed:
            continue
        more = _whole(units, position) - kept
        left -= sum(sizes[index] for index in more)
        if left < 0:
            break
        kept |= more
    return [item for index, item in enumerate(items) if index in kept]


def _whole(units: Sequence[Unit], position: int) -> set[int]:
    """Return the indices of a unit and of the one that it needs."""
    unit = units[position]
    return {*unit.indices, *(() if unit.needs is None else units[unit.needs].indices)}
