"""Perform a call: pass the gate and the policies, attempt it, exchange HTTP, map errors."""

import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from .._answers.result import body_of, is_no_stream_by_type, make_result, refuse_no_result, refuse_to_stream
from .._call import timings
from .._call.call import Call, Reply
from .._call.pipeline import Next, chained
from .._call.protocols import Gate, View
from .._call.record import Record
from .._call.retry import retry
from .._call.stream_ends import StreamEndPolicy
from .._exchange.answer import Answer
from .._exchange.call_request import CallRequest
from .._exchange.origins import (
    for_anywhere,
    origin,
    path_without_secrets,
    without_credentials,
    without_secrets,
)
from .._http.certificates import TrustError
from .._io import IO
from .._io.deadline import is_over
from .._libraries import httpx
from .._models.decode import is_slow_to_build
from .._params.files import RequestBody
from ..errors import (
    APIConnectionError,
    APITimeoutError,
    ClientClosedError,
    ConfigError,
    DeadlineExceededError,
    status_error,
)
from .blocking_calls import BlockingCalls
from .decoders import build_aside
from .keys import Keys

_UNAUTHORIZED = 401


class Calls(Keys):
    """Base of a client that performs calls."""

    io: IO
    max_retries: int
    deadline: float | None
    stream_end: StreamEndPolicy
    _steps: Next | None = None
    _gate: Gate | None = None
    """The provider's drain gate, which counts calls of its client and copies; not a policy, so no option drops it."""
    _keep_open: Callable[[], None] | None = None
    """Called instead of closing where a provider owns the client, which alone closes it."""
    _closed: bool
    _blocking_calls: BlockingCalls | None
    _strict_response_validation: bool

    def perform(self, call: Call, /) -> Coroutine[Any, Any, Reply]:
        """Perform a call: within its deadline, through the gate and every policy.

        Raises:
            APIError: The call did not lead to an answer with a status of success.
            ClientClosedError: The client is closed.
        """
        if self._closed or self._sender.is_closed or self._blocking_calls is not None:
            self._check_usable()
        has_end = call.deadline is not None or self.deadline is not None
        passing = self._perform_in_time(call) if has_end else self._pass_policies(call)
        return timings.timed(call, passing) if timings.wanted.is_so else passing

    async def outcome(self, call: Call, view: View, /) -> Any:
        """Perform a call; return what the caller gets, as `result` makes it."""
        call.parsed = view == "parsed"
        reply = await self.perform(call)
        return make_result(self, call, reply, view, strict=self._strict_response_validation)

    async def _perform_in_time(self, given: Call) -> Reply:
        deadline = given.deadline
        if deadline is None:
            deadline = time.monotonic() + (self.deadline or 0.0)
        call = given.until(deadline)
        try:
            reply = await call.io.within(deadline, self._pass_policies(call))
        except TimeoutError as error:
            if is_over(deadline):
                late = self._too_late(call)
                late.failures = () if call.record is None else call.record.failures
                raise late from error
            raise
        if reply.deadline is None or reply.deadline > deadline:
            reply.deadline = deadline
        given.record = call.record
        return reply

    def _check_usable(self) -> None:
        if self._closed or self._sender.is_closed:
            raise ClientClosedError(
                "This client is closed. Make a new one, or keep one open for the process."
            )
        if self._blocking_calls is not None:
            self._blocking_calls.check()

    def _pass_policies(self, call: Call) -> Coroutine[Any, Any, Reply]:
        """Pass the application's drain gate, where there is one, and the policies, the outermost first."""
        if self._layers or self._credentials is not None:
            call.client = self
            steps: Any = self._steps
            if steps is None:
                steps = self._steps = chained(self._policies(), self._attempts)
        else:
            steps = self._attempts
        gate = self._gate
        decoded = call.cast_to if call.stream is None else call.stream
        is_slow = not call.io.sync and is_slow_to_build(decoded)
        if gate is None and not is_slow:
            passing: Coroutine[Any, Any, Reply] = steps(call)
            return passing
        return _passed(steps, call, gate, decoded if is_slow else None)

    def result(self, call: Call, reply: Reply, view: View, /) -> Any:
        """Return what the caller gets: a model, a stream, a binary body or a raw response."""
        return make_result(self, call, reply, view, strict=self._strict_response_validation)

    def _attempts(self, call: Call) -> Coroutine[Any, Any, Reply]:
        """Innermost step: encode the body once and attempt the call until it succeeds or must not be retried."""
        if (via := call.via) is not None:
            io = via.io if self._gate is None else self._gate.io_of(via)
            given = call.changed(io=io, via=None)
            if via is not self:
                self._keep_from(via, given)
            attempts: Coroutine[Any, Any, Reply] = via._attempts(given)
            return attempts
        if call.record is not None:
            call.record.server = self._base_url, self._priced_as
        content = self._content(call)
        retries = self.max_retries if call.max_retries is None else call.max_retries
        if isinstance(content, RequestBody) and not content.replayable:
            retries = 0
            if call.record is not None:
                call.record.replayable = False
        return retry(call, partial(self._attempt, call, content), retries)

    def _keep_from(self, other: "Calls", call: Call) -> None:
        """Remove credentials given for this client from a call that another client performs."""
        account = other._account
        if account is not None and account.home is self and not account.is_away:
            return  # what the call brings itself is for the tenant that it is made for
        if origin(self._url(call)) == origin(other._url(call)):
            call.headers = call.headers and without_credentials(call.headers)
        else:
            call.headers = call.headers and for_anywhere(call.headers)
            call.query = call.query and without_secrets(call.query)
            call.path = path_without_secrets(call.path)

    def _content(self, call: Call) -> bytes | RequestBody | None:
        if call.files is not None or call.headers:
            kind = next(
                (value for name, value in (call.headers or {}).items() if name.lower() == "content-type"),
                None,
            )
            kind = kind if isinstance(kind, str) else None
            is_form = kind is not None and kind.startswith("multipart/form-data")
            if call.files is not None or (is_form and not isinstance(call.body, bytes | RequestBody)):
                from .._params.multipart import form  # noqa: PLC0415 - only uploads need it

                return form(call.body, call.files or (), kind)
        body = call.body
        return body if body is None or isinstance(body, RequestBody) else call.encoded()

    async def _attempt(
        self, call: Call, content: bytes | RequestBody | None, taken: int, fresh: bool, /
    ) -> Reply:
        """Attempt a call once, and again with another key where the API rejected one that can be renewed.

        The body is read, unless the call streams or leaves it unread and the status is a success.

        Raises:
            APIError: It was not answered, or by an error, or by what is no answer of the API.
        """
        client: Calls = self
        if "://" in call.path and self.leads_away(call):
            authorization = None
        else:
            authorization = await self._new_key(call) if self._fetches_key else self._authorization(call)
        io = call.io
        left = call.unread or call.stream is not None
        renewed = False
        while True:
            request = client._build(call, content, taken, authorization)
            if call.record is not None:
                _time(call.record, request)
            if fresh:
                request.refresh()
            try:
                answer = await io.exchange(request, stream=left)
                if left:
                    failed = not answer.is_success
                    if failed or (call.stream is not None and is_no_stream_by_type(answer)):
                        await _read_what_is_no_stream(io, answer, failed=failed)
            except Exception as error:
                if (ours := client._as_ours(error, call, request)) is not None:
                    raise ours from error
                raise
            if answer.is_success:
                refuse_no_result(call, answer)
                return Reply(answer, taken, stream_end=self.stream_end)
            if answer.status_code == _UNAUTHORIZED and authorization and not renewed:
                renewed = True
                other: Calls | None = await self._renewed(call, authorization)
                if other is not None and (not isinstance(content, RequestBody) or content.replayable):
                    client = other
                    authorization = (
                        await client._new_key(call) if client._fetches_key else client._authorization(call)
                    )
                    continue
            raise status_error(answer.response, body_of(answer))

    def _as_ours(self, error: Exception, call: Call, request: CallRequest) -> Exception | None:
        """Return the error of ours in place of one of an exchange; `None` where that passes as it is."""
        io = call.io
        if isinstance(error, io.timeouts):
            return self._too_late(call) if is_over(call.deadline) else APITimeoutError(request.request)
        if isinstance(error, TrustError):
            return ConfigError(str(error))
        if isinstance(error, io.failures):
            said: str = getattr(error, "said", "")
            kind = type(error).__name__
            message = f"Connection error: {_where(request.request)} failed ({kind}). {said}".rstrip()
            return APIConnectionError(message=message, request=request.request)
        if isinstance(error, RuntimeError) and (self._closed or self._sender.is_closed):
            return ClientClosedError("The client was closed while this call was under way.")
        return None

    def _too_late(self, call: Call) -> DeadlineExceededError:
        request = self._library.http.Request(call.method, self._url(call))
        return DeadlineExceededError(
            request, message=f"The deadline has passed: {_where(request)} was not over in time."
        )


