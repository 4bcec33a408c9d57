"""Masking of text by rules: a pattern finds candidates and a check confirms them."""

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

MASK = "[redacted]"
Span = tuple[int, int]
Check = Callable[[re.Match[str]], Span | None]
"""Returns the span of a match to mask, or `None` for a false positive."""


class Rule(NamedTuple):
    """A pattern for text to mask.

    Attributes:
        hints: Lower-case substrings, one of which must occur for the pattern to be tried; empty tries it on any
            text.
        pattern: Finds candidates, in time linear in the length of any text.
        check: Confirms a candidate and returns the span to mask; the whole match by default.
        anew: Whether to search again one character after the start of a false positive, which may contain a
            true one.
    """

    hints: tuple[str, ...]
    pattern: re.Pattern[str]
    check: Check = re.Match[str].span
    anew: bool = False


def masked(text: str, rules: Iterable[Rule]) -> str:
    """Return a text with every match masked, one rule after the other."""
    lower = text.lower()
    for rule in rules:
        if not rule.hints or any(hint in lower for hint in rule.hints):
            text = _masked(text, rule)
    return text


def _masked(text: str, rule: Rule) -> str:
    parts: list[str] = []
    done = position = 0
    while position <= len(text) and (match := rule.pattern.search(text, position)) is not None:
        span = rule.check(match)
        if span is None:
            position = match.start() + 1 if rule.anew else max(match.end(), match.start() + 1)
            continue
        start, end = span
        parts += (text[done:start], MASK)
        done = end
        position = max(end, match.start() + 1)
    return "".join((*parts, text[done:])) if parts else text
