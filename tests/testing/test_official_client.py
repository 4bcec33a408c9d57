"""The official client works against the upstream unchanged, with its results validated strictly."""

import asyncio
import json
from collections.abc import Iterator

import openai
import pytest
from pydantic import BaseModel

from ai_client.testing import Upstream, sse

MESSAGES = [{"role": "user", "content": "Hello"}]
TOOL = {
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


class Weather(BaseModel):
    """A structured answer."""

    city: str
    degrees: float
    windy: bool


@pytest.fixture
def client(upstream: Upstream) -> Iterator[openai.OpenAI]:
    """Yield an official client that refuses a result which is not as documented."""
    with openai.OpenAI(
        base_url=upstream.base_url, api_key="any", max_retries=0, _strict_response_validation=True
    ) as client:
        yield client


def test_chat(client: openai.OpenAI) -> None:
    """A chat completion is read whole and from a stream, with usage and request id."""
    whole = client.chat.completions.create(model="m", messages=MESSAGES, n=2)
    text = whole.choices[0].message.content
    assert text is not None
    assert "“Hello”" in text
    assert whole._request_id is not None
    stream = client.chat.completions.create(
        model="m", messages=MESSAGES, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks[:-1]) == text
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == len(text.split())


def test_chat_with_tools_and_structured_output(client: openai.OpenAI) -> None:
    """Tool calls parse in both forms, and `parse` gets an instance of its model."""
    tools = [{"type": "function", "function": TOOL}]
    arguments = {"model": "m", "messages": MESSAGES, "tools": tools, "tool_choice": "required"}
    (call,) = client.chat.completions.create(**arguments).choices[0].message.tool_calls
    assert json.loads(call.function.arguments) == {"city": "city"}
    with client.chat.completions.stream(**arguments) as stream:
        final = stream.get_final_completion().choices[0]
    assert final.message.tool_calls[0].function.arguments == call.function.arguments
    parsed = client.chat.completions.parse(model="m", messages=MESSAGES, response_format=Weather)
    assert isinstance(parsed.choices[0].message.parsed, Weather)


def test_embeddings(upstream: Upstream, client: openai.OpenAI) -> None:
    """The client's default, base64, and floats come to the same vectors."""
    with openai.OpenAI(base_url=upstream.base_url, api_key="any") as lenient:  # strict, it takes no base64
        packed = lenient.embeddings.create(model="m", input=["a", "b"], dimensions=4)
    assert upstream.requests[0].json()["encoding_format"] == "base64"
    floats = client.embeddings.create(model="m", input=["a", "b"], dimensions=4, encoding_format="float")
    assert [item.embedding for item in packed.data] == [item.embedding for item in floats.data]


def test_models(client: openai.OpenAI) -> None:
    """Models are listed and retrieved, and an unknown one is the client's `NotFoundError`."""
    names = [model.id for model in client.models.list()]
    assert client.models.retrieve(names[0]).id == names[0]
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve("none")
    assert caught.value.code == "model_not_found"
    assert caught.value.request_id is not None


def test_responses(client: openai.OpenAI) -> None:
    """A response is read whole and from its events, which the client accumulates."""
    whole = client.responses.create(model="m", input="Hello")
    assert "“Hello”" in whole.output_text
    with client.responses.stream(model="m", input="Hello") as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_response()
    assert (kinds[0], kinds[-1]) == ("response.created", "response.completed")
    assert final.output_text == whole.output_text
    parsed = client.responses.parse(model="m", input="Hello", text_format=Weather)
    assert isinstance(parsed.output_parsed, Weather)
    tools = [{"type": "function", "strict": True, **TOOL}]
    (call,) = client.responses.create(model="m", input="a", tools=tools, tool_choice="required").output
    assert call.type == "function_call"


def test_moderations(client: openai.OpenAI) -> None:
    """A moderation is read."""
    (result,) = client.moderations.create(input="hate").results
    assert result.flagged
    assert result.categories.hate


def test_azure(upstream: Upstream) -> None:
    """The official Azure client finds its deployments."""
    with openai.AzureOpenAI(
        azure_endpoint=upstream.url, azure_deployment="mine", api_version="2024-10-21", api_key="any"
    ) as client:
        client.chat.completions.create(model="m", messages=MESSAGES)
    (recorded,) = upstream.requests
    assert recorded.path == "/openai/deployments/mine/chat/completions"
    assert recorded.params == {"api-version": "2024-10-21"}


def test_errors(upstream: Upstream, client: openai.OpenAI) -> None:
    """Prepared errors raise the client's exceptions, also in mid-stream."""
    upstream.reply(status=429, headers={"retry-after": "1"})
    with pytest.raises(openai.RateLimitError) as caught:
        client.chat.completions.create(model="m", messages=MESSAGES)
    assert caught.value.code == "rate_limit_exceeded"
    upstream.reply(chunks=[sse({"error": {"message": "Overloaded", "type": "server_error", "code": None}})])
    with pytest.raises(openai.APIError, match="Overloaded"):
        list(client.chat.completions.create(model="m", messages=MESSAGES, stream=True))


def test_the_async_client(upstream: Upstream) -> None:
    """The async client is served as well, many calls at once."""

    async def main() -> None:
        async with openai.AsyncOpenAI(base_url=upstream.base_url, api_key="any") as client:
            calls = [client.chat.completions.create(model="m", messages=MESSAGES) for _ in range(20)]
            answers = await asyncio.gather(*calls)
            assert len({answer.id for answer in answers}) == 20
            await upstream.wait_for_async(lambda: upstream.in_flight == 0)

    asyncio.run(main())
    assert len(upstream.requests) == 20
