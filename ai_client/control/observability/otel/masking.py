"""Redaction of messages: of what callers and models say, not of the words of the form itself."""

from collections.abc import Iterable, Mapping
from typing import Any

from ....errors import members_of
from ..redaction.policy import Redaction

_PLAIN = frozenset({"role", "type", "modality", "mime_type", "finish_reason", "omitted_bytes"})
_NAMES = _PLAIN | {
    *("parts", "content", "id", "name", "arguments", "response", "uri", "file_id", "server_tool_call"),
    *("description", "parameters"),
}
"""Names of the form's own members, which are no secrets."""
_LONGEST = 64


def masked(items: Iterable[Any], redaction: Redaction) -> list[Any]:
    """Return messages, parts or definitions of tools, redacted."""
    return [_masked(members_of(item), redaction) for item in items]


def _masked(item: Mapping[str, Any], redaction: Redaction) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, member in item.items():
        if name == "parts":
            found[name] = masked(member, redaction)
        elif name in _PLAIN and len(str(member)) <= _LONGEST:
            found[name] = member
        elif name in _NAMES:
            found[name] = redaction.value(member)
        else:
            found.update(redaction.value({name: member}))
    return found
