"""pydantic-ai: an agent over a provider that has the client."""

from pydantic_ai import Agent, Embedder
from pydantic_ai.embeddings.openai import OpenAIEmbeddingModel
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.openai import OpenAIProvider

from libraries.side import EMBEDDING_MODEL, MODEL, City, Side, weather


class Chat(Side):
    """Its async functions over chat completions."""

    takes = "async"
    error = refusal = ModelHTTPError
    model = OpenAIChatModel

    def agent(self, output: type = str) -> Agent:
        """Return an agent."""
        provider = OpenAIProvider(openai_client=self.client)
        return Agent(
            self.model(MODEL, provider=provider), output_type=output, tools=[weather] * (output is str)
        )

    async def plain(self, prompt: str) -> str:
        return (await self.agent().run(prompt)).output

    async def stream(self, prompt: str) -> list[str]:
        async with self.agent().run_stream(prompt) as result:
            return [piece async for piece in result.stream_text(delta=True, debounce_by=None)]

    async def tools(self, prompt: str) -> str:
        return (await self.agent().run(prompt)).output

    async def structured(self, prompt: str) -> City:
        return (await self.agent(City).run(prompt)).output

    async def embeddings(self, texts: list[str]) -> list[list[float]]:
        model = OpenAIEmbeddingModel(EMBEDDING_MODEL, provider=OpenAIProvider(openai_client=self.client))
        return [list(vector) for vector in (await Embedder(model).embed_documents(texts)).embeddings]


class Responses(Chat):
    """Its async functions over the Responses API."""

    api = "responses"
    model = OpenAIResponsesModel


class RunSync(Chat):
    """Its sync functions, which run the async client on an event loop of their own."""

    def plain(self, prompt: str) -> str:
        return self.agent().run_sync(prompt).output

    def stream(self, prompt: str) -> list[str]:
        return list(self.agent().run_stream_sync(prompt).stream_text(delta=True, debounce_by=None))

    def tools(self, prompt: str) -> str:
        return self.agent().run_sync(prompt).output

    def structured(self, prompt: str) -> City:
        return self.agent(City).run_sync(prompt).output

    embeddings = None
