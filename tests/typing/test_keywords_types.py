"""What type checkers make of calls whose keywords are spelled out: each way to pass them that people use."""

from typing import Any, Unpack, assert_type

from ai_client import AsyncOpenAI, AsyncStream, OpenAI, Stream, omit
from ai_client._client.modes import Async, Sync
from ai_client.resources.chat.completions import Completions
from ai_client.types.chat import ChatCompletion, ChatCompletionChunk
from ai_client.types.chat.completion_create_params import (
    CompletionCreateParamsBase,
    CompletionCreateParamsNonStreaming,
    CompletionCreateParamsStreaming,
)
from ai_client.types.responses import Response
from ai_client.types.responses.response_create_params import ResponseCreateParamsNonStreaming


def with_a_typed_dict(client: OpenAI, params: CompletionCreateParamsNonStreaming) -> ChatCompletion:
    """Pass the parameters as one TypedDict."""
    return client.chat.completions.create(**params)


def with_that_of_a_stream(
    client: OpenAI, params: CompletionCreateParamsStreaming
) -> Stream[ChatCompletionChunk]:
    """Pass the parameters of a stream as one TypedDict."""
    return client.chat.completions.create(**params)


def with_unpacked_keywords(
    client: OpenAI, **params: Unpack[CompletionCreateParamsBase]
) -> Stream[ChatCompletionChunk]:
    """Hand on the keywords of a function of one's own."""
    return client.chat.completions.create(stream=True, **params)


async def of_another_resource(client: AsyncOpenAI, params: ResponseCreateParamsNonStreaming) -> Response:
    """Pass the parameters of a response as one TypedDict."""
    return await client.responses.create(**params)


def with_any_mapping(client: OpenAI, params: dict[str, Any]) -> None:
    """Pass keywords of which nothing is known."""
    client.chat.completions.create(**params)
    client.responses.create(**params)
    client.files.list(**params)


def with_omitted_keywords(client: OpenAI, temperature: float | None) -> None:
    """Leave keywords out by a mark, and pass options of the request."""
    found = client.chat.completions.create(
        model="m",
        messages=[{"role": "user", "content": "x"}],
        temperature=omit if temperature is None else temperature,
        stream=omit,
        timeout=3,
        extra_headers={"a": "b"},
        extra_query={"a": 1},
        extra_body={"a": 1},
    )
    assert_type(found, ChatCompletion)


async def with_a_stream_or_not(client: OpenAI, other: AsyncOpenAI, *, stream: bool) -> None:
    """Decide at run time whether to stream."""
    found = client.chat.completions.create(model="m", messages=[], stream=stream)
    assert_type(found, ChatCompletion | Stream[ChatCompletionChunk])
    awaited = await other.chat.completions.create(model="m", messages=[], stream=stream)
    assert_type(awaited, ChatCompletion | AsyncStream[ChatCompletionChunk])


async def of_other_views(client: AsyncOpenAI) -> None:
    """Use the views of a resource, pages and managers."""
    raw = await client.chat.completions.with_raw_response.create(model="m", messages=[])
    assert_type(raw.parse(), ChatCompletion)
    page = await client.files.list(limit=3)
    assert_type(page.data[0].id, str)
    async for model in client.models.list():
        assert_type(model.id, str)


def of_either_client(client: OpenAI | AsyncOpenAI) -> None:
    """Call a method of one client or the other, and pass its resources on by the name of their class."""
    _call = client.chat.completions.create(model="m", messages=[])
    _sync: Completions[Sync] = OpenAI().chat.completions
    _async: Completions[Async] = AsyncOpenAI().chat.completions
