"""The end of a chain without an answer: which of its targets' errors is raised, and what it says of the others."""

import logging
from collections.abc import Sequence
from typing import Any, NamedTuple

from ...errors import (
    APIError,
    APIStatusError,
    CircuitOpen,
    ClientClosedError,
    ConfigError,
    DeadlineExceededError,
    GuardrailError,
    LimitExceeded,
    OpenAIError,
    PolicyError,
    StoreError,
)
from .targets import Target

_OF_THE_CALL = (ClientClosedError, DeadlineExceededError, GuardrailError, PolicyError, StoreError)
"""Errors that end a call whatever its targets do."""
_LATER = 1e9

logger = logging.getLogger("ai_client")


class Failed(NamedTuple):
    """A target that did not answer, why, and where it is, as `Record.server` has it."""

    target: Target
    error: OpenAIError
    server: tuple[Any, str | None] | None = None

    @property
    def summary(self) -> str:
        """The error without text of the server, for logs and tracebacks."""
        error = self.error
        if isinstance(error, APIStatusError):
            return f"{type(error).__name__} {error.status_code}"
        if isinstance(error, ConfigError | LimitExceeded):
            return f"{type(error).__name__}: {error}"
        return type(error).__name__


def conclude(failed: Sequence[Failed]) -> Failed:
    """Return the failure of a chain, with those of its other targets in `failures` and its notes.

    That is the first that came from an upstream; where nothing was sent, the first refusal, or of open circuits the
    one that closes soonest. An error that concerns the call itself, such as its deadline, goes before them.
    """
    found = _first(failed)
    others = [one for one in failed if one is not found]
    if others:
        found.error.failures = shown(others)
        for one in others:
            note = f"Fallback: nor did {one.target.name} answer ({one.summary})."
            if note not in getattr(found.error, "__notes__", ()):  # an error may be raised more than once
                found.error.add_note(note)
    return found


def shown(failed: Sequence[Failed]) -> Sequence[tuple[str, OpenAIError]]:
    """Return the names of targets and their errors."""
    return tuple((one.target.name, one.error) for one in failed)


def _first(failed: Sequence[Failed]) -> Failed:
    if isinstance(failed[-1].error, _OF_THE_CALL):
        return failed[-1]
    for one in failed:
        if isinstance(one.error, APIError):
            return one
    if all(isinstance(one.error, CircuitOpen) for one in failed):
        return min(failed, key=_seconds)
    return failed[0]


def _seconds(one: Failed) -> float:
    after: float | None = getattr(one.error, "retry_after", None)
    return _LATER if after is None else after
