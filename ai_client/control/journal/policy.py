"""The policy that keeps the last calls: how each ended, what it used and cost, and each time that it was sent."""

import time
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from functools import partial

from ..._call.call import Call, Reply, StreamEnd
from ..._call.labels import current_request
from ..._call.pipeline import Next
from ..._call.record import Attempt, Record
from ..._call.trace import Trace
from ..._call.usage import Meter, Usage
from ..._fork import PerProcess
from ...errors import ConfigError
from ...stores import Store
from ...stores.log import LogEntry
from ...stores.log_store import append_log, checked_log_store
from ...stores.place import place_of
from ...stores.shared import SharedStore
from ..accounting.later import uses_tokens
from ..observability.redaction.policy import Redaction
from ..options.amounts import check_amounts
from ..pricing.meter import metered, usage_of
from ..record import note_model, record_of
from .content import Content, Piece, answer_of, error_body, sent_by
from .encoding import entries_of, id_at
from .ended import Ended, Outcome
from .recording import JournalRecording
from .stream_text import StreamText

_MOST = 1_000_000
_DAY = 86_400.0
_SENT = frozenset({None, "miss"})
"""States of a cache in a call that the API answered."""


@dataclass(frozen=True)
class Journal:
    """Keeps the last calls in the store, one by one: outcome, tokens, cost, attempts and how long their steps took.

    Args:
        store: Where they are kept.
        keep: How many calls are kept; the oldest are deleted.
        days: Days for which they are kept.
        content: Whether what is sent and answered is kept too, redacted, without uploads, up to 64 KiB each.
        per_second: Calls of one second that a process keeps, and as many errors again; others are left out and counted.
        name: Tells applications apart that share a store.
        client: The alias of the clients whose calls they are.
        redaction: What messages of errors and content may show.
    """

    store: Store = field(repr=False)
    keep: int = 10_000
    days: float = 7.0
    content: bool = False
    per_second: int = 50
    name: str = ""
    client: str = "default"
    redaction: Redaction = field(default_factory=Redaction, repr=False)
    _log_store: SharedStore = field(init=False, repr=False, compare=False)
    _recording: PerProcess[JournalRecording] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_amounts("journal", above_zero=True, keep=self.keep, days=self.days, per_second=self.per_second)
        if self.keep > _MOST:
            raise ConfigError(f"journal: keep must be at most {_MOST:,}.")
        try:
            store = checked_log_store(self.store)
        except ConfigError as error:
            raise ConfigError(f"journal: {error}") from None
        object.__setattr__(self, "_log_store", store)
        recording = PerProcess(
            lambda: JournalRecording(self._entries, self._append, place_of(store), self.per_second)
        )
        object.__setattr__(self, "_recording", recording)

    @property
    def log_store(self) -> SharedStore:
        """The store, which keeps logs."""
        return self._log_store

    @property
    def log(self) -> str:
        """The name of the log in the store."""
        return f"journal|{self.name}"

    @property
    def oldest(self) -> str:
        """The id from which on calls are young enough to be kept."""
        return id_at(time.time() - self.days * _DAY)

    def __call__(self, call: Call, proceed: Next) -> Awaitable[Reply]:
        """Send a call, and take down how it ended and each time that it was sent."""
        return self.whole(call, partial(self.at_target, proceed=proceed))

    async def whole(self, call: Call, proceed: Next) -> Reply:
        """Send a call, and take down how it ended."""
        record = call.record or record_of(call)
        trace = record.trace = Trace()
        try:
            reply = await proceed(call)
        except BaseException as error:
            self._ended(call, record, trace, error=error)
            raise
        is_measured = (
            uses_tokens(call) and record.cache in _SENT and (record.attempts > 0 or not reply.is_made)
        )
        if call.is_whole:
            usage = (reply.usage or usage_of(call, reply, record)) if is_measured else record.settled
            self._ended(call, record, trace, reply=reply, usage=usage, complete=True)
        else:
            self._follow(call, record, trace, reply, metered(call, call, reply) if is_measured else None)
        return reply

    def _follow(self, call: Call, record: Record, trace: Trace, reply: Reply, meter: Meter | None) -> None:
        """Take down how a stream ends."""
        request = current_request()
        text = StreamText() if self.content and not call.session and not call.unread else None

        def see(data: bytes) -> None:
            if record.first_item is None:
                record.first_item = record.seconds
            if text is not None:
                text.see(data)

        async def at_end(end: StreamEnd) -> None:
            self._ended(
                call,
                record,
                trace,
                reply=reply,
                usage=record.settled if meter is None else meter.usage(),
                complete=end.complete,
                error=end.error,
                request=request,
                text=text,
            )

        reply.on_event.append(see)
        reply.on_end.append(at_end)

    def _ended(
        self,
        call: Call,
        record: Record,
        trace: Trace,
        *,
        reply: Reply | None = None,
        usage: Usage | None = None,
        complete: bool = False,
        error: BaseException | None = None,
        request: str | None = None,
        text: StreamText | None = None,
    ) -> None:
        """Record a call that has ended, unless too many do."""
        now = time.time()
        failed = isinstance(error, Exception)
        recording = self._recording()
        if not recording.has_room(now, is_error=failed):
            return
        outcome: Outcome = "error" if failed else "ok" if complete else "cancelled"
        status: int | None = getattr(error, "status_code", None)
        request_id: str | None = getattr(error, "request_id", None)
        if reply is not None:
            status = status or reply.answer.status_code
            request_id = record.request_id or reply.answer.header("x-request-id") or request_id
        nano_usd = record.nano_usd
        is_unpriced = (
            record.prices is not None
            and record.billable > (nano_usd is not None and record.cache in _SENT)
            and uses_tokens(call)
        )
        recording.add(
            Ended(
                now,
                record.seconds,
                record.started,
                outcome,
                record.labels,
                request or current_request(),
                call.method,
                call.shown_path,
                record.model,
                record.target,
                record.target_model,
                call.stream is not None,
                status,
                None if error is None else type(error).__name__,
                self.redaction.error(error) if isinstance(error, Exception) else None,
                record.cache,
                usage,
                nano_usd,
                is_unpriced,
                record.first_item,
                trace.attempts,
                request_id,
                self._content(call, trace, reply, error, text) if self.content else None,
            )
        )

    @staticmethod
    def _content(
        call: Call, trace: Trace, reply: Reply | None, error: BaseException | None, text: StreamText | None
    ) -> Content:
        sent = trace.sent if isinstance(trace.sent, Piece) else sent_by(call)
        answer: Piece | StreamText | None = text
        if text is None and reply is not None and call.is_whole:
            answer = answer_of(reply)
        elif reply is None and error is not None:
            answer = error_body(error)
        return Content(sent, answer)

    async def at_target(self, call: Call, proceed: Next) -> Reply:
        """Send a call to one target, and take down each time that it is sent."""
        record = call.record or record_of(call)
        trace = record.trace
        if trace is None:  # the part that stands further out did not see it
            return await proceed(call)
        note_model(call, record)
        if self.content:
            trace.sent = sent_by(call)

        async def attempted(attempt: Attempt) -> None:
            trace.end(record.target, attempt.error, attempt.seconds, attempt.pause)

        record.on_attempt.append(attempted)
        try:
            reply = await proceed(call)
        except BaseException as error:
            trace.end(record.target, error)
            raise
        finally:
            record.on_attempt.remove(attempted)  # a policy further out may ask again
        trace.answered(reply.answer.status_code)
        return reply

    def write(self) -> None:
        """Write what this process has recorded; blocks."""
        self._recording().write()

    def _entries(self, calls: Sequence[Ended], left_out: int) -> list[LogEntry]:
        return entries_of(calls, left_out, client=self.client, redaction=self.redaction)

    def _append(self, entries: Sequence[LogEntry]) -> None:
        until = time.time() + self.days * _DAY
        append_log(self._log_store, self.log, entries, keep=self.keep, oldest=self.oldest, until=until)
