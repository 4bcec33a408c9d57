"""Answers that the upstream prepares."""

import json
from dataclasses import replace

from ai_client.testing import Reply
from ai_client.testing.endpoints import chat, responses
from ai_client.testing.recording import Recorded
from ai_client.testing.request import Request

TEXT = "Good evening, it is a fine day for a walk."


def calling_a_tool(recorded: Recorded) -> Reply:
    """Return an answer in which the model calls the first of the tools that it may call."""
    must = replace(recorded, body=json.dumps({**recorded.json(), "tool_choice": "required"}).encode())
    endpoint = responses if recorded.path.endswith("/responses") else chat
    return endpoint.create(Request(must, 1, {}, None, 0))
