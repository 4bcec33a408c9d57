"""Requests and responses of the benchmarks."""

import base64
import json
import random
import struct

MODEL = "gpt-4o-mini"
SMALL = {"model": MODEL, "messages": [{"role": "user", "content": "Say hello."}], "temperature": 0.2}
LONG = {
    "model": MODEL,
    "messages": [
        {"role": ("user", "assistant")[n % 2], "content": f"{n} " + "word " * 200} for n in range(100)
    ],
}
TOOLS = {
    "model": MODEL,
    "messages": SMALL["messages"],
    "tools": [
        {
            "type": "function",
            "function": {
                "name": f"tool_{n}",
                "description": "Looks something up.",
                "parameters": {
                    "type": "object",
                    "properties": {f"p{m}": {"type": "string", "description": "A value."} for m in range(8)},
                    "required": ["p0"],
                },
            },
        }
        for n in range(12)
    ],
}
INPUTS = {"model": MODEL, "input": ["x"] * 256}
FLOATS = {**INPUTS, "encoding_format": "float"}
USAGE = {
    "prompt_tokens": 12,
    "completion_tokens": 9,
    "total_tokens": 21,
    "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
}


def completion(
    text: str = "Hello! How can I help you today?", choices: int = 1, *, tools: bool = False
) -> bytes:
    """Build a chat completion as the API sends it."""
    message: dict[str, object] = {"role": "assistant", "content": text, "refusal": None, "annotations": []}
    if tools:
        message["content"] = None
        message["tool_calls"] = [
            {
                "id": f"call_{n}",
                "type": "function",
                "function": {"name": f"tool_{n}", "arguments": '{"p0":"x"}'},
            }
            for n in range(4)
        ]
    return json.dumps(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1700000000,
            "model": MODEL,
            "choices": [
                {
                    "index": n,
                    "message": message,
                    "logprobs": None,
                    "finish_reason": "tool_calls" if tools else "stop",
                }
                for n in range(choices)
            ],
            "usage": USAGE,
            "service_tier": "default",
            "system_fingerprint": "fp_1",
        }
    ).encode()


def chat_stream(chunks: int) -> bytes:
    """Build the body of a streamed chat completion."""
    base = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1700000000, "model": MODEL}
    lines = [
        {
            **base,
            "choices": [
                {"index": 0, "delta": {"content": f"word{n} "}, "logprobs": None, "finish_reason": None}
            ],
        }
        for n in range(chunks)
    ]
    return b"".join(b"data: %s\n\n" % json.dumps(line).encode() for line in lines) + b"data: [DONE]\n\n"


def response_stream(events: int) -> bytes:
    """Build the body of a streamed response."""
    parts: list[bytes] = []
    for n in range(events):
        event = {
            "type": "response.output_text.delta",
            "item_id": "msg_1",
            "output_index": 0,
            "content_index": 0,
            "delta": f"word{n} ",
            "logprobs": [],
            "sequence_number": n,
        }
        parts.append(b"event: response.output_text.delta\ndata: %s\n\n" % json.dumps(event).encode())
    return b"".join(parts)


def embeddings(count: int = 256, size: int = 1536, *, encoded: bool = False) -> bytes:
    """Build an embeddings response, with floats or base64."""
    rng = random.Random(1)  # noqa: S311 - numbers to carry, not to hide
    vectors = [[rng.uniform(-1, 1) for _ in range(size)] for _ in range(count)]

    def form(vector: list[float]) -> object:
        return base64.b64encode(struct.pack(f"<{size}f", *vector)).decode() if encoded else vector

    data = [
        {"object": "embedding", "index": n, "embedding": form(vector)} for n, vector in enumerate(vectors)
    ]
    usage = {"prompt_tokens": 8, "total_tokens": 8}
    return json.dumps({"object": "list", "data": data, "model": MODEL, "usage": usage}).encode()
