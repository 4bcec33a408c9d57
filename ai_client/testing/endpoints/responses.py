"""Responses, whole or as a stream of typed events."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ai_client.testing import text
from ai_client.testing.endpoints import tools
from ai_client.testing.endpoints.chat import CREATED
from ai_client.testing.reply import Reply, sse
from ai_client.testing.request import Refused, Request
from ai_client.testing.shapes import is_list, is_object

_SOURCES = ("input", "prompt", "previous_response_id", "conversation")

_ECHOED: dict[str, Any] = {
    "instructions": None,
    "max_output_tokens": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "reasoning": {"effort": None, "summary": None},
    "store": True,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_p": 1.0,
    "truncation": "disabled",
}
"""Parameters that a response echoes, with their defaults."""


@dataclass(frozen=True, slots=True)
class Item:
    """The single item of an output, a message or a function call, and the chunks in which it is streamed."""

    done: dict[str, Any]
    pieces: list[str]
    whole: bool = True


def create(request: Request) -> Reply:
    """Answer `POST /responses`."""
    data = request.data
    model = request.model
    if all(data.get(name) is None for name in _SOURCES):
        raise Refused(400, f"One of {', '.join(_SOURCES)} must be given.", code="missing_required_parameter")
    item = _item(request)
    begun: dict[str, Any] = {
        "id": request.id("resp_"),
        "object": "response",
        "created_at": CREATED,
        "status": "in_progress",
        "background": False,
        "completed_at": None,
        "error": None,
        "incomplete_details": None,
        "model": model,
        "output": [],
        "service_tier": "default",
        **_ECHOED,
        **{name: data[name] for name in _ECHOED if data.get(name) is not None},
        "usage": None,
        "user": data.get("user"),
    }
    ended: dict[str, Any] = {
        **begun,
        "status": "completed" if item.whole else "incomplete",
        "completed_at": CREATED if item.whole else None,
        "incomplete_details": None if item.whole else {"reason": "max_output_tokens"},
        "output": [item.done],
        "usage": _usage(data, item),
    }
    if not data.get("stream"):
        return Reply(json=ended)
    events = enumerate(_events(begun, item, ended))
    chunks = [sse({**event, "sequence_number": n}, event=event["type"]) for n, event in events]
    return Reply(chunks=chunks, pause=request.pause)


def _item(request: Request) -> Item:
    data = request.data
    function = tools.wanted(data.get("tools"), data.get("tool_choice"))
    if function is not None:
        arguments = tools.arguments(function)
        call = {
            "id": request.id("fc_"),
            "type": "function_call",
            "status": "completed",
            "arguments": arguments,
            "call_id": request.id("call_"),
            "name": function["name"],
        }
        return Item(call, text.tokens(arguments))
    content = request.content
    if content is None:
        asked: dict[str, Any] = data.get("text") or {}
        content = tools.structured(asked.get("format"))
    if content is None:
        content = text.answer(_last_text(data.get("input")))
    pieces = text.tokens(content)
    limit = request.number_of("max_output_tokens") or len(pieces)
    whole = len(pieces) <= limit
    part = _part("".join(pieces[:limit]))
    message = {
        "id": request.id("msg_"),
        "type": "message",
        "status": "completed" if whole else "incomplete",
        "content": [part],
        "role": "assistant",
    }
    return Item(message, pieces[:limit], whole)


def _part(said: str) -> dict[str, Any]:
    return {"type": "output_text", "annotations": [], "logprobs": [], "text": said}


def _events(begun: dict[str, Any], item: Item, ended: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield {"type": "response.created", "response": begun}
    yield {"type": "response.in_progress", "response": begun}
    spoken = item.done["type"] == "message"
    opening: dict[str, Any] = {"content": []} if spoken else {"arguments": ""}
    place = {"output_index": 0}
    yield {
        "type": "response.output_item.added",
        **place,
        "item": {**item.done, "status": "in_progress", **opening},
    }
    place["item_id"] = item.done["id"]
    yield from _message_events(place, item) if spoken else _call_events(place, item)
    yield {"type": "response.output_item.done", "output_index": 0, "item": item.done}
    yield {"type": f"response.{ended['status']}", "response": ended}


def _message_events(place: dict[str, Any], item: Item) -> Iterator[dict[str, Any]]:
    place = {**place, "content_index": 0}
    yield {"type": "response.content_part.added", **place, "part": _part("")}
    for piece in item.pieces:
        yield {"type": "response.output_text.delta", **place, "delta": piece, "logprobs": []}
    said = "".join(item.pieces)
    yield {"type": "response.output_text.done", **place, "text": said, "logprobs": []}
    yield {"type": "response.content_part.done", **place, "part": _part(said)}


def _call_events(place: dict[str, Any], item: Item) -> Iterator[dict[str, Any]]:
    for piece in item.pieces:
        yield {"type": "response.function_call_arguments.delta", **place, "delta": piece}
    yield {
        "type": "response.function_call_arguments.done",
        **place,
        "name": item.done["name"],
        "arguments": item.done["arguments"],
    }


def _texts(given: Any) -> list[str]:
    if not is_list(given):
        return [text.plain(given)]
    return [text.plain(item.get("content")) for item in given if is_object(item)]


def _last_text(given: Any) -> str:
    return next((said for said in reversed(_texts(given)) if said), "")


def _usage(data: dict[str, Any], item: Item) -> dict[str, Any]:
    said = [*_texts(data.get("input")), data.get("instructions") or ""]
    received = sum(4 + text.count(part) for part in said if part)
    sent = len(item.pieces)
    return {
        "input_tokens": received,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": sent,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": received + sent,
    }
