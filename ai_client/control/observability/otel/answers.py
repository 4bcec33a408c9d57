"""Facts of an answer, whole or streamed: its id, model, service tier and why each choice ended."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from ...._call.call import Reply
from ...._models.base import fields_of
from ....errors import members_of
from .operations import CHAT, COMPLETION, EMBEDDINGS
from .values import parsed

ERROR = "error"
"""The reason of a choice that was begun and whose reason never came."""
_LARGE = 1_000_000
_MOST_CHOICES = 128
_MOST_MARKED = 1000
_MOST_KEPT = 8 * 1024 * 1024
_MARK = re.compile(
    rb'"finish_reason"\s*:\s*"|"service_tier"\s*:\s*"|"type"\s*:\s*"response\.(?:created|completed|incomplete|failed)"'
)
"""Found in the events of a stream that say more than a piece of text."""
_VECTOR = re.compile(rb'"embedding"\s*:\s*(?:"([^"]*)"|\[([^\]]*)\])')
_STATUSES = {"completed": "stop", "failed": ERROR, "cancelled": ERROR}
_INCOMPLETE = {"max_output_tokens": "length", "max_tokens": "length"}


@dataclass(slots=True)
class Facts:
    """Facts that an answer says about itself; `None` where it does not.

    Attributes:
        id, model, service_tier, fingerprint, conversation: As the answer names them.
        reasons: Why each choice ended, in the order of the choices.
        dimensions: Length of the first vector.
    """

    id: str | None = None
    model: str | None = None
    service_tier: str | None = None
    fingerprint: str | None = None
    conversation: str | None = None
    reasons: list[str] = field(default_factory=list[str])
    dimensions: int | None = None

    def add(self, fields: Mapping[str, Any]) -> None:
        """Add what the members of an answer or of an event say."""
        self.id = _text(fields.get("id")) or self.id
        self.model = _text(fields.get("model")) or self.model
        self.service_tier = _text(fields.get("service_tier")) or self.service_tier
        self.fingerprint = _text(fields.get("system_fingerprint")) or self.fingerprint
        self.conversation = _text(fields_of(fields.get("conversation")).get("id")) or self.conversation


def facts_of(reply: Reply, operation: str) -> Facts:
    """Return the facts of a whole answer."""
    facts = Facts()
    content = reply.answer.content_if_read
    result = reply.result
    if result is None and isinstance(content, bytes) and len(content) <= _LARGE:
        result = parsed(content)
    fields = fields_of(result)
    facts.add(fields)
    if operation == EMBEDDINGS:
        facts.id = None
        if isinstance(content, bytes):
            facts.dimensions = _dimensions(content)
    elif "choices" in fields:
        facts.reasons = [_reason(fields_of(one)) or ERROR for one in _listed(fields["choices"])]
    elif operation == CHAT:
        reason = _reason_of_response(fields)
        facts.reasons = [] if reason is None else [reason]
    return facts


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _listed(value: Any) -> Sequence[Any]:
    return cast("Sequence[Any]", value)[:_MOST_CHOICES] if isinstance(value, list | tuple) else ()


def _reason(choice: Mapping[str, Any]) -> str | None:
    reason = choice.get("finish_reason")
    return reason if isinstance(reason, str) else None


def _reason_of_response(fields: Mapping[str, Any]) -> str | None:
    """Return why a response of the Responses API ended; `None` for one that has not."""
    status = fields.get("status")
    if status == "incomplete":
        reason = fields_of(fields.get("incomplete_details")).get("reason")
        return _INCOMPLETE.get(reason, reason) if isinstance(reason, str) else ERROR
    return _STATUSES.get(status) if isinstance(status, str) else None


def _dimensions(content: bytes) -> int | None:
    match = _VECTOR.search(content)
    if match is None:
        return None
    packed, numbers = match.groups()
    if packed is not None:
        return (len(packed) * 3 // 4 - packed[-2:].count(b"=")) // 4  # of four bytes each
    return numbers.count(b",") + 1 if numbers.strip() else 0


class StreamEvents:
    """StreamEvents of a stream as they come, of which those are kept that say how it went.

    Args:
        keeps: Whether to keep all events, up to a bound, because content is recorded.
        waited: Takes the seconds between two events.

    Attributes:
        kept: All events that were kept.
    """

    __slots__ = ("_first", "_keeps", "_last", "_marked", "_size", "_waited", "kept")

    def __init__(self, *, keeps: bool, waited: Callable[[float], None] | None) -> None:
        self._keeps = keeps
        self._waited = waited
        self._last = 0.0
        self._first: bytes | None = None
        self._marked: list[bytes] = []
        self._size = 0
        self.kept: list[bytes] = []

    def see(self, data: bytes) -> None:
        """Take the next event."""
        if self._waited is not None:
            before, self._last = self._last, time.monotonic()
            if before:
                self._waited(self._last - before)
        if self._first is None:
            self._first = data
        if _MARK.search(data) is not None:
            marked = self._marked
            if len(marked) >= _MOST_MARKED:
                del marked[-1]
            marked.append(data)
        if self._keeps:
            self._size += len(data)
            if self._size <= _MOST_KEPT:
                self.kept.append(data)

    def facts(self, operation: str, choices: int) -> Facts:
        """Return the facts of the stream so far; a choice that has no reason yet counts as broken.

        Args:
            operation: The operation.
            choices: How many the request asks for.
        """
        facts = Facts()
        reasons: dict[int, str] = {}
        ended: str | None = None
        for data in self._marked if self._first is None else (self._first, *self._marked):
            fields = members_of(parsed(data))
            response = members_of(fields.get("response"))
            facts.add(response or fields)
            if response:
                ended = _reason_of_response(response) or ended
            for one in _listed(fields.get("choices")):
                choice = members_of(one)
                index, reason = choice.get("index", 0), _reason(choice)
                if reason is not None and isinstance(index, int) and 0 <= index < _MOST_CHOICES:
                    reasons[index] = reason
        if operation in {CHAT, COMPLETION} and self._first is not None:
            if ended is not None:
                facts.reasons = [ended]
            else:
                count = max(min(choices, _MOST_CHOICES), *reasons, *(index + 1 for index in reasons), 1)
                facts.reasons = [reasons.get(index, ERROR) for index in range(count)]
        return facts

    def last_response(self) -> Mapping[str, Any]:
        """Return the last whole response of the Responses API among the events."""
        for data in reversed(self._marked):
            response = members_of(members_of(parsed(data)).get("response"))
            if response.get("output"):
                return response
        return {}
