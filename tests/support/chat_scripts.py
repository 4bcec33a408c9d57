"""Streamed answers as a server would send them."""

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel

from ai_client.testing import sse


class Place(BaseModel):
    """Where it is."""

    city: str
    degrees: float | None = None


class GetWeather(BaseModel):
    """Tell the weather of a city."""

    city: str


def chunk(*choices: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Give a chunk of these choices."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "system_fingerprint": "fp",
        "choices": list(choices),
        **more,
    }


def piece(delta: dict[str, Any], *, index: int = 0, finish: str | None = None, **more: Any) -> dict[str, Any]:
    """Give one choice of a chunk."""
    return {"index": index, "delta": delta, "finish_reason": finish, **more}


def texts(pieces: Iterable[str], *, finish: str = "stop", kind: str = "content") -> list[dict[str, Any]]:
    """Give the chunks of one text."""
    return [
        chunk(piece({"role": "assistant", "content": "" if kind == "content" else None, "refusal": None})),
        *(chunk(piece({kind: each})) for each in pieces),
        chunk(piece({}, finish=finish)),
    ]


def call(index: int, arguments: str | None, name: str | None = None) -> dict[str, Any]:
    """Give a piece of a tool call; the first one names the function."""
    if name is None:
        return {"index": index, "function": {"arguments": arguments}}
    function = {"name": name, "arguments": arguments}
    return {"index": index, "id": f"call_{index}", "type": "function", "function": function}


def body(chunks: Iterable[dict[str, Any]]) -> bytes:
    """Encode a stream of chunks."""
    return b"".join([*map(sse, chunks), sse("[DONE]")])


_TOKEN = {"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": []}
_TOOL: dict[str, Any] = {
    "type": "function",
    "function": {"name": "plain", "parameters": {"type": "object", "properties": {}}},
}
_STRICT: dict[str, Any] = {
    "type": "function",
    "function": {**_TOOL["function"], "name": "strict", "strict": True},
}
_WEATHER = [
    chunk(piece({"content": None, "tool_calls": [call(0, "", "GetWeather")]})),
    chunk(piece({"tool_calls": [call(0, '{"ci')]})),
    chunk(piece({"tool_calls": [call(0, 'ty":"Par')]})),
    chunk(piece({"tool_calls": [call(0, 'is"}')]})),
]
_END = chunk(piece({}, finish="tool_calls"))

SCRIPTS: dict[str, tuple[list[dict[str, Any]], dict[str, Any]]] = {
    "text": (texts(["Hel", "lo ", "wörld"]), {}),
    "one chunk": ([chunk(piece({"role": "assistant", "content": "Hi"}, finish="stop"))], {}),
    "usage at the end": (
        [
            *texts(["Hello"]),
            chunk(usage={"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}),
        ],
        {},
    ),
    "unknown members": (
        [
            chunk(piece({"role": "assistant", "content": "", "reasoning_content": "Let "}), service="x"),
            chunk(piece({"reasoning_content": "me "})),
            chunk(piece({"reasoning_content": "see", "extra": {"a": 1}})),
            *texts(["Done"])[1:],
        ],
        {},
    ),
    "refusal": (texts(["I can", "not"], kind="refusal"), {"response_format": Place}),
    "structured": (texts(['{"city": "Par', 'is", "deg', 'rees": 2', "1.5}"]), {"response_format": Place}),
    "structured by a dictionary": (
        texts(['{"a": ', "1}"]),
        {"response_format": {"type": "json_object"}},
    ),
    "structured, not of its type": (texts(['{"city": ', "1}"]), {"response_format": Place}),
    "two choices": (
        [
            chunk(piece({"role": "assistant", "content": "a"})),
            chunk(piece({"role": "assistant", "content": "b"}, index=1)),
            chunk(piece({"content": "A"}), piece({"content": "B"}, index=1)),
            chunk(piece({}, index=1, finish="stop")),
            chunk(piece({}, finish="stop")),
        ],
        {"n": 2},
    ),
    "length": (texts(["cut"], finish="length"), {}),
    "length, structured": (texts(['{"city'], finish="length"), {"response_format": Place}),
    "content filter": (texts(["bad"], finish="content_filter"), {}),
    "content filter, strict tools": (texts(["bad"], finish="content_filter"), {"tools": [_STRICT]}),
    "log probabilities": (
        [
            chunk(
                piece({"role": "assistant", "content": "a"}, logprobs={"content": [_TOKEN], "refusal": None})
            ),
            chunk(piece({"content": "a"}, logprobs={"content": [_TOKEN, _TOKEN], "refusal": None})),
            chunk(piece({"refusal": "n"}, logprobs={"content": None, "refusal": [_TOKEN]})),
            chunk(piece({}, finish="stop")),
        ],
        {"logprobs": True},
    ),
    "a tool of a model": ([chunk(piece({"role": "assistant"})), *_WEATHER, _END], {"tools": [GetWeather]}),
    "a tool without strictness": (
        [
            chunk(piece({"role": "assistant", "tool_calls": [call(0, "{", "plain")]})),
            chunk(piece({"tool_calls": [call(0, "}")]})),
            _END,
        ],
        {"tools": [_TOOL]},
    ),
    "two tools after a text": (
        [
            *texts(["Let me see"])[:-1],
            *_WEATHER,
            chunk(piece({"tool_calls": [call(1, "", "strict")]})),
            chunk(piece({"tool_calls": [call(1, '{"a": [1')]})),
            chunk(piece({"tool_calls": [call(1, ", 2]}")]})),
            _END,
        ],
        {"tools": [GetWeather, _STRICT]},
    ),
    "chunks of other kinds": (
        [
            {**chunk(), "object": "", "choices": [{"index": 0, "delta": {}, "finish_reason": None}]},
            *texts(["Hello"]),
        ],
        {},
    ),
}
