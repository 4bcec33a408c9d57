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
HEADERS = {
    "Date": "Sat, 21 Nov 2026 12:00:00 GMT",
    "Content-Type": "application/json",
    "Connection": "keep-alive",
    "CF-RAY": "9a1b2c3d4e5f6a7b-FRA",
    "CF-Cache-Status": "DYNAMIC",
    "access-control-expose-headers": "X-Request-ID",
    "openai-organization": "acme",
    "openai-processing-ms": "412",
    "openai-project": "proj_1",
    "openai-version": "2020-10-01",
    "x-envoy-upstream-service-time": "430",
    "x-ratelimit-limit-requests": "10000",
    "x-ratelimit-limit-tokens": "2000000",
    "x-ratelimit-remaining-requests": "9999",
    "x-ratelimit-remaining-tokens": "1999990",
    "x-ratelimit-reset-requests": "6ms",
    "x-ratelimit-reset-tokens": "0s",
    "x-request-id": "req_1",
    "strict-transport-security": "max-age=31536000; includeSubDomains; preload",
    "X-Content-Type-Options": "nosniff",
    "Server": "cloudflare",
    "alt-svc": 'h3=":443"; ma=86400',
}
"""The headers of an answer of the API."""
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


def response() -> bytes:
    """Build a response as the API sends it."""
    content = {"type": "output_text", "text": "Hello!", "annotations": [], "logprobs": []}
    message = {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "status": "completed",
        "content": [content],
    }
    usage = {
        "input_tokens": 12,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": 9,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 21,
    }
    empty = dict.fromkeys(
        ("error", "incomplete_details", "instructions", "max_output_tokens", "previous_response_id")
    )
    return json.dumps(
        {
            "id": "resp_1",
            "object": "response",
            "created_at": 1700000000,
            "status": "completed",
            "model": MODEL,
            "output": [message],
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
            "temperature": 1.0,
            "top_p": 1.0,
            "metadata": {},
            "usage": usage,
            **empty,
        }
    ).encode()


def response_stream(events: int) -> bytes:
    """Build the body of a streamed response: pieces of its text, and the response."""
    parts: list[bytes] = []
    for n in range(events - 1):
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
    end = b'{"type":"response.completed","sequence_number":%d,"response":%s}' % (events - 1, response())
    parts.append(b"event: response.completed\ndata: %s\n\n" % end)
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
