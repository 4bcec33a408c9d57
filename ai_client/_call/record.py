"""Record of a call: its attempts, labels, model, usage and cost."""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, cast

from ..errors import OpenAIError
from .labels import Labels
from .trace import Trace
from .usage import Usage

NANO = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt of a call.

    Attributes:
        number: 1 for the first.
        seconds: How long it took to the head of the answer, or to its failure.
        error: Why it failed, `None` where it did not.
        pause: Seconds until the next attempt, `None` where there is none.
    """

    number: int
    seconds: float
    error: Exception | None
    pause: float | None


class FailedAttempt(NamedTuple):
    """An attempt that no answer of success came of.

    Attributes:
        error: The class of the error, by name.
        status: The status by which the upstream rejected it, if it did.
        is_retried: Whether another attempt followed.
    """

    error: str
    status: int | None
    is_retried: bool


no_listeners = cast("Callable[[], list[Any]]", list)
"""Makes an empty list of listeners, which calling a type with arguments does in four times the time."""


@dataclass(slots=True, eq=False)
class Record:
    """Facts known of a call so far; `None` means unknown.

    Attributes:
        labels: The endpoint, tenant and user that the call is made for.
        model: The model asked for, or the alias.
        alias: The alias that named the model, where one did.
        target: What served the call: a model, or a client and a model as `azure/gpt-5.5`.
        target_model: The model that is asked at the target, where it is not `model`.
        attempts: How often the call was sent.
        answered: How many attempts were answered with success.
        lost: How many others may have been billed although no answer came of them.
        billable: Both together.
        reached: How many attempts the upstream may have received, whether it answered, rejected or lost them.
        cache: What the cache did: `hit`, `miss`, `stale` or `shared` (the answer of an equal call under way).
        cache_key: The key under which the cache keeps the answer, or would, to invalidate it by.
        usage: Tokens, where measured.
        settled: The usage of work that went on after another call, which this one has counted instead of the unknown.
        nano_usd: Cost in 10^-9 USD, where the usage is measured and the price known.
        prices: The `Prices` by which that is.
        request_id: The answer's `x-request-id`.
        first_item: Seconds to the first item of a stream.
        failed: The attempts that failed, but for those that something else than the upstream or the way to it ended.
        on_attempt: Coroutine functions called after each attempt.
        may_retry: A function called before each further attempt, which may forbid it.
        before_retry: A coroutine function called after `may_retry`, which may forbid the attempt as well.
        failures: What came of the targets that were asked, where the deadline ended the call at one of them.
        replayable: Whether its body can be sent again, which an upload that is read once cannot.
        output_capped: Whether the bound on the answer's length is the application's and not the caller's.
        server: The base URL of the client that was last to perform it, and the provider where that client knows it.
        trace: Its attempts one by one, where a policy wants to know.
        account: The fingerprint of its tenant's own credentials, where it is performed with those.
    """

    labels: Labels
    model: str | None = None
    alias: str | None = None
    target: str | None = None
    target_model: str | None = None
    attempts: int = 0
    answered: int = 0
    lost: int = 0
    billable: int = 0
    reached: int = 0
    cache: Literal["hit", "miss", "stale", "shared"] | None = None
    cache_key: str | None = None
    usage: Usage | None = None
    settled: Usage | None = field(default=None, repr=False)
    nano_usd: int | None = None
    prices: object = field(default=None, repr=False)
    request_id: str | None = None
    first_item: float | None = None
    started: float = field(default_factory=time.monotonic)
    failed: tuple[FailedAttempt, ...] = ()
    on_attempt: list[Callable[[Attempt], Awaitable[None]]] = field(default_factory=no_listeners, repr=False)
    may_retry: Callable[[], bool] | None = field(default=None, repr=False)
    before_retry: Callable[[], Awaitable[bool]] | None = field(default=None, repr=False)
    failures: Sequence[tuple[str, OpenAIError]] = field(default=(), repr=False)
    replayable: bool = True
    output_capped: bool = False
    server: tuple[Any, str | None] | None = field(default=None, repr=False)
    account: str | None = field(default=None, repr=False)
    trace: Trace | None = field(default=None, repr=False)

    @property
    def usd(self) -> float | None:
        """Cost in USD."""
        return None if self.nano_usd is None else self.nano_usd / NANO

    @property
    def seconds(self) -> float:
        """Seconds since the call was made."""
        return time.monotonic() - self.started

    def note_failed(self, error: Exception, *, is_retried: bool) -> None:
        """Note that an attempt failed."""
        status: int | None = getattr(error, "status_code", None)
        self.failed = (*self.failed, FailedAttempt(type(error).__name__, status, is_retried))

    def fresh(self) -> "Record":
        """Return the record of another call with the same labels."""
        return Record(self.labels)

    async def attempted(self, began: float, error: Exception | None, pause: float | None) -> None:
        """Run the `on_attempt` functions."""
        attempt = Attempt(self.attempts, time.monotonic() - began, error, pause)
        for notify in self.on_attempt:
            await notify(attempt)
