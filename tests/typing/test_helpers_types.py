"""What type checkers make of the helpers: parsed results and streams know their type on both clients."""

import dataclasses
from typing import assert_type

from pydantic import BaseModel, TypeAdapter

from ai_client import (
    APIResponse,
    AsyncAPIResponse,
    AsyncOpenAI,
    OpenAI,
    pydantic_function_tool,
    pydantic_responses_function_tool,
)
from ai_client._answers.raw_response import LegacyAPIResponse
from ai_client.lib.streaming.chat import (
    AsyncChatCompletionStream,
    AsyncChatCompletionStreamManager,
    ChatCompletionStream,
    ChatCompletionStreamEvent,
    ChatCompletionStreamManager,
)
from ai_client.lib.streaming.responses import (
    AsyncResponseStream,
    AsyncResponseStreamManager,
    ResponseStream,
    ResponseStreamManager,
)
from ai_client.types import CreateEmbeddingResponse, FileObject, Upload, Video
from ai_client.types.chat import ParsedChatCompletion
from ai_client.types.responses import ParsedResponse
from ai_client.types.vector_stores import VectorStoreFile, VectorStoreFileBatch


class Place(BaseModel):
    city: str


@dataclasses.dataclass
class Point:
    x: int


def sync(client: OpenAI) -> None:
    completions = client.chat.completions
    parsed = completions.parse(model="m", messages=[], response_format=Place)
    assert_type(parsed, ParsedChatCompletion[Place])
    assert_type(parsed.choices[0].message.parsed, Place | None)
    assert_type(completions.parse(model="m", messages=[]), ParsedChatCompletion[None])
    assert_type(
        completions.parse(model="m", messages=[], response_format=TypeAdapter(list[int])),
        ParsedChatCompletion[list[int]],
    )
    tools = [pydantic_function_tool(Place)]
    assert_type(
        completions.stream(model="m", messages=[], tools=tools, response_format=Point),
        ChatCompletionStreamManager[Point],
    )
    with completions.stream(model="m", messages=[], response_format=Place) as stream:
        assert_type(stream, ChatCompletionStream[Place])
        for event in stream:
            assert_type(event, ChatCompletionStreamEvent[Place])
            if event.type == "content.delta":
                assert_type(event.snapshot, str)
                assert_type(event.parsed, object | None)
            elif event.type == "content.done":
                assert_type(event.parsed, Place | None)
        assert_type(stream.get_final_completion(), ParsedChatCompletion[Place])

    responses = client.responses
    answer = responses.parse(model="m", input="x", text_format=Place)
    assert_type(answer, ParsedResponse[Place])
    assert_type(answer.output_parsed, Place | None)
    assert_type(answer.output_text, str)
    assert_type(responses.parse(model="m", input="x"), ParsedResponse[None])
    assert_type(responses.parse(model="m", text_format=Place, parse_as=Point), ParsedResponse[Point])
    assert_type(responses.parse(model="m", text_format=Place, parse_as=None), ParsedResponse[None])
    assert_type(responses.create(model="m", input="x").output_text, str)
    response_tools = [pydantic_responses_function_tool(Place)]
    assert_type(
        responses.stream(model="m", input="x", tools=response_tools, text_format=Place),
        ResponseStreamManager[Place],
    )
    assert_type(responses.stream(model="m", input="x"), ResponseStreamManager[None])
    assert_type(
        responses.stream(response_id="r", starting_after=1, text_format=Place), ResponseStreamManager[Place]
    )
    with responses.stream(response_id="r") as existing:
        assert_type(existing, ResponseStream[None])
        for each in existing:
            if each.type == "response.output_text.delta":
                assert_type(each.snapshot, str)
        assert_type(existing.get_output_text(), str)


def waiting(client: OpenAI) -> None:
    stores = client.vector_stores
    assert_type(stores.files.poll("f", vector_store_id="v"), VectorStoreFile)
    assert_type(
        stores.files.create_and_poll("f", vector_store_id="v", max_wait_seconds=3, on_progress=print),
        VectorStoreFile,
    )
    assert_type(stores.files.upload(vector_store_id="v", file=b""), VectorStoreFile)
    assert_type(stores.files.upload_and_poll(vector_store_id="v", file=b""), VectorStoreFile)
    assert_type(stores.file_batches.upload_and_poll("v", files=[b""]), VectorStoreFileBatch)
    assert_type(client.videos.create_and_poll(prompt="x", poll_interval_ms=5), Video)
    assert_type(client.files.wait_for_processing("f"), FileObject)
    assert_type(
        client.uploads.upload_file_chunked(file=b"", mime_type="a/b", purpose="batch", filename="a", bytes=0),
        Upload,
    )
    assert_type(client.embeddings.create(model="m", input="x"), CreateEmbeddingResponse)


async def async_client(client: AsyncOpenAI) -> None:
    completions = client.chat.completions
    parsed = await completions.parse(model="m", messages=[], response_format=Place)
    assert_type(parsed, ParsedChatCompletion[Place])
    assert_type(await completions.parse(model="m", messages=[]), ParsedChatCompletion[None])
    assert_type(
        completions.stream(model="m", messages=[], response_format=Place),
        AsyncChatCompletionStreamManager[Place],
    )
    async with completions.stream(model="m", messages=[], response_format=Place) as stream:
        assert_type(stream, AsyncChatCompletionStream[Place])
        async for event in stream:
            assert_type(event, ChatCompletionStreamEvent[Place])
        assert_type(await stream.get_final_completion(), ParsedChatCompletion[Place])
    assert_type(await client.responses.parse(model="m", input="x", text_format=Place), ParsedResponse[Place])
    assert_type(
        client.responses.stream(model="m", input="x", text_format=Place), AsyncResponseStreamManager[Place]
    )
    async with client.responses.stream(model="m", input="x") as events:
        assert_type(events, AsyncResponseStream[None])
        assert_type(await events.get_final_response(), ParsedResponse[None])
    assert_type(await client.videos.poll("v"), Video)
    assert_type(await client.vector_stores.files.poll("f", vector_store_id="v"), VectorStoreFile)


def raw(client: OpenAI) -> None:
    completions = client.chat.completions.with_raw_response
    answer = completions.parse(model="m", messages=[], response_format=Place)
    assert_type(answer, LegacyAPIResponse[ParsedChatCompletion[Place]])
    assert_type(answer.parse().choices[0].message.parsed, Place | None)
    assert_type(completions.parse(model="m", messages=[]), LegacyAPIResponse[ParsedChatCompletion[None]])
    responses = client.responses
    whole = responses.with_raw_response.parse(model="m", input="x", text_format=Place)
    assert_type(whole, LegacyAPIResponse[ParsedResponse[Place]])
    with responses.with_streaming_response.parse(model="m", input="x", text_format=Place) as unread:
        assert_type(unread, APIResponse[ParsedResponse[Place]])
        assert_type(unread.parse(), ParsedResponse[Place])


async def raw_async(client: AsyncOpenAI) -> None:
    completions = client.chat.completions
    answer = await completions.with_raw_response.parse(model="m", messages=[], response_format=list[Place])
    assert_type(answer, LegacyAPIResponse[ParsedChatCompletion[list[Place]]])
    async with completions.with_streaming_response.parse(
        model="m", messages=[], response_format=Place
    ) as unread:
        assert_type(unread, AsyncAPIResponse[ParsedChatCompletion[Place]])
    responses = client.responses.with_raw_response
    assert_type(await responses.parse(model="m", input="x"), LegacyAPIResponse[ParsedResponse[None]])
