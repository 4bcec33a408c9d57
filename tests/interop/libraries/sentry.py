"""Sentry: transactions and spans of its integration for the SDK, which is there wherever the SDK is."""

from typing import Any

import sentry_sdk

from libraries import client

MODELS: list[str] = []
"""The model of each transaction that was not asked for yet."""


def keep(event: Any, _hint: Any) -> None:
    """Keep the model of a transaction, and send nothing."""
    MODELS.append(event["contexts"]["trace"]["data"]["gen_ai.request.model"])


sentry_sdk.init("http://any@127.0.0.1:9/1", traces_sample_rate=1.0, before_send_transaction=keep)


class Recorded:
    """A side whose calls are recorded: `create`, not `parse`."""

    unrecorded = frozenset({"structured"})

    @staticmethod
    def recorded() -> list[str]:
        """Return the models of the calls since it was last asked."""
        models = [*MODELS]
        MODELS.clear()
        return models


class Chat(Recorded, client.Chat):
    """Sync calls of chat completions."""


class AsyncChat(Recorded, client.AsyncChat):
    """Async calls of chat completions."""


class Responses(Recorded, client.Responses):
    """Sync calls of the Responses API."""


class AsyncResponses(Recorded, client.AsyncResponses):
    """Async calls of the Responses API."""
