"""The call that policies receive and the reply that they return."""

import logging
import re
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from pydantic_core import from_json

from .._exchange.answer import Answer
from .._io import IO, finish
from .._libraries import httpx
from .._params.encoding import encode
from .._params.files import RequestBody, RequestFiles
from .._params.omit import Headers, NotGiven, Query, not_given
from .._params.secrets import shown_address
from ..errors import members_of
from .record import Record
from .size import Size
from .stream_ends import StreamEndPolicy
from .usage import Meter, Usage

_OBJECT = re.compile(rb"\s*\{")
_PLAIN = frozenset({str, int, float, bool, list, dict, type(None)})
"""Types of members that can be read any number of times."""

logger = logging.getLogger("ai_client")


@dataclass(slots=True)
class Call:
    """One operation of a client, described but not performed.

    A policy never changes a call; it passes on a changed copy (`changed`).

    Attributes:
        io: How to wait.
        method, path: The HTTP method, and the path below the base URL (or a whole URL).
        cast_to: The type of the result.
        body: What is sent as JSON; `bytes` and a `RequestBody` are sent as they are.
        query, headers: Of this call, over the client's.
        timeout: Seconds, or the library's `Timeout`; `not_given` is the client's.
        max_retries: Further attempts; `None` is the client's.
        deadline: When the call must be over, in seconds of `time.monotonic`; `None` is never.
        follow_redirects: Whether to go where the server points; `None` leaves it to the client.
        stream: The type of a stream's items where the answer is streamed, else `None`.
        stream_cls: The class of the stream, where it is not the client's own.
        files: Parts of a multipart body, beside *body* as its form fields.
        unread: Whether the body is left on the wire for the caller to read.
        parsed: Whether the caller gets the result that the answer is parsed to, and not the answer itself.
        admin: Whether the key for the organization's administration authorizes it; `None` where the path decides.
    """

    io: IO
    method: str
    path: str = field(repr=False)
    cast_to: Any
    body: Mapping[str, object] | bytes | object | None = field(default=None, repr=False)
    query: Query | None = field(default=None, repr=False)
    headers: Headers | None = field(default=None, repr=False)
    timeout: "float | httpx.Timeout | NotGiven | None" = not_given
    max_retries: int | None = None
    deadline: float | None = None
    follow_redirects: bool | None = None
    stream: Any = None
    stream_cls: Any = None
    files: RequestFiles | None = field(default=None, repr=False)
    unread: bool = False
    parsed: bool = False
    admin: bool | None = None
    client: Any = field(default=None, repr=False, compare=False)
    """The client that was called, where it has policies."""
    via: Any = None
    """Another client of the same kind, which performs the call instead."""
    onward: Callable[[BaseException, int], bool] | None = None
    """Whether a failure, after so many retries, leads to another target in place of one more retry."""
    session: bool = False
    """Whether it is a session over a WebSocket, which is billed by what its answers report."""
    shape: Callable[[Any], Any] | None = None
    """How to convert the decoded result before the caller gets it."""
    record: Record | None = None
    """The record of the call, shared by its copies."""
    size: Size | None = field(default=None, repr=False, compare=False)
    """How large the prompt is, once a policy has asked."""
    _encoded: bytes | None = field(default=None, repr=False, compare=False)
    _members: Mapping[str, Any] | None = field(default=None, repr=False, compare=False)
    _read_of: Any = field(default=None, repr=False, compare=False)
    """The body that these, and the size, were made of; of another one they are made anew, however it came here."""

    def changed(self, **changes: Any) -> "Call":
        """Return a copy with some attributes changed."""
        new = self._copy()
        for name, value in changes.items():
            setattr(new, name, value)
        if "body" in changes:
            new.take(new.body)
        if "deadline" in changes or "io" in changes:
            new.io = new.io.until(new.deadline)
        return new

    def take(self, body: object, encoded: bytes | None = None) -> None:
        """Set the body, and the JSON that it is sent as where that is known."""
        self.body = self._read_of = body
        self._encoded = encoded
        self._members = self.size = None

    def until(self, deadline: float) -> "Call":
        """Return a copy that must be over at *deadline*, in seconds of `time.monotonic`."""
        new = self._copy()
        new.deadline = deadline
        new.io = new.io.until(deadline)
        return new

    def timed(self, timeout: float) -> "Call":
        """Return a copy of which each read and write takes at most *timeout* seconds."""
        new = self._copy()
        new.timeout = timeout
        return new

    def _copy(self) -> "Call":
        new = object.__new__(Call)  # attribute by attribute, which takes a fifth of what the constructor does
        new.io, new.method, new.path = self.io, self.method, self.path
        new.cast_to, new.body, new.query = self.cast_to, self.body, self.query
        new.headers, new.timeout, new.max_retries = self.headers, self.timeout, self.max_retries
        new.deadline, new.follow_redirects = self.deadline, self.follow_redirects
        new.stream, new.stream_cls, new.files = self.stream, self.stream_cls, self.files
        new.unread, new.parsed = self.unread, self.parsed
        new.admin, new.client = self.admin, self.client
        new.via, new.onward, new.session = self.via, self.onward, self.session
        new.shape, new.record, new.size = self.shape, self.record, self.size
        new._encoded, new._members, new._read_of = self._encoded, self._members, self._read_of
        return new

    def with_members(self, members: Mapping[str, Any], **changes: Any) -> "Call":
        """Return a copy with some members changed of the JSON object that it sends, and some attributes."""
        return self.changed(body={**self.members(), **members}, **changes)

    def members(self) -> Mapping[str, Any]:
        """Return the members of the JSON object or form that is sent, whatever holds it: a mapping, a model or bytes.

        Returns:
            Empty where anything else is sent, or what cannot be known before. It is read once for all policies.
        """
        if self._read_of is not self.body:
            self.take(self.body)
        found = self._members
        if found is None:
            found = self._members = self._read()
        return found

    def _read(self) -> Mapping[str, Any]:
        body = self.body
        if type(body) is dict or isinstance(body, Mapping):
            found = members_of(body)
            if (
                self.files is None
                and not _PLAIN.issuperset(map(type, found.values()))
                and any(hasattr(value, "__next__") for value in found.values())
            ):
                return members_of(from_json(self.encoded()))
            return found
        if body is None or isinstance(body, RequestBody):
            return {}
        encoded = self.encoded()
        if _OBJECT.match(encoded) is None:
            return {}
        try:
            return members_of(from_json(encoded))
        except ValueError:
            return {}

    def encoded(self) -> bytes:
        """Return the encoded JSON body; it is encoded once and shared by all policies.

        Raises:
            TypeError: Something in it has no JSON form.
            ValueError: A number in it is infinite or not a number.
        """
        if self._read_of is not self.body:
            self.take(self.body)
        encoded = self._encoded
        if encoded is None:
            encoded = self._encoded = self.body if isinstance(self.body, bytes) else encode(self.body)
        return encoded

    @property
    def shown_path(self) -> str:
        """The path as logs and hooks may show it: without a query and a user, which may be secret."""
        path = self.path
        return shown_address(path) if "?" in path or "://" in path else path

    @property
    def is_whole(self) -> bool:
        """Whether the answer is read when policies get it: it is not streamed, nor left on the wire."""
        return self.stream is None and not self.unread


