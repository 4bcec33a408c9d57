"""langsmith: a wrapped client, whose calls are recorded as runs."""

from typing import Any
from unittest.mock import Mock

import langsmith
from langsmith.wrappers import wrap_openai

from libraries import client

RECORDER = Mock(spec=langsmith.Client)
"""What runs are sent to, which keeps them."""


class Wrapped:
    """A side whose client is wrapped."""

    unrecorded = frozenset({"embeddings"})

    def __init__(self, given: Any) -> None:
        self.client = wrap_openai(given, tracing_extra={"client": RECORDER, "enabled": True})

    @staticmethod
    def recorded() -> list[str]:
        """Return the models of the calls that were recorded since it was last asked, one for each."""
        calls = RECORDER.create_run.call_args_list
        RECORDER.reset_mock()
        return [call.kwargs["extra"]["metadata"]["ls_model_name"] for call in calls]


class Chat(Wrapped, client.Chat):
    """Sync calls of chat completions."""


class AsyncChat(Wrapped, client.AsyncChat):
    """Async calls of chat completions."""


class Responses(Wrapped, client.Responses):
    """Sync calls of the Responses API."""


class AsyncResponses(Wrapped, client.AsyncResponses):
    """Async calls of the Responses API."""
