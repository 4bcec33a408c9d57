"""Perform a call: pass the gate and the policies, attempt it, exchange HTTP, map errors."""

import inspect
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from .._answers.result import body_of, is_no_stream_by_type, make_result, refuse_to_stream
from .._call.call import Call, Reply
from .._call.pipeline import Next, chained
from .._call.protocols import Gate, View
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
from .._http.library import not_sent
from .._io import IO
from .._io.deadline import is_over
from .._libraries import httpx
from .._models.decode import is_slow_to_build
from .._params.files import RequestBody
from .._params.secrets import check_secret
from ..auth import WorkloadKeys
from ..errors import (
    APIConnectionError,
    APITimeoutError,
    ClientClosedError,
    ConfigError,
    DeadlineExceededError,
    OpenAIError,
    status_error,
)
from .blocking_calls import BlockingCalls
from .decoders import build_aside
from .http_request import Header
from .tenants import Tenants

_UNAUTHORIZED = 401


class Calls(Tenants):
    """Base of a client that performs calls."""

    io: IO
    max_retries: int
    deadline: float | None
    stream_end: StreamEndPolicy
    _api_key_source: Callable[[], Any] | None
    _workload_keys: WorkloadKeys | None
    _fetches_key: bool
    _steps: Next | None = None
    _gate: Gate | None = None
    """The provider's drain gate, which counts calls of its client and copies; not a policy, so no option drops it."""
    _keep_open: Callable[[], None] | None = None
    """Called instead of closing where a provider owns the client, which alone closes it."""
    _closed: bool
    _blocking_calls: BlockingCalls | None
    _strict_response_validation: bool

    async def perform(self, call: Call, /) -> Reply:
        """Perform a call: within its deadline, through the gate and every policy.

        Raises:
            APIError: The call did not lead to an answer with a status of success.
            ClientClosedError: The client is closed.
        """
        self._check_usable()
        deadline = call.deadline
        if deadline is None:
            if self.deadline is None:
                return await self._pass_policies(call)
            deadline = time.monotonic() + self.deadline
        given = call
        call = call.changed(deadline=deadline)
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

    async def _pass_policies(self, call: Call) -> Reply:
        """Pass the application's drain gate, where there is one, and the policies, the outermost first."""
        decoded = call.cast_to if call.stream is None else call.stream
        if not call.io.sync and is_slow_to_build(decoded):
            await build_aside(call.io, decoded)
        if self._layers or self._credentials is not None:
            call.client = self
            steps = self._steps
            if steps is None:
                steps = self._steps = chained(self._policies(), self._attempts)
        else:
            steps = self._attempts
        gate = self._gate
        if gate is None:
            return await steps(call)
        token = gate.begin()
        try:
            return await steps(call)
        finally:
            gate.leave(token)

    def result(self, call: Call, reply: Reply, view: View, /) -> Any:
        """Return what the caller gets: a model, a stream, a binary body or a raw response."""
        return make_result(self, call, reply, view, strict=self._strict_response_validation)

    async def _attempts(self, call: Call) -> Reply:
        """Innermost step: encode the body once and attempt the call until it succeeds or must not be retried."""
        if (via := call.via) is not None:
            io = via.io if self._gate is None else self._gate.io_of(via)
            given = call.changed(io=io, via=None)
            if via is not self:
                self._keep_from(via, given)
            reply: Reply = await via._attempts(given)
            return reply
        if call.record is not None:
            call.record.server = self._base_url, self._priced_as
        content = self._content(call)
        retries = self.max_retries if call.max_retries is None else call.max_retries
        if isinstance(content, RequestBody) and not content.replayable:
            retries = 0
            if call.record is not None:
                call.record.replayable = False
        return await retry(call, partial(self._attempt, call, content), retries)

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
        body = call.body
        if call.files is None and not call.headers:
            return body if body is None or isinstance(body, bytes | RequestBody) else call.encoded()
        kind = next(
            (value for name, value in (call.headers or {}).items() if name.lower() == "content-type"), None
        )
        if call.files is None and not (isinstance(kind, str) and kind.startswith("multipart/form-data")):
            return body if body is None or isinstance(body, bytes | RequestBody) else call.encoded()
        from .._params.multipart import form  # noqa: PLC0415 - only uploads need it

        return form(body, call.files or (), kind if isinstance(kind, str) else None)

    async def _attempt(
        self, call: Call, content: bytes | RequestBody | None, taken: int, fresh: bool, /
    ) -> Reply:
        if "://" in call.path and self.leads_away(call):
            authorization = None
        else:
            authorization = await self._new_key(call) if self._fetches_key else self._authorization(call)
        request = self._build(call, content, taken, authorization)
        if fresh:
            request.refresh()
        answer = await self._exchange(call, request)
        if answer.status_code == _UNAUTHORIZED and authorization:
            answer = await self._attempt_renewed(call, content, taken, authorization) or answer
        if not answer.is_success:
            raise status_error(answer.response, body_of(answer))
        if call.stream is not None:
            return Reply(answer, taken, stream_end=self.stream_end)
        return Reply(answer, taken)

    async def _attempt_renewed(
        self, call: Call, content: bytes | RequestBody | None, taken: int, refused: Header
    ) -> Answer | None:
        """Attempt a call again with the key in place of one that the API rejected; `None` where there is none."""
        if call.record is not None:
            call.record.reached += 1  # whatever becomes of the next request
        client: Calls | None = self
        if self._workload_keys is not None:
            self._workload_keys.refuse(refused[1].removeprefix("Bearer "))
        elif self._account is not None:
            client = await self._account.renewed(call)
        else:
            return None
        if client is None or (isinstance(content, RequestBody) and not content.replayable):
            return None
        key = await client._new_key(call) if client._fetches_key else client._authorization(call)
        return await client._exchange(call, client._build(call, content, taken, key))

    async def _exchange(self, call: Call, request: CallRequest) -> Answer:
        """Exchange one request for a response and map the HTTP library's errors to ours.

        The body is read, unless the call streams or leaves it unread and the status is a success.
        """
        io = call.io
        left = call.unread or call.stream is not None
        try:
            answer = await io.exchange(request, stream=left)
            if left:
                failed = not answer.is_success
                if failed or (call.stream is not None and is_no_stream_by_type(answer)):
                    await _read_what_is_no_stream(io, answer, failed=failed)
        except io.timeouts as error:
            if is_over(call.deadline):
                raise self._too_late(call) from error
            raise APITimeoutError(request.request) from error
        except TrustError as error:
            raise ConfigError(str(error)) from error
        except io.failures as error:
            said: str = getattr(error, "said", "")
            kind = type(error).__name__
            message = f"Connection error: {_where(request.request)} failed ({kind}). {said}".rstrip()
            raise APIConnectionError(message=message, request=request.request) from error
        except RuntimeError as error:  # what pools and HTTP clients raise once they are closed
            if self._closed or self._sender.is_closed:
                raise ClientClosedError("The client was closed while this call was under way.") from error
            raise
        return answer

    async def _new_key(self, call: Call) -> Header | None:
        """Fetch the key; a failure or interruption is marked as one of a call that costs nothing."""
        try:
            return await self._fetch_key(call)
        except BaseException as error:
            if isinstance(error, OpenAIError) or not isinstance(error, Exception):
                not_sent(error)
            raise

    async def _fetch_key(self, call: Call) -> Header | None:
        """Fetch the key from its function or workload identity; each request uses the key that it fetched."""
        if call.admin:
            return self._authorization(call)
        if self._workload_keys is not None:
            if self.admin_api_key is not None and self._is_admin(call):
                return self._authorization(call)
            return Header("Authorization", f"Bearer {await self._workload_keys.key(call.io, self._sender)}")
        assert self._api_key_source is not None  # noqa: S101 - as `_fetches_key` says
        key = await call.io.call(self._api_key_source)
        if inspect.iscoroutine(key):
            key.close()
            raise OpenAIError(
                "The api_key function is a coroutine function, which only AsyncOpenAI can await."
            )
        if not isinstance(key, str):
            raise OpenAIError(f"The api_key function gave {type(key).__name__}, not a string.")
        self.api_key = check_secret("api_key", key)
        return self._authorization(call, key)

    def _too_late(self, call: Call) -> DeadlineExceededError:
        request = self._library.http.Request(call.method, self._url(call))
        return DeadlineExceededError(
            request, message=f"The deadline has passed: {_where(request)} was not over in time."
        )


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