@dataclass(slots=True)
class StreamEnd:
    """How a stream ended.

    Attributes:
        error: What broke it, if anything did.
        complete: Whether it was read to its end, and that was an end after which it is whole.
    """

    error: BaseException | None
    complete: bool


class Reply:
    """An answer of status below 400: whole, or the opening of a stream.

    Attributes:
        answer: The HTTP answer; its body is read unless the call is streamed.
        response: The same as a response of the HTTP library, made when somebody looks.
        retries_taken: Attempts before this one.
        deadline: When its body must have been read, in seconds of `time.monotonic`; `None` is never.
        on_event: Functions that see the data of each event of a stream; one that returns `False` hides it.
        on_end: Coroutine functions that run when the stream ends or is closed, in order.
        result: Its decoded body, once a policy has asked.
        usage: Its usage, once a policy has asked.
        meter: Measures a stream's usage, once a policy has asked.
        stream_end: Whether a stream must bring an end mark, as the client has it that sent the call.
        is_taken: Whether a policy of the application has had it; it can then answer no other call.
        is_made: Whether such a policy made it.
    """

    __slots__ = (
        "answer",
        "deadline",
        "is_made",
        "is_taken",
        "meter",
        "on_end",
        "on_event",
        "result",
        "retries_taken",
        "stream_end",
        "usage",
    )

    def __init__(
        self,
        response: "httpx.Response | Answer",
        retries_taken: int = 0,
        *,
        deadline: float | None = None,
        stream_end: StreamEndPolicy = "required",
    ) -> None:
        self.answer = response if isinstance(response, Answer) else Answer.of(response)
        self.retries_taken = retries_taken
        self.deadline = deadline
        self.on_event: list[Callable[[bytes], bool | None]] = []
        self.on_end: list[Callable[[StreamEnd], Awaitable[None]]] = []
        self.result: Any = None
        self.usage: Usage | None = None
        self.meter: Meter | None = None
        self.stream_end: StreamEndPolicy = stream_end
        self.is_taken = self.is_made = False

    def __repr__(self) -> str:
        return f"<Reply [{self.answer.status_code}]>"

    @property
    def response(self) -> "httpx.Response":
        """The HTTP library's response."""
        return self.answer.response

    @response.setter
    def response(self, response: "httpx.Response") -> None:
        self.answer = Answer.of(response)

    async def settle(self, io: IO, end: StreamEnd) -> None:
        """Run the functions for the end of a stream, once, even if its caller is cancelled."""
        if self.on_end:
            await io.carry_through(self._settle(io, end))

    async def abandon(self, io: IO, error: BaseException | None = None) -> None:
        """Close and settle an answer that its caller will not get, because of *error* where there is one."""
        try:
            await io.close(self.answer)
        finally:
            await self.settle(io, StreamEnd(error, complete=False))

    async def _settle(self, io: IO, end: StreamEnd) -> None:
        while self.on_end:
            callback = self.on_end.pop(0)
            try:
                if io.sync:
                    finish(cast("Coroutine[Any, Any, None]", callback(end)))
                else:
                    await callback(end)
            except (KeyboardInterrupt, SystemExit):
                self.on_end.insert(0, callback)  # whoever tries again begins with it
                raise
            except Exception:
                logger.exception("Settling a stream failed; what the caller read is not affected.")
