"""ag2: an agent whose configuration takes an HTTP client, here one over the client's transport."""

from typing import Any

import httpx2
from ag2 import Agent
from ag2.config import OpenAIConfig, OpenAIResponsesConfig
from ag2.events import ModelMessageChunk

from ai_client import interop
from libraries.side import MODEL, City, Side, weather


class Chat(Side):
    """Its async functions over chat completions."""

    takes = "async"
    config: Any = OpenAIConfig

    @classmethod
    def given(cls, client: Any) -> Any:
        """Return an HTTP client over a client's transport."""
        return httpx2.AsyncClient(
            transport=interop.transport(client, library="httpx2"), base_url=str(client.base_url)
        )

    def agent(self, **options: Any) -> Agent:
        """Return an agent."""
        config = self.config(
            MODEL,
            base_url=str(self.client.base_url),
            api_key="unused",
            http_client=self.client,
            max_retries=0,
            streaming=options.pop("streaming", False),
        )
        return Agent("agent", config=config, **options)

    async def plain(self, prompt: str) -> str:
        return (await self.agent().ask(prompt)).body

    async def stream(self, prompt: str) -> list[str]:
        pieces = []
        async with self.agent(streaming=True).run(prompt) as run:
            run.stream.where(ModelMessageChunk).subscribe(lambda event: pieces.append(event.content))
            await run.result()
        return pieces

    async def tools(self, prompt: str) -> str:
        return (await self.agent(tools=[weather]).ask(prompt)).body

    async def structured(self, prompt: str) -> City:
        return await (await self.agent(response_schema=City).ask(prompt)).content()


class Responses(Chat):
    """Its async functions over the Responses API."""

    api = "responses"
    config = OpenAIResponsesConfig
