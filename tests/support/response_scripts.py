"""Streamed responses as a server would send them."""

from collections.abc import Iterable
from itertools import count
from typing import Any

from ai_client.testing import sse
from tests.support.chat_scripts import GetWeather, Place

Event = dict[str, Any]


def response(*output: dict[str, Any], status: str = "completed", **more: Any) -> dict[str, Any]:
    """Give a response of these items."""
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1.0,
        "model": "m",
        "status": status,
        "output": list(output),
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        **more,
    }


def message(text: str | None = None, *, status: str = "completed", **more: Any) -> dict[str, Any]:
    """Give a message of one text."""
    content = [] if text is None else [part(text)]
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "status": status,
        "content": content,
        **more,
    }


def part(text: str) -> dict[str, Any]:
    """Give a text."""
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def function(name: str, arguments: str, *, status: str = "completed", **more: Any) -> dict[str, Any]:
    """Give a call of a function."""
    return {
        "id": "fc_1",
        "type": "function_call",
        "call_id": "call_1",
        "name": name,
        "arguments": arguments,
        "status": status,
        **more,
    }


def say(pieces: Iterable[str], index: int = 0, **more: Any) -> list[Event]:
    """Give the events of one message."""
    place = {"item_id": "msg_1", "output_index": index, "content_index": 0}
    text = "".join(pieces)
    return [
        {
            "type": "response.output_item.added",
            "output_index": index,
            "item": message(status="in_progress", **more),
        },
        {"type": "response.content_part.added", **place, "part": part("")},
        *(
            {
                "type": "response.output_text.delta",
                **place,
                "delta": each,
                "logprobs": [],
                "obfuscation": "x",
            }
            for each in pieces
        ),
        {"type": "response.output_text.done", **place, "text": text, "logprobs": []},
        {"type": "response.content_part.done", **place, "part": part(text)},
        {"type": "response.output_item.done", "output_index": index, "item": message(text, **more)},
    ]


def call(name: str, pieces: Iterable[str], index: int = 0, **more: Any) -> list[Event]:
    """Give the events of one call."""
    place = {"item_id": "fc_1", "output_index": index}
    whole = function(name, "".join(pieces), **more)
    started = function(name, "", status="in_progress", **more)
    return [
        {"type": "response.output_item.added", "output_index": index, "item": started},
        *({"type": "response.function_call_arguments.delta", **place, "delta": each} for each in pieces),
        {
            "type": "response.function_call_arguments.done",
            **place,
            "name": name,
            "arguments": whole["arguments"],
        },
        {"type": "response.output_item.done", "output_index": index, "item": whole},
    ]


def created(**more: Any) -> list[Event]:
    """Give the events at the beginning."""
    begun = response(status="in_progress", **more)
    return [
        {"type": "response.created", "response": begun},
        {"type": "response.in_progress", "response": begun},
    ]


def ended(*output: dict[str, Any], status: str = "completed", **more: Any) -> Event:
    """Give the event at the end."""
    return {"type": f"response.{status}", "response": response(*output, status=status, **more)}


def body(events: Iterable[Event]) -> bytes:
    """Encode a stream of events, numbered."""
    numbers = count()
    return b"".join(sse({"sequence_number": next(numbers), **event}, event=event["type"]) for event in events)


_PLACE = '{"city":"Paris","degrees":1.5}'
_WEATHER = '{"city":"Paris"}'
_REASONING = {
    "id": "rs_1",
    "type": "reasoning",
    "summary": [{"type": "summary_text", "text": "Thinking"}],
}
TOOL: dict[str, Any] = {
    "type": "function",
    "name": "plain",
    "strict": False,
    "parameters": {"type": "object", "properties": {}},
}
STRICT: dict[str, Any] = {**TOOL, "name": "strict", "strict": True}
_SUMMARY = {"item_id": "rs_1", "output_index": 0, "summary_index": 0}
_REFUSAL = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
_REFUSED = {**message(), "content": [{"type": "refusal", "refusal": "No"}]}

