"""`client.chat.completions`: the generated methods and the handwritten ones."""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Unpack, cast, overload

from pydantic import TypeAdapter

from ai_client.types.chat.chat_completion import ChatCompletion
from ai_client.types.chat.chat_completion_chunk import ChatCompletionChunk
from ai_client.types.chat.completion_create_params import CompletionCreateParamsBase, CompletionParseParams

from ...._client.inspected import shown
from ...._client.modes import Async, AsyncRaw, AsyncStreaming, M, Raw, Streaming, Sync
from ...._client.operation import RawView, StreamingView, operation
from ...._params.omit import Omit, omit
from . import _generated

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    from ai_client.lib.streaming.chat import AsyncChatCompletionStreamManager, ChatCompletionStreamManager
    from ai_client.types.chat.parsed_chat_completion import ParsedChatCompletion

    T = TypeVar("T", default=None)
else:
    from typing import TypeVar

    T = TypeVar("T")  # the standard library's has no `default` before Python 3.13


class Completions(_generated.Completions[M]):
    """Answers to conversations."""

    with_raw_response: "RawView[Completions[Raw], Completions[AsyncRaw]]" = RawView()
    with_streaming_response: "StreamingView[Completions[Streaming], Completions[AsyncStreaming]]" = (
        StreamingView()
    )

    @operation
    async def parse(
        self,
        *,
        response_format: type[T] | TypeAdapter[T] | Mapping[str, Any] | Omit = omit,
        **params: Unpack[CompletionParseParams],
    ) -> "ParsedChatCompletion[T]":
        """Create a completion with structured output.

        `choices[0].message.parsed` is an instance of *response_format*: a pydantic model, a dataclass, anything
        that `TypeAdapter` accepts, or an adapter. Calls of tools built with `pydantic_function_tool` have an
        instance of the tool's model as `function.parsed_arguments`.

        Raises:
            LengthFinishReasonError: The completion was cut off by the token limit.
            ContentFilterFinishReasonError: The content filter stopped it.
            pydantic.ValidationError: The content does not match its type.
            ValueError: A tool is not a function, or not strict.
        """
        parsed: ParsedChatCompletion[T] = await self._parse(response_format, cast("dict[str, Any]", params))
        return parsed

    @overload
    def stream(
        self: "Completions[Sync]",
        *,
        response_format: type[T] | TypeAdapter[T] | Mapping[str, Any] | Omit = omit,
        **params: Unpack[CompletionParseParams],
    ) -> "ChatCompletionStreamManager[T]": ...
    @overload
    def stream(
        self: "Completions[Async]",
        *,
        response_format: type[T] | TypeAdapter[T] | Mapping[str, Any] | Omit = omit,
        **params: Unpack[CompletionParseParams],
    ) -> "AsyncChatCompletionStreamManager[T]": ...
    @shown
    def stream(self, *, response_format: Any = omit, **params: Any) -> Any:
        """Create a completion as a stream of events, with a snapshot of the completion so far.

        Returns a context manager, which sends the call on entry. The stream yields the events of
        `ai_client.lib.streaming.chat`; at the end it has the whole completion, parsed as by `parse`.
        """
        from ai_client.lib.streaming import chat

        from ....lib._tools import given_tools

        tools = given_tools(params.get("tools"))
        state = chat.ChatCompletionStreamState[Any](
            response_format=response_format, input_tools=omit if tools is None else tools
        )
        if tools is not None:
            params["tools"] = tools

        def request() -> Any:
            return self._request_stream(response_format, dict(params))

        if self._client.io.sync:
            return chat.ChatCompletionStreamManager[Any](
                request, lambda raw: chat.ChatCompletionStream(raw, state)
            )
        return chat.AsyncChatCompletionStreamManager[Any](
            request, lambda raw: chat.AsyncChatCompletionStream(raw, state)
        )

    async def _parse(self, response_format: Any, params: dict[str, Any]) -> Any:
        from ....lib._parsing._chat import chat_format_param, parse_chat_completion
        from ....lib._schema import requested_format
        from ....lib._tools import Tools, given_tools, require_strict

        tools = given_tools(params.get("tools"))
        if tools is not None:
            require_strict(tools)
            params["tools"] = tools
        form = requested_format(response_format)
        parser = Tools(tools or ())
        params["response_format"] = chat_format_param(response_format)
        return await self._call(
            "POST",
            "/chat/completions",
            CompletionCreateParamsBase,
            params,
            ChatCompletion,
            shape=partial(parse_chat_completion, form=form, tools=parser),
        )

    async def _request_stream(self, response_format: Any, params: dict[str, Any]) -> Any:
        from ....lib._parsing._chat import chat_format_param

        params |= {"response_format": chat_format_param(response_format), "stream": True}
        return await self._call(
            "POST",
            "/chat/completions",
            CompletionCreateParamsBase,
            params,
            ChatCompletion,
            stream=ChatCompletionChunk,
        )