async def _passed(steps: Next, call: Call, gate: Gate | None, slow: Any) -> Reply:
    """Perform the steps of a call as one that *gate* counts, once the decoder of a type that is *slow* is built."""
    if slow is not None:
        await build_aside(call.io, slow)
    if gate is None:
        return await steps(call)
    token = gate.begin()
    try:
        return await steps(call)
    finally:
        gate.leave(token)


def _time(record: Record, request: CallRequest) -> None:
    """Have the steps of an exchange noted where a policy wants to know."""
    if record.trace is not None and record.trace.phases is not None:
        record.trace.phases.restart()
        request.time(record.trace.phases)


async def _read_what_is_no_stream(io: IO, answer: Answer, *, failed: bool) -> None:
    """Read the body of an answer that *failed*, or whose content type is no stream's, unless it is one all the same.

    Raises:
        APIError: The server says why it does not stream.
        APIResponseValidationError: It answers a streamed call with anything else.
    """
    from ..control.opening import begins_as_stream  # noqa: PLC0415 - such answers are rare

    try:
        if failed:
            await io.read(answer)
        elif not await begins_as_stream(io, answer):
            await io.read(answer)
            refuse_to_stream(answer)
    except BaseException:
        await io.close(answer)
        raise


def _where(request: "httpx.Request") -> str:
    url = request.url
    port = f":{url.port}" if url.port else ""
    return f"{request.method} {url.scheme}://{url.host}{port}{url.path}"
