"""Amounts as statistics keep them: fewer than are counted, and fewer still for calls by endpoint and by tenant."""

from collections.abc import Mapping

from ..observability.counting.names import (
    CACHE,
    CACHED,
    CALL,
    FOLDED,
    INPUT,
    NANO_USD,
    OUTPUT,
    REASONING,
    REPRICED,
    SAVED_NANO_USD,
    SAVED_TOKENS,
    UNPRICED,
    USED,
)

INPUT_TOKENS, OUTPUT_TOKENS, CACHED_TOKENS, REASONING_TOKENS = (
    name.rstrip(".") for name in (INPUT, OUTPUT, CACHED, REASONING)
)
"""Names of tokens from whatever source."""
_TOKENS = {f"{name}.": name for name in (INPUT_TOKENS, OUTPUT_TOKENS, CACHED_TOKENS, REASONING_TOKENS)}
_BRIEF = frozenset({NANO_USD, UNPRICED, REPRICED, SAVED_TOKENS, SAVED_NANO_USD, *_TOKENS.values()})
_BRIEF_PREFIXES = (CALL, CACHE)


def kept(amounts: Mapping[str, int]) -> dict[str, int]:
    """Return amounts as they were counted, with tokens of all sources together."""
    found: dict[str, int] = {}
    for counted, amount in amounts.items():
        prefix, dot, _ = counted.partition(".")
        name = _TOKENS.get(prefix + dot, counted)
        if name != FOLDED and prefix + dot != USED:
            found[name] = found.get(name, 0) + amount
    return found


def brief(amounts: Mapping[str, int]) -> dict[str, int]:
    """Return those of `kept` that tell how many calls there were, how they ended, and what they used and cost."""
    return {
        name: amount for name, amount in amounts.items() if name in _BRIEF or name.startswith(_BRIEF_PREFIXES)
    }


def add(sums: dict[str, int], amounts: Mapping[str, int]) -> None:
    """Add amounts to sums."""
    for name, amount in amounts.items():
        sums[name] = sums.get(name, 0) + amount
