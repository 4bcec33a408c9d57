"""Redaction: keys are always masked, prompts and completions hidden by default, more patterns on request."""

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
"""Regular expressions by name; card numbers and IBANs are also validated by check digits, IP addresses by range."""


@dataclass(frozen=True)
class Redaction:
    """Decides what logs, traces and hooks may show.

    Args:
        content: Whether they show prompts and completions, with the patterns masked.
        patterns: Masked in all text: names from `PRESETS`, or regular expressions.
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
        rules.sort(key=lambda rule: rule is not RULES["iban"])  # first: its digits may look like a card's
        object.__setattr__(self, "_rules", tuple(rules))

    def text(self, text: str) -> str:
        """Return a text with keys and all matches of the patterns masked."""
        return masked(text, self._rules)

    def value(self, value: Any) -> Any:
        """Return a JSON value with every string in it redacted, and the values of secret names masked."""
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
        """Return the message of an exception, redacted.

        Unless `content` is set, it leaves out text from the server, which may quote a prompt.
        """
        if isinstance(error, APIStatusError) and not self.content:
            return f"Error code: {error.status_code}" + (f" ({self.text(error.code)})" if error.code else "")
        if isinstance(error, APIError) and not isinstance(error, APIConnectionError) and not self.content:
            return "The server sent an error." if error.body is not None else self.text(str(error))
        if (
            isinstance(error, pydantic.ValidationError) and not self.content
        ):  # its message quotes the response
            kinds = ", ".join(fault["type"] for fault in error.errors(include_input=False, include_url=False))
            return f"{error.error_count()} validation error(s) for {error.title}: {kinds}"
        return self.text(str(error))
