"""The cap on the output tokens that a request asks for."""

import re
from collections.abc import Mapping
from typing import Any

from ..errors import GuardrailError, members_of
from .asked import LIMITS, answers_in, count_in, given_in
from .pricing.billed import RUNS

_REALTIME_MOST = 4096
"""The largest limit that a realtime session takes; beyond it there is only `inf`."""
_RUN = re.compile(rf"/{RUNS}$")
_SESSION = re.compile(r"/realtime/(?:client_secrets|calls)$")
_PLAIN_SESSION = re.compile(r"/realtime/(?:sessions|calls/[^/]+/accept)$")
_OF_SESSION = ("max_output_tokens", "max_response_output_tokens")


def is_text(endpoint: str) -> bool:
    """Return whether an endpoint writes text for the request itself, so that its body has members to add."""
    return endpoint.endswith(("/completions", "/responses"))


def session_in(endpoint: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the settings of a realtime session that a request prepares; empty where it prepares none."""
    if "/realtime/" not in endpoint:
        return {}
    if _SESSION.search(endpoint) is not None:
        return members_of(body.get("session"))
    return body if _PLAIN_SESSION.search(endpoint) is not None else {}


def capped(endpoint: str, body: Mapping[str, Any], most: int) -> dict[str, Any]:
    """Return the members to change so that a request asks for at most *most* output tokens, in all its answers.

    A limit that cannot be read, is negative or missing counts as none.

    Raises:
        GuardrailError: More answers are asked for than tokens are allowed, or a number of them that is none.
    """
    if is_text(endpoint) or _RUN.search(endpoint) is not None:
        return _capped(endpoint, body, most)
    if _SESSION.search(endpoint) is not None and given_in(body, "session") is not None:
        session = members_of(body["session"])
        changes = capped_session(session, most)
        return {"session": {**session, **changes}} if changes else {}
    if _PLAIN_SESSION.search(endpoint) is not None:
        name = _OF_SESSION[endpoint.endswith("/sessions")]
        return capped_session(body, most, name=name)
    return {}


def _capped(endpoint: str, body: Mapping[str, Any], most: int) -> dict[str, Any]:
    answers = answers_in(endpoint, body)
    if answers is None:
        raise GuardrailError("The number of answers that this call asks for cannot be read.", "n")
    each = most // answers
    if each == 0:
        raise GuardrailError(
            f"This call asks for {answers} answers, and {most} output tokens are allowed in all.", "n"
        )
    names = _own_limits(endpoint)
    changes = {name: each for name in LIMITS if name in body and _exceeds(given_in(body, name), each)}
    if all(given_in(body, name) is None for name in names):
        changes[names[0]] = each
    return changes


def _own_limits(endpoint: str) -> tuple[str, ...]:
    """Return the limits that an endpoint heeds, the one to add first."""
    if endpoint.endswith("/responses"):
        return ("max_output_tokens",)
    if endpoint.endswith("/completions") and not endpoint.endswith("/chat/completions"):
        return ("max_tokens",)
    return ("max_completion_tokens", "max_tokens")


def capped_session(
    session: Mapping[str, Any], most: int, *, name: str = "max_output_tokens", adds: bool = True
) -> dict[str, Any]:
    """Return the limits to change in the settings of a session or of one of its responses.

    Args:
        session: The settings; those of a session that only transcribes have no limit.
        most: The cap.
        name: The limit to add where there is none.
        adds: Whether one is added.
    """
    if session.get("type") == "transcription":
        return {}
    most = min(most, _REALTIME_MOST)
    changes: dict[str, Any] = {
        other: most for other in _OF_SESSION if _exceeds(given_in(session, other), most)
    }
    if adds and all(given_in(session, other) is None for other in _OF_SESSION):
        changes[name] = most
    return changes


def _exceeds(asked: object, most: int) -> bool:
    if asked is None:
        return False
    count = count_in(asked)
    return count is None or count > most
