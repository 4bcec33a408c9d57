"""What well-behaved servers say: the events of whole streams, and the text that they make."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

WORDS = ("one", " two", " three")


def encoded(value: Any) -> bytes:
    """Encode a value as JSON without spaces, as servers do."""
    return json.dumps(value, separators=(",", ":")).encode()


def chat_chunk(delta: dict[str, Any], finish: str | None = None, index: int = 0) -> bytes:
    """Encode a chunk of a chat completion."""
    choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
    return encoded(
        {
            "id": "c",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "gpt-5.5",
            "choices": [choice],
        }
    )


def chat_events(words: Sequence[str] = WORDS, finish: str | None = "stop") -> list[bytes]:
    """Give the chunks of a chat completion, one for each word and one that ends it."""
    return [chat_chunk({"role": "assistant", "content": words[0]}), *map(_word, words[1:])] + (
        [] if finish is None else [chat_chunk({}, finish)]
    )


def _word(word: str) -> bytes:
    return chat_chunk({"content": word})


def completion_event(text: str, finish: str | None = None) -> bytes:
    """Encode a piece of a completion of the older kind."""
    choice = {"index": 0, "text": text, "logprobs": None, "finish_reason": finish}
    return encoded(
        {"id": "c", "object": "text_completion", "created": 1, "model": "gpt-5.5", "choices": [choice]}
    )


def response(status: str, text: str | None = None, **more: Any) -> dict[str, Any]:
    """Give a response of the Responses API."""
    output: list[Any] = []
    if text is not None:
        part = {"type": "output_text", "text": text, "annotations": []}
        output.append(
            {"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": [part]}
        )
    return {
        "id": "r",
        "object": "response",
        "created_at": 1,
        "status": status,
        "model": "gpt-5.5",
        "output": output,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        **more,
    }


def response_events(words: Sequence[str] = WORDS, end: str | None = "completed", **more: Any) -> list[bytes]:
    """Give the events of a response, a delta for each word, and one that ends it."""
    events: list[dict[str, Any]] = [{"type": "response.created", "response": response("in_progress")}]
    place = {"item_id": "m", "output_index": 0, "content_index": 0}
    item = {"type": "message", "id": "m", "role": "assistant", "status": "in_progress", "content": []}
    events.append({"type": "response.output_item.added", "output_index": 0, "item": item})
    part = {"type": "output_text", "text": "", "annotations": []}
    events.append({"type": "response.content_part.added", **place, "part": part})
    events += [
        {"type": "response.output_text.delta", **place, "delta": word, "logprobs": []} for word in words
    ]
    if end is not None:
        whole = response(end, "".join(words), **more)
        events.append({"type": f"response.{end}", "response": whole})
    return [encoded({**event, "sequence_number": number}) for number, event in enumerate(events)]


CHAT_EVENTS = chat_events()
RESPONSE_EVENTS = response_events()


def text_of(items: Iterable[Any]) -> str:
    """Give the text that the items of a stream make, of chats, completions and responses alike."""
    text = ""
    for item in items:
        if getattr(item, "type", None) == "response.output_text.delta":
            text += item.delta
        for choice in getattr(item, "choices", None) or ():
            text += (
                getattr(choice, "text", None) or getattr(getattr(choice, "delta", None), "content", "") or ""
            )
    return text
