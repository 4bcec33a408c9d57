"""`client.responses`: the generated methods and the handwritten ones."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Unpack, overload

from pydantic import TypeAdapter

from ai_client.types.responses import ToolParam
from ai_client.types.responses.response import Response
from ai_client.types.responses.response_create_params import (
    ResponseCreateParamsBase,
    ResponseIncludable,
    ResponseRetrieveParamsBase,
)
from ai_client.types.responses.response_stream_event import ResponseStreamEvent

from ..._client.inspected import shown
from ..._client.modes import Async, AsyncRaw, AsyncStreaming, M, Raw, Streaming, Sync
from ..._client.operation import RawView, StreamingView, overloaded
from ..._params.omit import OPTIONS, MethodOptions, Omit, is_mark, omit
from ..._params.query import path
from ..._sockets.responses import ResponsesConnect
from . import _generated

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    from ai_client.lib.streaming.responses import AsyncResponseStreamManager, ResponseStreamManager
    from ai_client.types.responses.parsed_response import ParsedResponse

    from ..._answers.raw_response import (
        APIResponse,
        AsyncAPIResponse,
        AsyncResponseContextManager,
        LegacyAPIResponse,
        ResponseContextManager,
    )

    T = TypeVar("T", default=None)
else:
    from typing import TypeVar

    T = TypeVar("T")  # the standard library's has no `default` before Python 3.13


class ResponseParseParams(ResponseCreateParamsBase, total=False):
    """Keywords of `responses.parse`, without those that set the type."""

    stream: bool | None
    verbosity: Literal["low", "medium", "high"] | None


class ResponseResumeParams(MethodOptions, total=False):
    """Keywords of `responses.stream` for an existing response."""

    starting_after: int
    include: Sequence[ResponseIncludable]
    tools: Iterable[ToolParam]


class Responses(ResponsesConnect[M], _generated.Responses[M]):
    """Answers, with tools and state on the server's side."""

    with_raw_response: "RawView[Responses[Raw], Responses[AsyncRaw]]" = RawView()
    with_streaming_response: "StreamingView[Responses[Streaming], Responses[AsyncStreaming]]" = (
        StreamingView()
    )

    @overload
    def parse(
        self: "Responses[Sync]",
        *,
        text_format: type[T] | TypeAdapter[T] | Omit = omit,
        parse_as: Omit = omit,
        **params: Unpack[ResponseParseParams],
    ) -> "ParsedResponse[T]": ...
    @overload
    def parse(
        self: "Responses[Sync]",
        *,
        text_format: Any = omit,
        parse_as: type[T] | TypeAdapter[T],
        **params: Unpack[ResponseParseParams],
    ) -> "ParsedResponse[T]": ...
    @overload
    def parse(
        self: "Responses[Sync]",
        *,
        text_format: Any = omit,
        parse_as: None,
        **params: Unpack[ResponseParseParams],
    ) -> "ParsedResponse[None]": ...
    @overload
    async def parse(
        self: "Responses[Async]",
        *,
        text_format: type[T] | TypeAdapter[T] | Omit = omit,
        parse_as: Omit = omit,
        **params: Unpack[ResponseParseParams],
    ) -> "ParsedResponse[T]": ...
    @overload
    async def parse(
        self: "Responses[Async]",
        *,
        text_format: Any = omit,
        parse_as: type[T] | TypeAdapter[T],
        **params: Unpack[ResponseParseParams],
    ) -> "ParsedResponse[T]": ...
    @overload
    async def parse(
        self: "Responses[Async]",
        *,
        text_format: Any = omit,
        parse_as: None,
        **params: Unpack[ResponseParseParams],
    ) -> "ParsedResponse[None]": ...
    @overload
    def parse(
        self: "Responses[Raw]",
        *,
        text_format: type[T] | TypeAdapter[T] | Omit = omit,
        parse_as: Omit = omit,
        **params: Unpack[ResponseParseParams],
    ) -> "LegacyAPIResponse[ParsedResponse[T]]": ...
    @overload
    async def parse(
        self: "Responses[AsyncRaw]",
        *,
        text_format: type[T] | TypeAdapter[T] | Omit = omit,
        parse_as: Omit = omit,
        **params: Unpack[ResponseParseParams],
    ) -> "LegacyAPIResponse[ParsedResponse[T]]": ...
    @overload
    def parse(
        self: "Responses[Streaming]",
        *,
        text_format: type[T] | TypeAdapter[T] | Omit = omit,
        parse_as: Omit = omit,
        **params: Unpack[ResponseParseParams],
    ) -> "ResponseContextManager[APIResponse[ParsedResponse[T]]]": ...
    @overload
    def parse(
        self: "Responses[AsyncStreaming]",
        *,
        text_format: type[T] | TypeAdapter[T] | Omit = omit,
        parse_as: Omit = omit,
        **params: Unpack[ResponseParseParams],
    ) -> "AsyncResponseContextManager[AsyncAPIResponse[ParsedResponse[T]]]": ...
    @overloaded
    async def parse(self, *, text_format: Any = omit, parse_as: Any = omit, **params: Any) -> Any:
        """Create a response with structured output.

        `output_parsed` is an instance of *text_format*: a pydantic model, a dataclass, anything that
        `TypeAdapter` accepts, or an adapter. Calls of tools built with `pydantic_responses_function_tool` have
        an instance of the tool's model as `parsed_arguments`.

        Args:
            text_format: The type to request.
            parse_as: The type to parse the output as where another format applies, for example by an update in
                the input; `None`
                does not parse it.
            **params: Keywords of `create`.

        Raises:
            pydantic.ValidationError: The output does not match its type.
            TypeError: *params* already set a format.
        """
        return await self._parse(text_format, parse_as, params)

    @overload
    def stream(
        self: "Responses[Sync]",
        *,
        response_id: Omit = omit,
        text_format: type[T] | TypeAdapter[T] | Omit = omit,
        **params: Unpack[ResponseCreateParamsBase],
    ) -> "ResponseStreamManager[T]": ...
    @overload
    def stream(
        self: "Responses[Sync]",
        *,
        response_id: str,
        text_format: type[T] | TypeAdapter[T] | Omit = omit,
        **params: Unpack[ResponseResumeParams],
    ) -> "ResponseStreamManager[T]": ...
    @overload
    def stream(
        self: "Responses[Async]",
        *,
        response_id: Omit = omit,
        text_format: type[T] | TypeAdapter[T] | Omit = omit,
        **params: Unpack[ResponseCreateParamsBase],
    ) -> "AsyncResponseStreamManager[T]": ...
    @overload
    def stream(
        self: "Responses[Async]",
        *,
        response_id: str,
        text_format: type[T] | TypeAdapter[T] | Omit = omit,
        **params: Unpack[ResponseResumeParams],
    ) -> "AsyncResponseStreamManager[T]": ...
    @shown
    def stream(self, *, text_format: Any = omit, **params: Any) -> Any:
        """Create a response as a stream of events, with accumulated text and arguments.

        Returns a context manager, which sends the call on entry. The stream yields the events of
        `ai_client.lib.streaming.responses`; at the end it has the whole response, parsed as by `parse`.

        With *response_id* it resumes the stream of an existing response, after the event *starting_after*.

        Raises:
            ValueError: A new response lacks `input` or `model`, or parameters of a new one are passed for an
                existing one.
        """
        from ai_client.lib.streaming import responses

        from ...lib._tools import given_tools

        params = {name: value for name, value in params.items() if not is_mark(value)}
        tools = given_tools(params.pop("tools", None))
        if tools is not None:
            from ...lib._parsing._responses import responses_tools

            tools = responses_tools(tools)
        state = responses.ResponseStreamState[Any](
            text_format=text_format, input_tools=omit if tools is None else tools
        )
        if "response_id" in params or "starting_after" in params:
            starting_after = _check_resumed(params)
            request = partial(self._resume, params)
        else:
            starting_after = None
            _check_new(params)
            if tools is not None:
                params["tools"] = tools
            request = partial(self._request_stream, text_format, params)
        if self._client.io.sync:
            return responses.ResponseStreamManager[Any](
                request, lambda raw: responses.ResponseStream(raw, state, starting_after)
            )
        return responses.AsyncResponseStreamManager[Any](
            request, lambda raw: responses.AsyncResponseStream(raw, state, starting_after)
        )

    async def _parse(self, text_format: Any, parse_as: Any, params: dict[str, Any]) -> Any:
        from ...lib._parsing._responses import (
            format_to_parse,
            parse_response,
            responses_tools,
            with_text_format,
        )
        from ...lib._tools import Tools, given_tools

        with_text_format(params, text_format)
        form = format_to_parse(params, text_format, parse_as)
        tools = given_tools(params.get("tools"))
        if tools is not None:
            params["tools"] = tools = responses_tools(tools)
        shape = partial(parse_response, form=form, tools=Tools(tools or ()))
        return await self._call("POST", "/responses", ResponseParseParams, params, Response, shape=shape)

    async def _request_stream(self, text_format: Any, params: dict[str, Any]) -> Any:
        from ...lib._parsing._responses import with_text_format

        params = {**params, "stream": True}
        with_text_format(params, text_format)
        return await self._call(
            "POST", "/responses", ResponseCreateParamsBase, params, Response, stream=ResponseStreamEvent
        )

    async def _resume(self, params: dict[str, Any]) -> Any:
        params = {**params, "stream": True}
        return await self._call(
            "GET",
            path("/responses/{response_id}", response_id=params.pop("response_id")),
            ResponseRetrieveParamsBase,
            params,
            Response,
            stream=ResponseStreamEvent,
        )


def _check_new(params: dict[str, Any]) -> None:
    for name in ("input", "model"):
        if name not in params:
            raise ValueError(f"{name} must be provided when creating a new response")


def _check_resumed(params: dict[str, Any]) -> int | None:
    """Validate the parameters for an existing response; return `starting_after`."""
    starting_after: int | None = params.pop("starting_after", None)
    if more := params.keys() - {"response_id", "include"} - OPTIONS:
        raise ValueError(
            "response_id and starting_after resume an existing response and cannot be combined with "
            + ", ".join(sorted(more))
        )
    if "response_id" not in params:
        raise ValueError("response_id must be provided when streaming an existing response")
    return starting_after
