"""What must not be seen: keys always, prompts and completions unless asked for, and what the application names."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pydantic

from ....errors import APIConnectionError, APIError, APIStatusError, ConfigError
from .keys import KEYS, NAMES, is_secret
from .masking import MASK, Rule, masked
from .personal import RULES

SECRET_NAMES = NAMES
PRESETS: Mapping[str, str] = {name: rule.pattern.pattern for name, rule in RULES.items()}
"""Patterns by name; numbers of cards and accounts must have the right check digits, addresses the right ranges."""


@dataclass(frozen=True)
class Redaction:
    """Decides what logs, traces and hooks may see.

    Args:
        content: Whether they see prompts and completions, the patterns masked in them.
        patterns: What is masked in texts: names of `PRESETS`, or regular expressions.
    """

    content: bool = False
    patterns: Sequence[str] = ()
    _rules: tuple[Rule, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        rules = list(KEYS)
        for pattern in self.patterns:
            try:
                rules.append(RULES.get(pattern) or Rule((), re.compile(pattern)))
            except re.error as error:
                known = ", ".join(PRESETS)
                raise ConfigError(
                    f"redaction: patterns: {pattern!r} is neither one of {known} nor a regular expression ({error})."
                ) from None
        rules.sort(key=lambda rule: rule is not RULES["iban"])  # whose digits may look like a card's
        object.__setattr__(self, "_rules", tuple(rules))

    def text(self, text: str) -> str:
        """Give a text without keys and without what the patterns match."""
        return masked(text, self._rules)

    def value(self, value: Any) -> Any:
        """Give a JSON value with every text in it redacted, and members with secret names masked."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            members = cast("Mapping[Any, Any]", value)
            return {
                self.text(str(name)): MASK if is_secret(name) else self.value(member)
                for name, member in members.items()
            }
        if isinstance(value, list | tuple):
            return [self.value(item) for item in cast("Sequence[Any]", value)]
        if value is None or isinstance(value, bool | int | float):
            return value
        return self.text(str(value))

    def error(self, error: BaseException) -> str:
        """Give the message of an exception; without *content*, not what the server said, which may quote a prompt."""
        if isinstance(error, APIStatusError) and not self.content:
            return f"Error code: {error.status_code}" + (f" ({self.text(error.code)})" if error.code else "")
        if isinstance(error, APIError) and not isinstance(error, APIConnectionError) and not self.content:
            return "The server sent an error." if error.body is not None else self.text(str(error))
        if isinstance(error, pydantic.ValidationError) and not self.content:  # which quotes what was answered
            kinds = ", ".join(fault["type"] for fault in error.errors(include_input=False, include_url=False))
            return f"{error.error_count()} validation error(s) for {error.title}: {kinds}"
        return self.text(str(error))
