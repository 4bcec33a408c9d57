"""One call as the journal keeps it, and what is known of the journal itself."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal


@dataclass(frozen=True, kw_only=True, slots=True)
class JournalAttempt:
    """One attempt of a call; durations are in seconds, and `None` where they are unknown.

    Attributes:
        target: What was asked, a model or a client and a model as `azure/gpt-5.5`; `None` without a fallback.
        number: 1 for the first of the call.
        began: When it began, from the begin of the call.
        seconds: How long it took to the head of the answer, or to its failure.
        error: The class of its error, `None` where it did not fail.
        status: The status of its answer.
        pause: How long the call waited before its next attempt, `None` where there was none.
        queue: How long it waited for a connection that it may use.
        connect: How long it took to open one; 0 where one was kept.
        send: How long it took to send the request.
        first_byte: How long it took from there to the head of the answer.
    """

    target: str | None
    number: int
    began: float
    seconds: float
    error: str | None = None
    status: int | None = None
    pause: float | None = None
    queue: float | None = None
    connect: float | None = None
    send: float | None = None
    first_byte: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class JournalEntry:
    """One call that has ended, a stream to its end; `None` means unknown.

    Attributes:
        id: Identifies the entry; that of a call that ended later is larger as text.
        at: When the call was made.
        request: Identifies the web request that made it, and is equal for all its calls; `None` outside of one.
        endpoint, tenant, user: The labels of the call.
        client: The alias of the client that was called.
        method: The HTTP method.
        path: The path below the base URL, such as `/chat/completions`.
        model: The model that was asked for, or the alias of one.
        target: What served it: a model, or a client and a model.
        stream: Whether the answer was streamed.
        outcome: `cancelled` is also a stream that its reader left.
        status: The HTTP status of the answer or the error.
        error: The class of the error.
        message: Its message, redacted.
        cache: What the cache did: `hit`, `miss`, `stale` or `shared`.
        usage_source: Whether the tokens are `reported`, `estimated` or `unknown`.
        input_tokens, output_tokens: All tokens that went in and came out.
        cached_tokens: Input tokens that the provider read from its cache.
        reasoning_tokens: Output tokens that were spent on reasoning.
        usd: The cost in USD, where the control `cost` knows it.
        nano_usd: The same in 10^-9 USD, which is exact.
        unpriced: Whether it was billed and its cost is not known.
        seconds: How long it took, to the end of its stream.
        first_item: Seconds to the first item of its stream.
        attempts: Each time that it was sent.
        request_id: The answer's `x-request-id`.
        process: The process that made it, as `host:pid`.
        has_content: Whether what was sent and answered is kept.
    """

    id: str
    at: datetime
    request: str | None
    endpoint: str | None
    tenant: str | None
    user: str | None
    client: str
    method: str
    path: str
    model: str | None
    target: str | None
    stream: bool
    outcome: Literal["ok", "error", "cancelled"]
    status: int | None
    error: str | None
    message: str | None
    cache: str | None
    usage_source: str | None
    input_tokens: int | None
    output_tokens: int | None
    cached_tokens: int | None
    reasoning_tokens: int | None
    usd: float | None
    nano_usd: int | None
    unpriced: bool
    seconds: float
    first_item: float | None
    attempts: tuple[JournalAttempt, ...]
    request_id: str | None
    process: str
    has_content: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class JournalContent:
    """The bodies of a call and of its answer, redacted and bounded.

    Attributes:
        request: The body of the request as JSON values; without uploads.
        answer: The body of the answer as JSON values; of a stream its text, put together.
        request_cut, answer_cut: Whether not all of it is kept: it was too large, or had files, pictures or vectors.
    """

    request: Any
    answer: Any
    request_cut: bool = False
    answer_cut: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class JournalState:
    """How much a journal holds.

    Attributes:
        kept: Entries that it holds.
        keep: The most that it holds; older ones are deleted.
        oldest: When the call of the oldest one was made; `None` where there is none.
        left_out: Calls of which no entry was kept, because too many came at once.
    """

    kept: int
    keep: int
    oldest: datetime | None
    left_out: int
