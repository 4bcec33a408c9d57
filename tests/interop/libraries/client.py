"""The client's own calls, which a library watches."""

import json

from libraries.side import EMBEDDING_MODEL, MODEL, City, Side, weather

WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": weather.__doc__,
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def asked(prompt: str) -> dict:
    """Return the arguments of a chat completion."""
    return {"model": MODEL, "messages": [{"role": "user", "content": prompt}]}


def used(prompt: str, answer: object) -> dict:
    """Return the arguments of a chat completion after the tools that an answer calls."""
    message = answer.choices[0].message
    (call,) = message.tool_calls
    result = {
        "role": "tool",
        "tool_call_id": call.id,
        "content": weather(**json.loads(call.function.arguments)),
    }
    return {
        "model": MODEL,
        "messages": [*asked(prompt)["messages"], message.model_dump(exclude_none=True), result],
    }


class Chat(Side):
    """Sync calls of chat completions."""

    def plain(self, prompt: str) -> str:
        return self.client.chat.completions.create(**asked(prompt)).choices[0].message.content

    def stream(self, prompt: str) -> list[str]:
        chunks = self.client.chat.completions.create(**asked(prompt), stream=True)
        return [chunk.choices[0].delta.content for chunk in chunks if chunk.choices[0].delta.content]

    def tools(self, prompt: str) -> str:
        answer = self.client.chat.completions.create(**asked(prompt), tools=[WEATHER])
        return self.client.chat.completions.create(**used(prompt, answer)).choices[0].message.content

    def structured(self, prompt: str) -> City:
        return (
            self.client.chat.completions.parse(**asked(prompt), response_format=City)
            .choices[0]
            .message.parsed
        )

    def embeddings(self, texts: list[str]) -> list[list[float]]:
        answer = self.client.embeddings.create(model=EMBEDDING_MODEL, input=texts)
        return [item.embedding for item in answer.data]


class AsyncChat(Side):
    """Async calls of chat completions."""

    takes = "async"

    async def plain(self, prompt: str) -> str:
        return (await self.client.chat.completions.create(**asked(prompt))).choices[0].message.content

    async def stream(self, prompt: str) -> list[str]:
        chunks = await self.client.chat.completions.create(**asked(prompt), stream=True)
        return [chunk.choices[0].delta.content async for chunk in chunks if chunk.choices[0].delta.content]

    async def tools(self, prompt: str) -> str:
        answer = await self.client.chat.completions.create(**asked(prompt), tools=[WEATHER])
        return (await self.client.chat.completions.create(**used(prompt, answer))).choices[0].message.content

    async def structured(self, prompt: str) -> City:
        answer = await self.client.chat.completions.parse(**asked(prompt), response_format=City)
        return answer.choices[0].message.parsed

    async def embeddings(self, texts: list[str]) -> list[list[float]]:
        answer = await self.client.embeddings.create(model=EMBEDDING_MODEL, input=texts)
        return [item.embedding for item in answer.data]


class Responses(Side):
    """Sync calls of the Responses API."""

    api = "responses"

    def plain(self, prompt: str) -> str:
        return self.client.responses.create(model=MODEL, input=prompt).output_text

    def stream(self, prompt: str) -> list[str]:
        events = self.client.responses.create(model=MODEL, input=prompt, stream=True)
        return [event.delta for event in events if event.type == "response.output_text.delta"]

    def structured(self, prompt: str) -> City:
        return self.client.responses.parse(model=MODEL, input=prompt, text_format=City).output_parsed


class AsyncResponses(Side):
    """Async calls of the Responses API."""

    takes = "async"
    api = "responses"

    async def plain(self, prompt: str) -> str:
        return (await self.client.responses.create(model=MODEL, input=prompt)).output_text

    async def stream(self, prompt: str) -> list[str]:
        events = await self.client.responses.create(model=MODEL, input=prompt, stream=True)
        return [event.delta async for event in events if event.type == "response.output_text.delta"]

    async def structured(self, prompt: str) -> City:
        return (await self.client.responses.parse(model=MODEL, input=prompt, text_format=City)).output_parsed
