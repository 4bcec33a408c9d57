"""Guardrails within a session over a WebSocket: the models and limits that its events ask for."""

from collections.abc import Mapping
from typing import Any, Protocol

from .._call.call import Call
from ..errors import members_of
from .asked import endpoint_of
from .output_cap import capped_session


class _Checks(Protocol):
    """The members of `Rules` that a session uses."""

    @property
    def max_output_tokens(self) -> int | None:
        """The cap on output tokens."""
        ...

    def checked(self, call: Call) -> Call:
        """Return a call with the rules for its body applied."""
        ...

    def check_model(self, body: Mapping[str, Any]) -> None:
        """Raise `GuardrailError` if the model in a body is not allowed."""
        ...


class SessionRules:
    """The rules of one session, for the events that it sends.

    Args:
        rules: The rules of its endpoint.
        call: The call that opened it.
    """

    def __init__(self, rules: _Checks, call: Call) -> None:
        self._rules = rules
        self._call = call
        self._endpoint = endpoint_of(call.path)
        self._is_bounded = False

    def __call__(self, event: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return an event as it may be sent.

        Raises:
            GuardrailError: It asks for what the rules forbid.
        """
        kind = event.get("type")
        if kind == "response.create":
            if self._endpoint.endswith("/responses"):
                return self._rules.checked(self._call.changed(method="POST", body=event)).members()
            return self._capped(event, "response", adds=False)
        if kind in {"session.update", "session.start"}:
            session = members_of(event.get("session"))
            self._rules.check_model(session)
            # only the session's own type tells that it takes this limit
            adds = session.get("type") == "realtime" and not self._is_bounded
            self._is_bounded = self._is_bounded or adds
            return self._capped(event, "session", adds=adds)
        return event

    def _capped(self, event: Mapping[str, Any], name: str, *, adds: bool) -> Mapping[str, Any]:
        most = self._rules.max_output_tokens
        inner = members_of(event.get(name))
        changes = {} if most is None else capped_session(inner, most, adds=adds)
        return {**event, name: {**inner, **changes}} if changes else event
