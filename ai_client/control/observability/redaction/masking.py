"""How a text is masked: by rules, each a pattern that proposes and a check that decides."""

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

MASK = "[redacted]"
Span = tuple[int, int]
Check = Callable[[re.Match[str]], Span | None]
"""Returns what of a match is masked, or `None` where it only looks like it."""


class Rule(NamedTuple):
    """What is masked.

    Attributes:
        hints: Texts in lower case, of which one must be there for the pattern to be tried; any text where empty.
        pattern: What may be masked. It takes time in proportion to the text, whatever that is.
        check: What of it is; the whole match by default.
        anew: Whether to look again one character further on where a match is none, as it may hold one that is.
    """

    hints: tuple[str, ...]
    pattern: re.Pattern[str]
    check: Check = re.Match[str].span
    anew: bool = False


def masked(text: str, rules: Iterable[Rule]) -> str:
    """Return a text with everything masked that a rule finds, one rule after the other."""
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
