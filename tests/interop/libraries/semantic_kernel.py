"""Semantic Kernel: its services for chat completions and embeddings, which take the client."""

from typing import Any

from semantic_kernel import Kernel
from semantic_kernel.connectors.ai import FunctionChoiceBehavior
from semantic_kernel.connectors.ai.open_ai import (
    OpenAIChatCompletion,
    OpenAIChatPromptExecutionSettings,
    OpenAITextEmbedding,
)
from semantic_kernel.contents import ChatHistory
from semantic_kernel.exceptions import ServiceResponseException
from semantic_kernel.functions import kernel_function

from libraries.side import EMBEDDING_MODEL, MODEL, City, Side, weather


def asked(prompt: str) -> ChatHistory:
    """Return the history of a prompt."""
    history = ChatHistory()
    history.add_user_message(prompt)
    return history


class Chat(Side):
    """Its async functions."""

    takes = "async"
    error = refusal = ServiceResponseException

    def service(self) -> OpenAIChatCompletion:
        """Return a service."""
        return OpenAIChatCompletion(MODEL, async_client=self.client)

    async def answer(self, prompt: str, *, kernel: Kernel | None = None, **settings: Any) -> str:
        """Return the text of an answer."""
        found = await self.service().get_chat_message_content(
            asked(prompt), OpenAIChatPromptExecutionSettings(**settings), kernel=kernel
        )
        return str(found)

    async def plain(self, prompt: str) -> str:
        return await self.answer(prompt)

    async def stream(self, prompt: str) -> list[str]:
        settings = OpenAIChatPromptExecutionSettings()
        pieces = self.service().get_streaming_chat_message_content(asked(prompt), settings)
        return [str(piece) async for piece in pieces if str(piece)]

    async def tools(self, prompt: str) -> str:
        kernel = Kernel()
        kernel.add_function("plugin", kernel_function(weather))
        return await self.answer(
            prompt, kernel=kernel, function_choice_behavior=FunctionChoiceBehavior.Auto()
        )

    async def structured(self, prompt: str) -> City:
        return City.model_validate_json(await self.answer(prompt, response_format=City))

    async def embeddings(self, texts: list[str]) -> list[list[float]]:
        service = OpenAITextEmbedding(EMBEDDING_MODEL, async_client=self.client)
        return [list(vector) for vector in await service.generate_embeddings(texts)]
