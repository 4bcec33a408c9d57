"""Whether a contender did the work: the answer of its first call is compared with what the server sent."""

import base64
import json
import struct
from collections.abc import Mapping, Sequence
from typing import Any


def check(answer: Any, body: bytes) -> None:
    """Compare an answer, typed or parsed, with the body that was sent.

    Raises:
        RuntimeError: They differ in texts, tool calls, numbers or usage.
    """
    found = _essence(answer if isinstance(answer, Mapping) else answer.to_dict())
    wanted = _essence(json.loads(body))
    if found != wanted:
        raise RuntimeError(f"The answer is not what was sent: {str(found)[:200]} for {str(wanted)[:200]}.")


def _essence(answer: Mapping[str, Any]) -> list[Any]:
    messages = [choice["message"] for choice in answer.get("choices", ())]
    return [
        answer["model"],
        answer["usage"]["total_tokens"],
        [[message.get("content"), _calls(message)] for message in messages],
        [_numbers(each["embedding"]) for each in answer.get("data", ())],
    ]


def _calls(message: Mapping[str, Any]) -> list[Any]:
    return [[call["id"], call["function"]] for call in message.get("tool_calls") or ()]


def _numbers(embedding: str | Sequence[float]) -> tuple[int, float]:
    if isinstance(embedding, str):
        packed = base64.b64decode(embedding)
        embedding = struct.unpack(f"<{len(packed) // 4}f", packed)
    return len(embedding), round(sum(embedding), 3)
