"""A call that has ended, as its policy takes it down: what is read of it later no longer changes."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from ..._call.labels import Labels
from ..._call.trace import TracedAttempt
from ..._call.usage import Usage
from .content import Content

Outcome = Literal["ok", "error", "cancelled"]


class Ended(NamedTuple):
    """A call that has ended.

    Attributes:
        at: When it ended, in seconds since 1970.
        seconds: How long it took.
        started: When it began, in seconds of `time.monotonic`.
        outcome: How it ended.
        labels, request: For whom, and for which web request.
        method, path, model, target, target_model: What was asked, and what served it.
        stream: Whether its answer was streamed.
        status, error, message: Of its answer or error; the message is redacted.
        cache: What the cache did.
        usage, nano_usd, unpriced: What it used and cost.
        first_item: Seconds to the first item of its stream.
        attempts: Each time that it was sent.
        request_id: The answer's `x-request-id`.
        content: What was sent and answered, where that is kept.
    """

    at: float
    seconds: float
    started: float
    outcome: Outcome
    labels: Labels
    request: str | None
    method: str
    path: str
    model: str | None
    target: str | None
    target_model: str | None
    stream: bool
    status: int | None
    error: str | None
    message: str | None
    cache: str | None
    usage: Usage | None
    nano_usd: int | None
    unpriced: bool
    first_item: float | None
    attempts: Sequence[TracedAttempt]
    request_id: str | None
    content: Content | None
