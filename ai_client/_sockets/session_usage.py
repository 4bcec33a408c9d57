"""The tokens of a session, out of what its answers report."""

from dataclasses import fields, replace

from .._call.call import Call
from .._call.report import reported
from .._call.usage import UNKNOWN, Usage

_COUNTS = tuple(
    one.name
    for one in fields(Usage)
    if one.name not in {"source", "model", "service_tier", "nano_usd", "answers"}
)


class SessionMeter:
    """The tokens of a session: the sum of what its answers report."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._sum: Usage | None = None
        self._answers: list[Usage] = []  # priced one by one: their prices depend on the length of a prompt
        self._open = False

    def see(self, data: bytes) -> None:
        """Look at an event of the server's."""
        if b'"response.' not in data:
            return
        if b'"response.created"' in data:
            self._open = True
        elif b'"usage"' in data and (usage := reported(data)) is not None:
            self._open = False
            self._add(usage)

    def _add(self, usage: Usage) -> None:
        self._answers.append(usage)
        total = self._sum
        if total is None:
            self._sum = replace(usage, nano_usd=None, answers=self._answers)
            return
        for name in _COUNTS:
            setattr(total, name, getattr(total, name) + getattr(usage, name))
        total.model = usage.model or total.model

    def usage(self) -> Usage:
        """Return what has been used; estimated where an answer broke off before it said, unknown where none did."""
        usage = self._sum or UNKNOWN
        if self._sum is not None and self._open:
            self._sum.source = "estimated"
        if self._call.record is not None:
            self._call.record.usage = usage
        return usage
