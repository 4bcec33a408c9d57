"""Langfuse: observations by langfuse.openai, which records the SDK's calls once it is imported."""

import langfuse.openai  # noqa: F401 -- which has the SDK's calls recorded
from langfuse import Langfuse

from libraries import client
from libraries.watched import EXPORTER, PROVIDER, models_of_spans

Langfuse(public_key="pk-lf-any", secret_key="sk-lf-any", tracer_provider=PROVIDER, span_exporter=EXPORTER)


class Recorded:
    """A side whose calls are recorded."""

    @staticmethod
    def recorded() -> list[str]:
        """Return the models of the calls since it was last asked."""
        return models_of_spans("langfuse.observation.model.name")


class Chat(Recorded, client.Chat):
    """Sync calls of chat completions."""


class AsyncChat(Recorded, client.AsyncChat):
    """Async calls of chat completions."""


class Responses(Recorded, client.Responses):
    """Sync calls of the Responses API."""


class AsyncResponses(Recorded, client.AsyncResponses):
    """Async calls of the Responses API."""
