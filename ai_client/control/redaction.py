"""What must not be seen: keys always, prompts and completions unless asked for, and what the application names."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from ..errors import APIConnectionError, APIError, APIStatusError, ConfigError

MASK = "[redacted]"
SECRET_NAMES = frozenset(
    {
        "authorization",
        "proxy-authorization",
        "api-key",
        "x-api-key",
        "api_key",
        "cookie",
        "set-cookie",
        "password",
        "secret",
        "token",
        "access_token",
        "client_secret",
    }
)
"""Names of headers and members whose values are never shown."""

_KEYS = re.compile(
    r"\b(?:sk|pk|rk|sess|org|ek)-[A-Za-z0-9_\-]{8,}"
    r"|(?i:\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/\-]{4,}=*"
    r"|(?i:(?<=api-key=)|(?<=api_key=)|(?<=apikey=)|(?<=access_token=))[^&\s\"']+"
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"
)
PRESETS: Mapping[str, str] = {
    "email": r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~\-]+@[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)+",
    "card": r"(?<![\d.])\d(?:[ \-]?\d){12,18}(?!\d)",
    "phone": r"(?<![\w.])\+\d(?:[ ().\-]{0,2}\d){6,14}(?!\d)",
    "iban": r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b",
    "ip": r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])",
}
"""Patterns by name; a card number must also have the right check digit."""


@dataclass(frozen=True)
class Redaction:
    """Decides what logs, traces and hooks may see.

    Args:
        content: Whether they see prompts and completions, the patterns masked in them.
        patterns: What is masked in texts: names of `PRESETS`, or regular expressions.
    """

    content: bool = False
    patterns: Sequence[str] = ()
    _compiled: tuple[tuple[str, re.Pattern[str]], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        compiled: list[tuple[str, re.Pattern[str]]] = []
        for pattern in self.patterns:
            try:
                compiled.append((pattern, re.compile(PRESETS.get(pattern, pattern))))
            except re.error as error:
                known = ", ".join(PRESETS)
                raise ConfigError(
                    f"redaction: patterns: {pattern!r} is neither one of {known} nor a regular expression ({error})."
                ) from None
        object.__setattr__(self, "_compiled", tuple(compiled))

    def text(self, text: str) -> str:
        """Give a text without keys and without what the patterns match."""
        text = _KEYS.sub(MASK, text)
        for name, pattern in self._compiled:
            text = pattern.sub(_mask_card if name == "card" else MASK, text)
        return text

    def value(self, value: Any) -> Any:
        """Give a JSON value with every text in it redacted, and members with secret names masked."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            members = cast("Mapping[Any, Any]", value)
            return {
                self.text(str(name)): MASK if str(name).lower() in SECRET_NAMES else self.value(member)
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
        return self.text(str(error))


def _mask_card(match: re.Match[str]) -> str:
    digits = [int(digit) for digit in match[0] if digit.isdigit()]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[-2::-2])
    return MASK if (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0 else match[0]
