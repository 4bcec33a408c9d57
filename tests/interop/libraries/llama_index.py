"""llama-index: its models for chat completions, the Responses API and embeddings."""

from typing import Any

from llama_index.core.tools import FunctionTool
from llama_index.embeddings.openai import OpenAIEmbedding
from llama_index.llms.openai import OpenAI, OpenAIResponses

from libraries.side import EMBEDDING_MODEL, MODEL, City, Side, weather

WEATHER = FunctionTool.from_defaults(weather)


class Chat(Side):
    """Its sync functions over chat completions."""

    def model(self) -> Any:
        """Return a model."""
        return OpenAI(MODEL, openai_client=self.client, api_key="unused", max_retries=0)

    def plain(self, prompt: str) -> str:
        return self.model().complete(prompt).text

    def stream(self, prompt: str) -> list[str]:
        return [answer.delta for answer in self.model().stream_complete(prompt) if answer.delta]

    def tools(self, prompt: str) -> str:
        return self.model().predict_and_call([WEATHER], prompt).response

    def structured(self, prompt: str) -> City:
        return self.model().as_structured_llm(City).complete(prompt).raw

    def embeddings(self, texts: list[str]) -> list[list[float]]:
        model = OpenAIEmbedding(model=EMBEDDING_MODEL, api_key="unused", max_retries=0)
        model._client = self.client
        return model.get_text_embedding_batch(texts)


class Responses(Chat):
    """Its sync functions over the Responses API."""

    api = "responses"
    embeddings = None

    def model(self) -> Any:
        return OpenAIResponses(MODEL, openai_client=self.client, api_key="unused", max_retries=0)


class AsyncChat(Side):
    """Its async functions over chat completions."""

    takes = "async"

    def model(self) -> Any:
        """Return a model."""
        return OpenAI(MODEL, async_openai_client=self.client, api_key="unused", max_retries=0)

    async def plain(self, prompt: str) -> str:
        return (await self.model().acomplete(prompt)).text

    async def stream(self, prompt: str) -> list[str]:
        answers = await self.model().astream_complete(prompt)
        return [answer.delta async for answer in answers if answer.delta]

    async def tools(self, prompt: str) -> str:
        return (await self.model().apredict_and_call([WEATHER], prompt)).response

    async def structured(self, prompt: str) -> City:
        return (await self.model().as_structured_llm(City).acomplete(prompt)).raw

    async def embeddings(self, texts: list[str]) -> list[list[float]]:
        model = OpenAIEmbedding(model=EMBEDDING_MODEL, api_key="unused", max_retries=0)
        model._aclient = self.client
        return await model.aget_text_embedding_batch(texts)


class AsyncResponses(AsyncChat):
    """Its async functions over the Responses API."""

    api = "responses"
    embeddings = None

    def model(self) -> Any:
        return OpenAIResponses(MODEL, async_openai_client=self.client, api_key="unused", max_retries=0)
