"""The tokens of a session, out of what its answers report."""

from dataclasses import fields, replace

from pydantic_core import from_json

from .._call.call import Call
from .._call.report import reported
from .._call.usage import UNKNOWN, Usage
from ..errors import members_of

_COUNTS = tuple(
    one.name
    for one in fields(Usage)
    if one.name not in {"source", "model", "service_tier", "nano_usd", "answers"}
)
_TRANSCRIBED = b'"conversation.item.input_audio_transcription.'


class SessionMeter:
    """The tokens of a session: the sum of what its answers report."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._sum: Usage | None = None
        self._answers: list[Usage] = []  # priced one by one: their prices depend on the length of a prompt
        self._listener: str | None = None  # transcribes, and its events do not name it
        self._open = False

    def see(self, data: bytes) -> None:
        """Look at an event of the server's."""
        if b'"response.created"' in data:
            self._open = True
        elif b'"usage"' in data and (usage := reported(data)) is not None:
            if _TRANSCRIBED in data:
                self._add(replace(usage, model=usage.model or self._listener), None)
            else:
                self._open = False
                self._add(usage, usage.model)
        elif b'"transcription"' in data or b'"input_audio_transcription"' in data:
            self._listener = _listener_in(data) or self._listener

    def _add(self, usage: Usage, model: str | None) -> None:
        self._answers.append(usage)
        total = self._sum
        if total is None:
            self._sum = replace(usage, model=model, nano_usd=None, answers=self._answers)
            return
        for name in _COUNTS:
            setattr(total, name, getattr(total, name) + getattr(usage, name))
        total.model = model or total.model

    def usage(self) -> Usage:
        """Return what has been used; estimated where an answer broke off before it said, unknown where none did."""
        usage = self._sum or UNKNOWN
        if self._sum is not None and self._open:
            self._sum.source = "estimated"
        if self._call.record is not None:
            self._call.record.usage = usage
        return usage


def _listener_in(data: bytes) -> str | None:
    """Return the model that transcribes what is said, where an event describes the session."""
    try:
        session = members_of(members_of(from_json(data)).get("session"))
    except ValueError:
        return None
    heard = members_of(members_of(session.get("audio")).get("input"))
    model = members_of(heard.get("transcription") or session.get("input_audio_transcription")).get("model")
    return model if isinstance(model, str) else None
