"""logfire: spans of the clients that it is told to instrument."""

from typing import Any

import logfire
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from libraries import client
from libraries.watched import EXPORTER, models_of_spans

logfire.configure(
    send_to_logfire=False, console=False, additional_span_processors=[SimpleSpanProcessor(EXPORTER)]
)


class Recorded:
    """A side whose client is instrumented."""

    def __init__(self, given: Any) -> None:
        self.client = given
        logfire.instrument_openai(given)

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
