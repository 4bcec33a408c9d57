"""OpenLLMetry: spans by opentelemetry-instrumentation-openai."""

from opentelemetry.instrumentation.openai import OpenAIInstrumentor

from libraries import client
from libraries.watched import PROVIDER, models_of_spans

OpenAIInstrumentor().instrument(tracer_provider=PROVIDER)


class Recorded:
    """A side whose calls are recorded."""

    @staticmethod
    def recorded() -> list[str]:
        """Return the models of the calls since it was last asked."""
        return models_of_spans("gen_ai.request.model")


class Chat(Recorded, client.Chat):
    """Sync calls of chat completions."""


class AsyncChat(Recorded, client.AsyncChat):
    """Async calls of chat completions."""


class Responses(Recorded, client.Responses):
    """Sync calls of the Responses API."""


class AsyncResponses(Recorded, client.AsyncResponses):
    """Async calls of the Responses API."""
