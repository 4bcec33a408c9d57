"""outlines: a model that has the client."""

import outlines

from libraries.side import MODEL, City, Side


class Chat(Side):
    """Its sync functions."""

    error = outlines.exceptions.BadRequestError
    refusal = outlines.exceptions.RateLimitError

    def model(self) -> outlines.models.OpenAI:
        """Return a model."""
        return outlines.from_openai(self.client, MODEL)

    def plain(self, prompt: str) -> str:
        return self.model()(prompt)

    def stream(self, prompt: str) -> list[str]:
        return [piece for piece in self.model().stream(prompt) if piece]

    def structured(self, prompt: str) -> City:
        return City.model_validate_json(self.model()(prompt, City))


class AsyncChat(Side):
    """Its async functions."""

    takes = "async"
    error = outlines.exceptions.BadRequestError
    refusal = outlines.exceptions.RateLimitError

    def model(self) -> outlines.models.AsyncOpenAI:
        """Return a model."""
        return outlines.from_openai(self.client, MODEL)

    async def plain(self, prompt: str) -> str:
        return await self.model()(prompt)

    async def stream(self, prompt: str) -> list[str]:
        return [piece async for piece in self.model().stream(prompt) if piece]

    async def structured(self, prompt: str) -> City:
        return City.model_validate_json(await self.model()(prompt, City))
