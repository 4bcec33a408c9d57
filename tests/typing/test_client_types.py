from collections.abc import Iterator
from typing import Any, assert_type

import httpx

from ai_client import (
    APIResponse,
    AsyncAPIResponse,
    AsyncAzureOpenAI,
    AsyncOpenAI,
    AsyncStream,
    AzureOpenAI,
    BaseModel,
    DefaultAsyncHttpxClient,
    DefaultHttpxClient,
    OpenAI,
    Stream,
)
from ai_client._answers.raw_response import LegacyAPIResponse
from ai_client.types.chat import ChatCompletion, ChatCompletionChunk


class Other(BaseModel):
    id: str


def sync(client: OpenAI, azure: AzureOpenAI) -> None:
    completions = client.chat.completions
    assert_type(completions.create(model="m", messages=[]), ChatCompletion)
    assert_type(completions.create(model="m", messages=[], stream=True), Stream[ChatCompletionChunk])
    for chunk in completions.create(model="m", messages=[], stream=True):
        assert_type(chunk, ChatCompletionChunk)
    raw = client.models.with_raw_response.retrieve("m")
    assert_type(raw.parse(to=Other), Other)
    assert_type(raw.http_response, httpx.Response)
    with client.embeddings.with_streaming_response.create(model="m", input="a") as response:
        assert_type(response.parse(to=Other), Other)
        assert_type(response.iter_bytes(), Iterator[bytes])
    assert_type(azure.with_options(api_version="v"), AzureOpenAI)
    assert_type(azure.chat.completions.create(model="m", messages=[]), ChatCompletion)
    assert_type(client.webhooks.verify_signature("", {}), None)
    assert_type(OpenAI(http_client=DefaultHttpxClient(proxy="http://p")), OpenAI)


async def async_client(client: AsyncOpenAI, azure: AsyncAzureOpenAI) -> None:
    completions = client.chat.completions
    assert_type(await completions.create(model="m", messages=[]), ChatCompletion)
    stream = await completions.create(model="m", messages=[], stream=True)
    assert_type(stream, AsyncStream[ChatCompletionChunk])
    async for chunk in stream:
        assert_type(chunk, ChatCompletionChunk)
    raw = await client.models.with_raw_response.retrieve("m")
    assert_type(raw.parse(to=Other), Other)
    async with client.embeddings.with_streaming_response.create(model="m", input="a") as response:
        assert_type(await response.parse(to=Other), Other)
    assert_type(azure.copy(timeout=3), AsyncAzureOpenAI)
    assert_type(await azure.chat.completions.create(model="m", messages=[]), ChatCompletion)
    assert_type(AsyncOpenAI(http_client=DefaultAsyncHttpxClient()), AsyncOpenAI)


def responses(
    raw: LegacyAPIResponse[Other], sync: APIResponse[Other], async_client: AsyncAPIResponse[Other]
) -> None:
    assert_type(raw.parse(), Other)
    assert_type(sync.parse(), Other)
    assert_type(async_client.http_response, httpx.Response)
    assert_type(raw.headers, httpx.Headers)
    assert_type(raw.parse(to=dict[str, Any]), dict[str, Any])
