"""openai-agents: an agent whose model has the client."""

from agents import (
    Agent,
    ModelSettings,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    Runner,
    function_tool,
    set_tracing_disabled,
)
from openai.types.responses import ResponseTextDeltaEvent

from libraries.side import MODEL, City, Side, weather

set_tracing_disabled(True)


class Responses(Side):
    """Its async functions over the Responses API."""

    takes = "async"
    api = "responses"
    model = OpenAIResponsesModel

    def agent(self, output: type | None = None) -> Agent:
        """Return an agent."""
        tools = [] if output else [function_tool(weather)]
        model = self.model(MODEL, self.client)
        return Agent(
            name="agent", model=model, tools=tools, output_type=output, model_settings=ModelSettings()
        )

    async def plain(self, prompt: str) -> str:
        return (await Runner.run(self.agent(), prompt)).final_output

    async def stream(self, prompt: str) -> list[str]:
        events = Runner.run_streamed(self.agent(), prompt).stream_events()
        return [
            event.data.delta
            async for event in events
            if event.type == "raw_response_event" and isinstance(event.data, ResponseTextDeltaEvent)
        ]

    async def tools(self, prompt: str) -> str:
        return await self.plain(prompt)

    async def structured(self, prompt: str) -> City:
        return (await Runner.run(self.agent(City), prompt)).final_output


class Chat(Responses):
    """Its async functions over chat completions."""

    api = "chat"
    model = OpenAIChatCompletionsModel


class RunSync(Responses):
    """Its sync function, which runs the async client on an event loop of its thread."""

    stream = None

    def plain(self, prompt: str) -> str:
        return Runner.run_sync(self.agent(), prompt).final_output

    def tools(self, prompt: str) -> str:
        return self.plain(prompt)

    def structured(self, prompt: str) -> City:
        return Runner.run_sync(self.agent(City), prompt).final_output
