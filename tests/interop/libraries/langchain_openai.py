"""langchain-openai: a chat model and embeddings that have the client's resources."""

from typing import Any

from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings

from libraries.side import EMBEDDING_MODEL, MODEL, City, Side, weather

WEATHER = tool(weather)


class Chat(Side):
    """Its sync functions over chat completions."""

    def model(self) -> ChatOpenAI:
        """Return a chat model."""
        return ChatOpenAI(
            model=MODEL,
            root_client=self.client,
            client=self.client.chat.completions,
            api_key="unused",
            use_responses_api=self.api == "responses",
        )

    def plain(self, prompt: str) -> str:
        return self.model().invoke(prompt).text

    def stream(self, prompt: str) -> list[str]:
        return [chunk.text for chunk in self.model().stream(prompt) if chunk.text]

    def tools(self, prompt: str) -> str:
        model = self.model().bind_tools([WEATHER])
        messages: list[Any] = [HumanMessage(prompt)]
        messages.append(model.invoke(messages))
        messages += [WEATHER.invoke(call) for call in messages[-1].tool_calls]
        assert isinstance(messages[-1], ToolMessage)
        return model.invoke(messages).text

    def structured(self, prompt: str) -> City:
        return self.model().with_structured_output(City).invoke(prompt)

    def embeddings(self, texts: list[str]) -> list[list[float]]:
        model = OpenAIEmbeddings(
            model=EMBEDDING_MODEL,
            client=self.client.embeddings,
            api_key="unused",
            check_embedding_ctx_length=False,
        )
        return model.embed_documents(texts)


class Responses(Chat):
    """Its sync functions over the Responses API."""

    api = "responses"
    embeddings = None


class AsyncChat(Side):
    """Its async functions over chat completions."""

    takes = "async"

    def model(self) -> ChatOpenAI:
        """Return a chat model."""
        return ChatOpenAI(
            model=MODEL,
            root_async_client=self.client,
            async_client=self.client.chat.completions,
            api_key="unused",
            use_responses_api=self.api == "responses",
        )

    async def plain(self, prompt: str) -> str:
        return (await self.model().ainvoke(prompt)).text

    async def stream(self, prompt: str) -> list[str]:
        return [chunk.text async for chunk in self.model().astream(prompt) if chunk.text]

    async def tools(self, prompt: str) -> str:
        model = self.model().bind_tools([WEATHER])
        messages: list[Any] = [HumanMessage(prompt)]
        messages.append(await model.ainvoke(messages))
        messages += [await WEATHER.ainvoke(call) for call in messages[-1].tool_calls]
        assert isinstance(messages[-1], ToolMessage)
        return (await model.ainvoke(messages)).text

    async def structured(self, prompt: str) -> City:
        return await self.model().with_structured_output(City).ainvoke(prompt)

    async def embeddings(self, texts: list[str]) -> list[list[float]]:
        model = OpenAIEmbeddings(
            model=EMBEDDING_MODEL,
            async_client=self.client.embeddings,
            api_key="unused",
            check_embedding_ctx_length=False,
        )
        return await model.aembed_documents(texts)


class AsyncResponses(AsyncChat):
    """Its async functions over the Responses API."""

    api = "responses"
    embeddings = None
