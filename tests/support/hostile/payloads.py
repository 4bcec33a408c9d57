"""What servers say: the data of every kind of answer, which differs by a number."""

import base64
import json
import struct
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.support.hostile.wire import Request

Data = dict[str, Any]
Named = tuple[str | None, Data]
TOKENS = (11, 7)
"""The tokens in and out that each answer reports which reports any."""
USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
MODERN_USAGE = {
    "input_tokens": 11,
    "output_tokens": 7,
    "total_tokens": 18,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens_details": {"reasoning_tokens": 0},
}
ASK: Data = {
    "model": "m",
    "messages": [{"role": "user", "content": "¿Qué?"}],
    "temperature": 0,
    "max_tokens": 50,
}
PAGES = 3


INPUT: Data = {"model": "m", "input": "¿Qué?", "temperature": 0, "max_output_tokens": 50}
SOUND_FILE = ("a.wav", b"RIFF0000WAVE")


def text_of(number: int) -> str:
    """Return the text of an answer, with all that is hard to cut."""
    return f'Grüße "{number}" 😀\n\tdata: \\ {number}'


def chat(number: int) -> Data:
    """Return a whole completion."""
    message = {"role": "assistant", "content": text_of(number), "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    head = {"id": f"chat-{number}", "object": "chat.completion", "created": 1, "model": "m"}
    return {**head, "choices": [choice], "usage": USAGE}


def call_of(arguments: str, **more: Any) -> Data:
    """Return a part of a call of a tool."""
    return {"index": 0, "function": {"arguments": arguments}, **more}


def chat_chunks(number: int, *, usage: bool) -> list[Data]:
    """Return the chunks of a completion of two choices, one of which calls a tool."""
    deltas: list[tuple[int, Data, str | None]] = [
        (0, {"role": "assistant", "content": ""}, None),
        (0, {"content": f"Grüße {number}"}, None),
        (1, {"role": "assistant", "content": "😀"}, None),
        (0, {"content": "\n\ndata: x"}, None),
        (1, {"tool_calls": [call_of("", id=f"call-{number}", type="function")]}, None),
        (1, {"tool_calls": [call_of('{"usd"')]}, None),
        (1, {"tool_calls": [call_of(f": {number}}}")]}, None),
        (0, {}, "stop"),
        (1, {}, "tool_calls"),
    ]
    deltas[4][1]["tool_calls"][0]["function"]["name"] = "pay"
    head = {"id": f"chat-{number}", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    chunks: list[Data] = [
        {**head, "choices": [{"index": index, "delta": delta, "finish_reason": reason}]}
        for index, delta, reason in deltas
    ]
    return [*chunks, {**head, "choices": [], "usage": USAGE}] if usage else chunks


def asks_for_usage(request: Request) -> bool:
    """Return whether a request asks for the usage of its stream."""
    options = json.loads(request.body).get("stream_options") or {}
    return bool(options.get("include_usage"))


def completion_chunks(number: int) -> list[Data]:
    """Return the chunks of a completion of the older kind."""
    head = {"id": f"cmpl-{number}", "object": "text_completion", "created": 1, "model": "m"}
    said: list[tuple[str, str | None]] = [("Grü", None), (f"ße {number}", None), ("😀\n", None), ("", "stop")]
    chunks: list[Data] = [
        {**head, "choices": [{"index": 0, "text": text, "logprobs": None, "finish_reason": reason}]}
        for text, reason in said
    ]
    return [*chunks, {**head, "choices": [], "usage": USAGE}]


def response_events(number: int) -> list[Data]:
    """Return the events of a response."""

    def response(status: str, output: list[Data], **more: Any) -> Data:
        head = {
            "id": f"resp-{number}",
            "object": "response",
            "created_at": 1.0,
            "model": "m",
            "status": status,
        }
        return {
            **head,
            "output": output,
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
            **more,
        }

    text = text_of(number)
    part: Data = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    message: Data = {"id": "msg", "type": "message", "role": "assistant"}
    whole = {**message, "status": "completed", "content": [part]}
    place = {"item_id": "msg", "output_index": 0, "content_index": 0}
    empty = {**part, "text": ""}
    begun = response("in_progress", [])
    events: list[Data] = [
        {"type": "response.created", "response": begun},
        {"type": "response.in_progress", "response": begun},
        {
            "type": "response.output_item.added",
            "output_index": 0,
            "item": {**message, "status": "in_progress", "content": []},
        },
        {"type": "response.content_part.added", **place, "part": empty},
        *(
            {"type": "response.output_text.delta", **place, "delta": delta, "logprobs": []}
            for delta in (text[:3], text[3:12], text[12:])
        ),
        {"type": "response.output_text.done", **place, "text": text, "logprobs": []},
        {"type": "response.content_part.done", **place, "part": part},
        {"type": "response.output_item.done", "output_index": 0, "item": whole},
        {"type": "response.completed", "response": response("completed", [whole], usage=MODERN_USAGE)},
    ]
    return [{**event, "sequence_number": number} for number, event in enumerate(events)]


def transcript_events(number: int) -> list[Data]:
    """Return the events of a transcription."""
    usage = {"type": "tokens", "input_tokens": 11, "output_tokens": 7, "total_tokens": 18}
    return [
        {"type": "transcript.text.delta", "delta": "Grüße "},
        {"type": "transcript.text.delta", "delta": str(number)},
        {"type": "transcript.text.done", "text": f"Grüße {number}", "usage": usage},
    ]


def image_events(number: int) -> list[Data]:
    """Return the events of a picture that comes in stages."""
    look = {"size": "1024x1024", "quality": "low", "background": "opaque", "output_format": "png"}
    made = [base64.b64encode(f"{number} {stage}".encode() * 9).decode() for stage in range(3)]
    usage: Data = {"input_tokens": 11, "output_tokens": 7, "total_tokens": 18}
    usage["input_tokens_details"] = {"text_tokens": 11, "image_tokens": 0}
    partial = {"type": "image_generation.partial_image", "created_at": 1, **look}
    return [
        {**partial, "b64_json": made[0], "partial_image_index": 0},
        {**partial, "b64_json": made[1], "partial_image_index": 1},
        {"type": "image_generation.completed", "created_at": 1, **look, "b64_json": made[2], "usage": usage},
    ]


def file(number: int, index: int) -> Data:
    """Return an entry of a list of files."""
    known = {"bytes": 1, "created_at": 1, "object": "file", "purpose": "batch", "status": "processed"}
    return {"id": f"file-{number}-{index}", "filename": f"Grüße {index}.txt", **known}


def page_of(request: Request) -> int:
    """Return which page of a list a request asks for."""
    after = parse_qs(urlsplit(request.target).query).get("after")
    return 0 if after is None else int(after[0].rpartition("-")[2]) // 2 + 1


def page(request: Request, number: int) -> Data:
    """Return a page of a list of files."""
    page = page_of(request)
    files = [file(number, 2 * page), file(number, 2 * page + 1)]
    return {"object": "list", "data": files, "has_more": page < PAGES - 1, "last_id": files[1]["id"]}


def sound(number: int) -> bytes:
    """Return bytes that look like other things."""
    return struct.pack("<I", number) + bytes(range(256)) * 3 + b"\r\n0\r\n\r\n" + b"data: [DONE]\n\n"


def vector(number: int) -> list[float]:
    """Return an embedding."""
    return [0.5, -0.25, float(number), 2.0**-20]


def embeddings(request: Request, number: int) -> Data:
    """Return an embedding, encoded as the request asks."""
    encoded: object = vector(number)
    if json.loads(request.body).get("encoding_format") == "base64":
        encoded = base64.b64encode(struct.pack("<4f", *vector(number))).decode()
    data = [{"object": "embedding", "index": 0, "embedding": encoded}]
    return {"object": "list", "data": data, "model": "m", "usage": {"prompt_tokens": 11, "total_tokens": 11}}


def tools_and_text(completion: Any) -> list[Data]:
    """Return what a helper has put together, reduced to text, calls and reasons."""
    return [
        {
            "content": choice.message.content,
            "calls": [call.function.arguments for call in choice.message.tool_calls or ()],
            "reason": choice.finish_reason,
        }
        for choice in completion.choices
    ]


def heard(number: int) -> list[Data]:
    """Return the same of what it should have put together."""
    return [
        {"content": f"Grüße {number}\n\ndata: x", "calls": [], "reason": "stop"},
        {"content": "😀", "calls": [f'{{"usd": {number}}}'], "reason": "tool_calls"},
    ]


def unnamed(events: list[Data]) -> list[Named]:
    """Return events whose kind stands in their data alone, if anywhere."""
    return [(None, data) for data in events]


def named(events: list[Data]) -> list[Named]:
    """Return events whose kind stands in their `event` field too."""
    return [(str(data["type"]), data) for data in events]