SCRIPTS: dict[str, tuple[list[Event], dict[str, Any]]] = {
    "text": ([*created(), *say(["Hel", "lo"]), ended(message("Hello"))], {}),
    "structured": (
        [*created(), *say([_PLACE[:9], _PLACE[9:]]), ended(message(_PLACE))],
        {"text_format": Place},
    ),
    "structured, said on the way": (
        [
            *created(),
            *say(["Wait"], phase="commentary"),
            *say([_PLACE], index=1, phase="final_answer", id="msg_2"),
            ended(message("Wait", phase="commentary"), message(_PLACE, phase="final_answer", id="msg_2")),
        ],
        {"text_format": Place},
    ),
    "structured, not of its type": (
        [*created(), *say(["{}"]), ended(message("{}"))],
        {"text_format": Place},
    ),
    "a tool of a model": (
        [
            *created(),
            *call("GetWeather", [_WEATHER[:5], _WEATHER[5:]]),
            ended(function("GetWeather", _WEATHER)),
        ],
        {"tools": [GetWeather]},
    ),
    "other tools": (
        [
            *created(),
            *call("plain", ["{}"]),
            *call("strict", ['{"a":', "1}"], index=1, call_id="call_2"),
            *call("unknown", ["{}"], index=2, call_id="call_3"),
            ended(
                function("plain", "{}"),
                function("strict", '{"a":1}', call_id="call_2"),
                function("unknown", "{}", call_id="call_3"),
            ),
        ],
        {"tools": [TOOL, STRICT]},
    ),
    "tools in a namespace": (
        [
            *created(),
            *call("strict", ['{"a":1}'], namespace="mine"),
            ended(function("strict", '{"a":1}', namespace="mine")),
        ],
        {"tools": [{"type": "namespace", "name": "mine", "description": "", "tools": [STRICT]}]},
    ),
    "reasoning before text": (
        [
            *created(),
            {"type": "response.output_item.added", "output_index": 0, "item": {**_REASONING, "summary": []}},
            {
                "type": "response.reasoning_summary_part.added",
                **_SUMMARY,
                "part": {"type": "summary_text", "text": ""},
            },
            {"type": "response.reasoning_summary_text.delta", **_SUMMARY, "delta": "Thinking"},
            {"type": "response.reasoning_summary_text.done", **_SUMMARY, "text": "Thinking"},
            {
                "type": "response.reasoning_summary_part.done",
                **_SUMMARY,
                "part": {"type": "summary_text", "text": "Thinking"},
            },
            {"type": "response.output_item.done", "output_index": 0, "item": _REASONING},
            *say(["Hello"], index=1),
            ended(_REASONING, message("Hello")),
        ],
        {},
    ),
    "refusal": (
        [
            *created(),
            {
                "type": "response.output_item.added",
                "output_index": 0,
                "item": message(status="in_progress"),
            },
            {
                "type": "response.content_part.added",
                **_REFUSAL,
                "part": {"type": "refusal", "refusal": ""},
            },
            {"type": "response.refusal.delta", **_REFUSAL, "delta": "No"},
            {"type": "response.refusal.done", **_REFUSAL, "refusal": "No"},
            {"type": "response.output_item.done", "output_index": 0, "item": _REFUSED},
            ended(_REFUSED),
        ],
        {"text_format": Place},
    ),
    "incomplete": (
        [
            *created(),
            *say(["Hel"])[:3],
            ended(
                message("Hel", status="incomplete"),
                status="incomplete",
                incomplete_details={"reason": "max_output_tokens"},
            ),
        ],
        {},
    ),
    "failed, without output": (
        [
            *created(),
            *say(["Hel"])[:1],
            {
                "type": "response.failed",
                "response": {
                    key: each
                    for key, each in response(
                        status="failed", error={"code": "server_error", "message": "Broken"}
                    ).items()
                    if key != "output"
                },
            },
        ],
        {},
    ),
    "completed, without output": (
        [
            *created(),
            *say(["Hello"]),
            {"type": "response.completed", "response": {**response(), "output": None}},
        ],
        {},
    ),
    "not begun": (say(["Hel"]), {}),
    "a text of no item": ([*created(), *say(["Hel"])[2:]], {}),
    "an item twice": ([*created(), *say(["Hel"])[:1], *say(["Hel"])[:1]], {}),
    "an item that is null": (
        [
            *created(),
            {"type": "response.output_item.added", "output_index": 0, "item": None},
            *say(["Hello"], index=1),
            ended(message("Hello")),
        ],
        {},
    ),
    "text in the beginning": (
        [
            *created(),
            {
                "type": "response.output_item.added",
                "output_index": 0,
                "item": message("Hel", status="in_progress"),
            },
            *say(["lo"])[2:3],
            ended(message("Hello")),
        ],
        {},
    ),
}
