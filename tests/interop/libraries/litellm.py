"""litellm, the SDK: functions that take the client with each call."""

import litellm

from libraries.side import EMBEDDING_MODEL, MODEL, City, Side, weather

litellm.telemetry = False
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": weather.__doc__,
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
# without this litellm sends calls with tools to the Responses API, by an HTTP client of its own
TOOLS = {"tools": [WEATHER], "reasoning_effort": "none"}


def asked(prompt: str) -> list[dict]:
    """Return the messages of a prompt."""
    return [{"role": "user", "content": prompt}]


def used(messages: list[dict], answer: object) -> list[dict]:
    """Return the messages of a conversation after the tools that an answer calls."""
    message = answer.choices[0].message
    results = [
        {
            "role": "tool",
            "tool_call_id": call.id,
            "content": weather(**litellm.json.loads(call.function.arguments)),
        }
        for call in message.tool_calls
    ]
    return [*messages, message.model_dump(), *results]


class Chat(Side):
    """Its sync functions."""

    error = litellm.BadRequestError
    refusal = litellm.RateLimitError

    def complete(self, messages: list[dict], **more: object) -> object:
        """Return an answer."""
        return litellm.completion(f"openai/{MODEL}", messages, client=self.client, max_retries=0, **more)

    def plain(self, prompt: str) -> str:
        return self.complete(asked(prompt)).choices[0].message.content

    def stream(self, prompt: str) -> list[str]:
        chunks = self.complete(asked(prompt), stream=True)
        return [chunk.choices[0].delta.content for chunk in chunks if chunk.choices[0].delta.content]

    def tools(self, prompt: str) -> str:
        answer = self.complete(asked(prompt), **TOOLS)
        return self.complete(used(asked(prompt), answer), **TOOLS).choices[0].message.content

    def structured(self, prompt: str) -> City:
        answer = self.complete(asked(prompt), response_format=City)
        return City.model_validate_json(answer.choices[0].message.content)

    def embeddings(self, texts: list[str]) -> list[list[float]]:
        answer = litellm.embedding(f"openai/{EMBEDDING_MODEL}", texts, client=self.client, max_retries=0)
        return [item["embedding"] for item in answer.data]


class AsyncChat(Side):
    """Its async functions."""

    takes = "async"
    error = litellm.BadRequestError
    refusal = litellm.RateLimitError

    async def complete(self, messages: list[dict], **more: object) -> object:
        """Return an answer."""
        return await litellm.acompletion(
            f"openai/{MODEL}", messages, client=self.client, max_retries=0, **more
        )

    async def plain(self, prompt: str) -> str:
        return (await self.complete(asked(prompt))).choices[0].message.content

    async def stream(self, prompt: str) -> list[str]:
        chunks = await self.complete(asked(prompt), stream=True)
        return [chunk.choices[0].delta.content async for chunk in chunks if chunk.choices[0].delta.content]

    async def tools(self, prompt: str) -> str:
        answer = await self.complete(asked(prompt), **TOOLS)
        answer = await self.complete(used(asked(prompt), answer), **TOOLS)
        return answer.choices[0].message.content

    async def structured(self, prompt: str) -> City:
        answer = await self.complete(asked(prompt), response_format=City)
        return City.model_validate_json(answer.choices[0].message.content)

    async def embeddings(self, texts: list[str]) -> list[list[float]]:
        answer = await litellm.aembedding(
            f"openai/{EMBEDDING_MODEL}", texts, client=self.client, max_retries=0
        )
        return [item["embedding"] for item in answer.data]
