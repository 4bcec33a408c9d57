"""The usage of a decoded chat completion is read the same by the short way and by the long one."""

import json
from typing import Any

import pytest

from ai_client._call.report import reported, reported_in
from ai_client._models.decode import decode
from ai_client.types.chat import ChatCompletion

COUNTS = {"prompt_tokens": 12, "completion_tokens": 9, "total_tokens": 21}


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"service_tier": "Flex"},
        {"service_tier": "auto"},
        {"service_tier": 7},
        {"usage": None},
        {"usage": COUNTS | {"prompt_tokens_details": {"audio_tokens": 0, "cached_tokens": None}}},
        {"usage": COUNTS | {"prompt_tokens_details": {"cached_tokens": 4}}},
        {"usage": COUNTS | {"prompt_tokens_details": {"cached_tokens": 0, "cache_creation_tokens": 3}}},
        {"usage": COUNTS | {"completion_tokens_details": {"reasoning_tokens": 4}}},
        {"usage": COUNTS | {"prompt_tokens_details": [1]}},
        {"usage": COUNTS | {"cost": 0.5}},
        {"usage": COUNTS | {"prompt_tokens": -1}},
        {"usage": COUNTS | {"prompt_tokens": 10**12}},
        {"usage": {"total_tokens": 21}},
        {"model": None},
        {"response": {"service_tier": "flex"}},
    ],
    ids=str,
)
def test_both_ways_read_the_same(more: dict[str, Any]) -> None:
    """Whatever a chat completion says of its usage, its model tells what its bytes tell."""
    answer: dict[str, Any] = {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [],
    }
    data = json.dumps(answer | {"usage": COUNTS} | more).encode()
    assert reported_in(decode(ChatCompletion, data), data) == reported(data)
