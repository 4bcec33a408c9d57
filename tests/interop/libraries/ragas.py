"""ragas: models and embeddings that its metrics ask, which take the client."""

import openai
from instructor.core import InstructorRetryException
from ragas.embeddings import OpenAIEmbeddings
from ragas.llms import llm_factory

from libraries.side import EMBEDDING_MODEL, MODEL, City, Side


class Chat(Side):
    """Its sync functions."""

    error = (InstructorRetryException, openai.BadRequestError)
    refusal = (InstructorRetryException, openai.RateLimitError)

    def structured(self, prompt: str) -> City:
        return llm_factory(MODEL, client=self.client, max_tokens=1000).generate(prompt, City)

    def embeddings(self, texts: list[str]) -> list[list[float]]:
        return OpenAIEmbeddings(self.client, EMBEDDING_MODEL).embed_texts(texts)


class AsyncChat(Side):
    """Its async functions."""

    takes = "async"
    error = Chat.error
    refusal = Chat.refusal

    async def structured(self, prompt: str) -> City:
        return await llm_factory(MODEL, client=self.client, max_tokens=1000).agenerate(prompt, City)

    async def embeddings(self, texts: list[str]) -> list[list[float]]:
        return await OpenAIEmbeddings(self.client, EMBEDDING_MODEL).aembed_texts(texts)
