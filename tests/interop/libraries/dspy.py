"""dspy: a language model of one's own over the client."""

from typing import Any

import dspy

from libraries.side import MODEL, Side


class Model(dspy.BaseLM):
    """A language model over an official client."""

    def __init__(self, client: Any) -> None:
        super().__init__(MODEL, cache=False)
        self.client = client

    def forward(self, prompt: str | None = None, messages: list[dict] | None = None, **options: Any) -> Any:
        """Return an answer of the API."""
        return self.client.chat.completions.create(**self.asked(prompt, messages, options))

    async def aforward(
        self, prompt: str | None = None, messages: list[dict] | None = None, **options: Any
    ) -> Any:
        """Return an answer of the API."""
        return await self.client.chat.completions.create(**self.asked(prompt, messages, options))

    def asked(self, prompt: str | None, messages: list[dict] | None, options: dict) -> dict:
        """Return the arguments of a call."""
        given = {name: value for name, value in options.items() if value is not None}
        return {"model": self.model, "messages": messages or [{"role": "user", "content": prompt}], **given}


class Chat(Side):
    """Its sync functions."""

    def plain(self, prompt: str) -> str:
        (answer,) = Model(self.client)(prompt)
        return answer if isinstance(answer, str) else answer["text"]


class AsyncChat(Side):
    """Its async functions."""

    takes = "async"

    async def plain(self, prompt: str) -> str:
        (answer,) = await Model(self.client).acall(prompt)
        return answer if isinstance(answer, str) else answer["text"]
