"""haystack: components that get the client before they are used."""

from typing import Any

from haystack.components.agents import Agent
from haystack.components.embedders import OpenAIDocumentEmbedder
from haystack.components.generators.chat import OpenAIChatGenerator
from haystack.dataclasses import ChatMessage, Document
from haystack.tools import create_tool_from_function
from haystack.utils import Secret

from libraries.side import EMBEDDING_MODEL, MODEL, City, Side, weather

KEY = Secret.from_token("unused")
WEATHER = create_tool_from_function(weather)
FORMAT = {"response_format": City}


class Chat(Side):
    """Its sync functions over chat completions."""

    def generator(self, **options: Any) -> OpenAIChatGenerator:
        """Return a generator that has the client."""
        generator = OpenAIChatGenerator(KEY, model=MODEL, **options)
        generator.client = self.client
        return generator

    def run(self, messages: list[ChatMessage], **options: Any) -> ChatMessage:
        """Return an answer."""
        return self.generator(**options).run(messages)["replies"][0]

    def plain(self, prompt: str) -> str:
        return self.run([ChatMessage.from_user(prompt)]).text

    def stream(self, prompt: str) -> list[str]:
        chunks = []
        self.run([ChatMessage.from_user(prompt)], streaming_callback=chunks.append)
        return [chunk.content for chunk in chunks if chunk.content]

    def tools(self, prompt: str) -> str:
        agent = Agent(chat_generator=self.generator(), tools=[WEATHER])
        return agent.run([ChatMessage.from_user(prompt)])["last_message"].text

    def structured(self, prompt: str) -> City:
        return City.model_validate_json(
            self.run([ChatMessage.from_user(prompt)], generation_kwargs=FORMAT).text
        )

    def embeddings(self, texts: list[str]) -> list[list[float]]:
        embedder = OpenAIDocumentEmbedder(
            KEY, model=EMBEDDING_MODEL, progress_bar=False, raise_on_failure=True
        )
        embedder.client = self.client
        return [
            found.embedding for found in embedder.run([Document(content=text) for text in texts])["documents"]
        ]


class AsyncChat(Side):
    """Its async functions over chat completions."""

    takes = "async"

    def generator(self, **options: Any) -> OpenAIChatGenerator:
        """Return a generator that has the client."""
        generator = OpenAIChatGenerator(KEY, model=MODEL, **options)
        generator.async_client = self.client
        return generator

    async def run(self, messages: list[ChatMessage], **options: Any) -> ChatMessage:
        """Return an answer."""
        return (await self.generator(**options).run_async(messages))["replies"][0]

    async def plain(self, prompt: str) -> str:
        return (await self.run([ChatMessage.from_user(prompt)])).text

    async def stream(self, prompt: str) -> list[str]:
        chunks = []

        async def keep(chunk: Any) -> None:
            chunks.append(chunk)

        await self.run([ChatMessage.from_user(prompt)], streaming_callback=keep)
        return [chunk.content for chunk in chunks if chunk.content]

    async def tools(self, prompt: str) -> str:
        agent = Agent(chat_generator=self.generator(), tools=[WEATHER])
        return (await agent.run_async([ChatMessage.from_user(prompt)]))["last_message"].text

    async def structured(self, prompt: str) -> City:
        return City.model_validate_json(
            (await self.run([ChatMessage.from_user(prompt)], generation_kwargs=FORMAT)).text
        )

    async def embeddings(self, texts: list[str]) -> list[list[float]]:
        embedder = OpenAIDocumentEmbedder(
            KEY, model=EMBEDDING_MODEL, progress_bar=False, raise_on_failure=True
        )
        embedder.async_client = self.client
        found = await embedder.run_async([Document(content=text) for text in texts])
        return [document.embedding for document in found["documents"]]
