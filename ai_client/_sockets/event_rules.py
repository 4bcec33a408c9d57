"""Requirements of a client's policies for the events that a session sends."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pydantic_core import from_json

from .._call.call import Call
from .._params.encoding import encode
from ..errors import members_of

Rule = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Returns an event as it may be sent."""


class EventRules:
    """The rules of one session.

    Args:
        policies: The policies that it was opened through; those with rules have a method `_of_session`.
        call: The call that opened it.
    """

    def __init__(self, policies: Iterable[object], call: Call) -> None:
        makers = (getattr(policy, "_of_session", None) for policy in policies)
        self._rules: list[Rule] = [
            rule for make in makers if make is not None and (rule := make(call)) is not None
        ]

    def applied(self, message: str | bytes) -> str | bytes:
        """Return a message as it may be sent; what is no event passes.

        Raises:
            GuardrailError: It may not.
        """
        if not self._rules:
            return message
        try:
            event = members_of(from_json(message))
        except ValueError:
            return message
        sent = event
        for rule in self._rules:
            sent = rule(sent)
        return message if sent is event else encode(sent).decode()
