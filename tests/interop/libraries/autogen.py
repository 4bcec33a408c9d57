"""autogen: an agent whose model client has the client."""

from typing import Any

from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.messages import ModelClientStreamingChunkEvent
from autogen_core.models import ModelInfo
from autogen_ext.models.openai import BaseOpenAIChatCompletionClient

from libraries.side import MODEL, City, Side, weather

INFO = ModelInfo(
    vision=False, function_calling=True, json_output=True, structured_output=True, family="unknown"
)


class Chat(Side):
    """Its async functions."""

    takes = "async"

    def agent(self, **options: Any) -> AssistantAgent:
        """Return an agent."""
        model = BaseOpenAIChatCompletionClient(self.client, create_args={"model": MODEL}, model_info=INFO)
        return AssistantAgent("agent", model, **options)

    async def plain(self, prompt: str) -> str:
        return (await self.agent().run(task=prompt)).messages[-1].content

    async def stream(self, prompt: str) -> list[str]:
        events = self.agent(model_client_stream=True).run_stream(task=prompt)
        return [event.content async for event in events if isinstance(event, ModelClientStreamingChunkEvent)]

    async def tools(self, prompt: str) -> str:
        result = await self.agent(tools=[weather], reflect_on_tool_use=True).run(task=prompt)
        return result.messages[-1].content

    async def structured(self, prompt: str) -> City:
        return (await self.agent(output_content_type=City).run(task=prompt)).messages[-1].content
