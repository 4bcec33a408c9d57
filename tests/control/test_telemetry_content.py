"""Prompts and completions in spans, where they are asked for: messages of parts, in the form of the conventions."""

import json
from base64 import b64encode
from typing import Any

import pytest

from ai_client import APIError
from ai_client.control import Redaction
from ai_client.testing import Upstream, sse
from tests.support.collector import Collector
from tests.support.invoke import Invoke
from tests.support.response_scripts import response

USAGE = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
CONTENT = Redaction(content=True, patterns=["email"])


def told(collector: Collector, name: str) -> Any:
    """Return the content of the one span's attribute; `None` where it has none."""
    text = collector.span.get(name)
    return None if text is None else json.loads(text)


def text(content: str) -> dict[str, str]:
    """Return a part of text."""
    return {"type": "text", "content": content}


def answer(*messages: dict[str, Any], reason: str = "stop") -> dict[str, Any]:
    """Return a chat answer with these messages."""
    choices = [
        {"index": index, "message": {"role": "assistant", **one}, "finish_reason": reason}
        for index, one in enumerate(messages)
    ]
    return {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": choices,
        "usage": USAGE,
    }


def test_a_chat_as_messages_of_parts(invoke: Invoke, upstream: Upstream, collector: Collector) -> None:
    """Every kind of content of a chat's messages has the part that the conventions have for it."""
    data = b64encode(b"picture").decode()
    calls = [
        {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Paris"}'}},
        {"id": "c2", "type": "custom", "custom": {"name": "shell", "input": "ls"}},
    ]
    parts: list[dict[str, Any]] = [
        {"type": "text", "text": "Look"},
        {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}},
        {"type": "input_audio", "input_audio": {"format": "wav", "data": data}},
        {"type": "file", "file": {"file_id": "file-1"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{data}"}},
    ]
    upstream.reply(json=answer({"content": "It rains", "reasoning_content": "Let me see"}))
    client = invoke.client(layers=[collector.telemetry(redaction=CONTENT)])
    invoke.chat(
        client,
        messages=[
            {"role": "system", "content": "Be brief"},
            {"role": "user", "name": "ann", "content": parts},
            {"role": "assistant", "content": None, "refusal": "No", "tool_calls": calls},
            {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "rainy"}]},
        ],
    )
    assert told(collector, "gen_ai.input.messages") == [
        {"role": "system", "parts": [text("Be brief")]},
        {
            "role": "user",
            "name": "ann",
            "parts": [
                text("Look"),
                {"type": "uri", "mime_type": None, "modality": "image", "uri": "https://example.org/a.png"},
                {"type": "blob", "mime_type": "image/png", "modality": "image", "content": data},
                {"type": "blob", "mime_type": "audio/wav", "modality": "audio", "content": data},
                {"type": "file", "mime_type": None, "modality": "document", "file_id": "file-1"},
                {"type": "blob", "mime_type": "application/pdf", "modality": "document", "content": data},
            ],
        },
        {
            "role": "assistant",
            "parts": [
                {"type": "refusal", "content": "No"},
                {"type": "tool_call", "id": "c1", "name": "weather", "arguments": {"city": "Paris"}},
                {"type": "tool_call", "id": "c2", "name": "shell", "arguments": "ls"},
            ],
        },
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": "rainy"}]},
    ]
    reasoning = {"type": "reasoning", "content": "Let me see"}
    assert told(collector, "gen_ai.output.messages") == [
        {"role": "assistant", "parts": [reasoning, text("It rains")], "finish_reason": "stop"}
    ]


def test_each_choice_is_a_message(invoke: Invoke, upstream: Upstream, collector: Collector) -> None:
    """An answer of two choices has two messages, and a tool's arguments that are no JSON stay as they are."""
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{broken"}}
    upstream.reply(
        json=answer({"content": "A"}, {"content": None, "tool_calls": [call]}, reason="tool_calls")
    )
    invoke.chat(invoke.client(layers=[collector.telemetry(redaction=CONTENT)]), n=2)
    assert told(collector, "gen_ai.output.messages") == [
        {"role": "assistant", "parts": [text("A")], "finish_reason": "tool_calls"},
        {
            "role": "assistant",
            "parts": [{"type": "tool_call", "id": "c1", "name": "f", "arguments": "{broken"}],
            "finish_reason": "tool_calls",
        },
    ]


OUTPUT: list[dict[str, Any]] = [
    {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm"}]},
    {
        "type": "web_search_call",
        "id": "ws_1",
        "status": "completed",
        "action": {"type": "search", "query": "q"},
    },
    {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": '{"a": 1}'},
    {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": "Found", "annotations": []}],
    },
]
OUTPUT_PARTS: list[dict[str, Any]] = [
    {"type": "reasoning", "content": "Hm"},
    {"type": "server_tool_call", "id": "ws_1", "name": "web_search", "server_tool_call": OUTPUT[1]},
    {"type": "tool_call", "id": "c1", "name": "f", "arguments": {"a": 1}},
    text("Found"),
]


def test_a_response(invoke: Invoke, upstream: Upstream, collector: Collector) -> None:
    """Items of a response are messages of parts, its instructions an attribute of their own, its output one message."""
    upstream.reply(json=response(*OUTPUT))
    client = invoke.client(layers=[collector.telemetry(redaction=CONTENT)])
    invoke(
        client.responses.create,
        model="m",
        instructions="Be brief",
        tools=[
            {"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": True},
            {"type": "web_search"},
        ],
        input=[
            {
                "role": "user",
                "content": [{"type": "input_text", "text": "Hi"}, {"type": "input_file", "file_id": "x"}],
            },
            {"type": "function_call", "call_id": "c0", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c0", "output": "done"},
            {"type": "item_reference", "id": "msg_0"},
        ],
    )
    assert told(collector, "gen_ai.system_instructions") == [text("Be brief")]
    assert told(collector, "gen_ai.tool.definitions") == [
        {"type": "function", "name": "f", "parameters": {"type": "object"}},
        {"type": "web_search", "name": "web_search"},
    ]
    file = {"type": "file", "mime_type": None, "modality": "document", "file_id": "x"}
    assert told(collector, "gen_ai.input.messages") == [
        {"role": "user", "parts": [text("Hi"), file]},
        {"role": "assistant", "parts": [{"type": "tool_call", "id": "c0", "name": "f", "arguments": {}}]},
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c0", "response": "done"}]},
        {"role": "assistant", "parts": [{"type": "item_reference", "id": "msg_0"}]},
    ]
    assert told(collector, "gen_ai.output.messages") == [
        {"role": "assistant", "parts": OUTPUT_PARTS, "finish_reason": "stop"}
    ]


def test_prompts_of_one_text(invoke: Invoke, upstream: Upstream, collector: Collector) -> None:
    """A response's and a completion's text, and the prompt of an image, are messages of the user."""
    client = invoke.client(layers=[collector.telemetry(redaction=CONTENT)])
    upstream.reply(json={"created": 1, "data": [{"url": "https://example.org/cat.png"}]})
    upstream.reply(json=response())
    choice = {"index": 0, "text": "B", "finish_reason": "length", "logprobs": None}
    upstream.reply(
        json={"id": "c", "object": "text_completion", "created": 1, "model": "m", "choices": [choice]}
    )
    invoke(client.images.generate, model="m", prompt="A cat")
    invoke(client.responses.create, model="m", input="A cat")
    invoke(client.completions.create, model="m", prompt="A cat")
    images, answered, completion = (dict(span.attributes) for span in collector.spans)
    for one in (images, answered, completion):
        assert json.loads(one["gen_ai.input.messages"]) == [{"role": "user", "parts": [text("A cat")]}]
    uri = {"type": "uri", "mime_type": None, "modality": "image", "uri": "https://example.org/cat.png"}
    assert json.loads(images["gen_ai.output.messages"]) == [{"role": "assistant", "parts": [uri]}]
    assert json.loads(completion["gen_ai.output.messages"]) == [
        {"role": "assistant", "parts": [text("B")], "finish_reason": "length"}
    ]


def test_embeddings_have_no_messages(invoke: Invoke, collector: Collector) -> None:
    """What is embedded or moderated is no message, and appears nowhere in a span."""
    client = invoke.client(layers=[collector.telemetry(redaction=CONTENT)])
    invoke(client.embeddings.create, model="text-embedding-3-small", input="private words")
    invoke(client.moderations.create, input="private words")
    assert len(collector.spans) == 2
    assert "private" not in str([span.attributes for span in collector.spans])


def test_models_among_the_messages(invoke: Invoke, upstream: Upstream, collector: Collector) -> None:
    """A message that an earlier answer brought is recorded as it is sent, and so is what an iterator yields."""
    upstream.always(json=answer({"content": "Hi"}))
    client = invoke.client(layers=[collector.telemetry(redaction=CONTENT)])
    first = invoke.chat(invoke.client(), "A").choices[0].message
    messages = ({"role": "user", "content": one} for one in ("A", "B"))
    invoke.chat(client, messages=[first, {"role": "user", "content": "A"}])
    invoke.chat(client, messages=messages)
    models, iterated = (json.loads(span.attributes["gen_ai.input.messages"]) for span in collector.spans)
    assert models[0] == {"role": "assistant", "parts": [text("Hi")]}
    assert [one["parts"] for one in iterated] == [[text("A")], [text("B")]]
    assert [one["content"] for one in upstream.requests[-1].json()["messages"]] == ["A", "B"]


def test_what_a_caller_changes_later(invoke: Invoke, collector: Collector) -> None:
    """The messages recorded for a stream are those that were sent, whatever their list holds by its end."""
    messages = [{"role": "user", "content": "A"}]
    stream = invoke.chat(
        invoke.client(layers=[collector.telemetry(redaction=CONTENT)]), messages=messages, stream=True
    )
    messages.append({"role": "user", "content": "later"})
    invoke.collect(stream)
    assert told(collector, "gen_ai.input.messages") == [{"role": "user", "parts": [text("A")]}]


def piece(index: int = 0, reason: str | None = None, **delta: Any) -> bytes:
    """Return an event of a streamed chat."""
    choice = {"index": index, "delta": delta, "finish_reason": reason}
    head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return sse({**head, "choices": [choice]})


def test_a_streamed_chat(invoke: Invoke, upstream: Upstream, collector: Collector) -> None:
    """The pieces of a stream's choices are put together: texts, reasoning, refusals and the calls of tools."""
    call = {"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"mail": '}}
    rest = {"index": 0, "function": {"arguments": '"ann@example.org"}'}}
    upstream.reply(
        chunks=[
            piece(role="assistant", reasoning_content="H"),
            piece(reasoning_content="m"),
            piece(content="I am ann@exam"),
            piece(1, tool_calls=[call]),
            piece(content="ple.org"),
            piece(1, tool_calls=[rest]),
            piece(0, "stop"),
            piece(1, "tool_calls"),
            sse("[DONE]"),
        ]
    )
    client = invoke.client(layers=[collector.telemetry(redaction=CONTENT)])
    invoke.collect(invoke.chat(client, stream=True, n=2))
    assert told(collector, "gen_ai.output.messages") == [
        {
            "role": "assistant",
            "parts": [{"type": "reasoning", "content": "Hm"}, text("I am [redacted]")],
            "finish_reason": "stop",
        },
        {
            "role": "assistant",
            "parts": [{"type": "tool_call", "id": "c1", "name": "f", "arguments": {"mail": "[redacted]"}}],
            "finish_reason": "tool_calls",
        },
    ]


def test_a_streamed_response(invoke: Invoke, upstream: Upstream, collector: Collector) -> None:
    """A streamed response has the output of its last event; one that breaks off, what came before."""
    begun = {"type": "response.created", "sequence_number": 0, "response": response(status="in_progress")}
    item = {"type": "response.output_item.done", "sequence_number": 1, "output_index": 0, "item": OUTPUT[0]}
    delta = {
        "type": "response.output_text.delta",
        "sequence_number": 2,
        "output_index": 1,
        "content_index": 0,
        "item_id": "msg_1",
        "delta": "Fou",
        "logprobs": [],
    }
    ended = {"type": "response.completed", "sequence_number": 3, "response": response(*OUTPUT)}
    upstream.reply(chunks=[sse(one, event=one["type"]) for one in (begun, item, delta, ended)])
    upstream.reply(chunks=[sse(one, event=one["type"]) for one in (begun, item, delta)])
    client = invoke.client(layers=[collector.telemetry(redaction=CONTENT)])
    invoke.collect(invoke(client.responses.create, model="m", input="A", stream=True))
    with pytest.raises(APIError):
        invoke.collect(invoke(client.responses.create, model="m", input="A", stream=True))
    whole, broken = (json.loads(span.attributes["gen_ai.output.messages"]) for span in collector.spans)
    assert whole == [{"role": "assistant", "parts": OUTPUT_PARTS, "finish_reason": "stop"}]
    assert broken == [
        {"role": "assistant", "parts": [OUTPUT_PARTS[0], text("Fou")], "finish_reason": "error"}
    ]


@pytest.mark.parametrize(
    "redaction", [Redaction(), Redaction(patterns=["email"])], ids=["default", "patterns"]
)
def test_no_content_unless_asked(
    invoke: Invoke, upstream: Upstream, collector: Collector, redaction: Redaction
) -> None:
    """Without `content` no word of a request or an answer is in a span, whole or streamed, answered or failed."""
    secret = "private words"
    client = invoke.client(layers=[collector.telemetry(redaction=redaction)])
    tools = [{"type": "function", "function": {"name": "f", "description": secret}}]
    upstream.reply(json=answer({"content": secret}))
    invoke.chat(client, secret, tools=tools)
    upstream.reply(chunks=[piece(content=secret), piece(reason="stop"), sse("[DONE]")])
    invoke.collect(invoke.chat(client, secret, stream=True))
    upstream.reply(json=response(OUTPUT[0] | {"summary": [{"type": "summary_text", "text": secret}]}))
    invoke(client.responses.create, model="m", input=secret, instructions=secret)
    upstream.reply(status=400, json={"error": {"message": secret, "code": "c"}})
    with pytest.raises(APIError):
        invoke.chat(client, secret)
    assert len(collector.spans) == 4
    assert "private" not in "".join(span.to_json() for span in collector.spans)


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "user", "content": "long " * 100_000}],
        [{"role": "user", "content": f"m{number}"} for number in range(20_000)],
        [{"role": "user", "content": [{"type": "text", "text": "p"}] * 20_000}],
        [
            {
                "role": "user",
                "content": [
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 500_000}}
                ],
            }
        ],
    ],
    ids=["a long text", "many messages", "many parts", "a large picture"],
)
def test_content_is_bounded(
    invoke: Invoke, upstream: Upstream, collector: Collector, messages: list[dict[str, Any]]
) -> None:
    """However much a request and an answer hold, the attributes stay below the bound and are valid JSON."""
    upstream.reply(json=answer({"content": "answer " * 50_000}))
    client = invoke.client(layers=[collector.telemetry(redaction=Redaction(content=True), max_content=4000)])
    invoke.chat(client, messages=messages)
    for name in ("gen_ai.input.messages", "gen_ai.output.messages"):
        assert len(collector.span[name].encode()) <= 4000
        assert isinstance(told(collector, name), list)
    assert told(collector, "gen_ai.output.messages")[0]["parts"][0]["content"].startswith("answer answer")


def test_odd_content_fails_nothing(invoke: Invoke, upstream: Upstream, collector: Collector) -> None:
    """Content of shapes that no API has is recorded as far as it goes, and the call is answered."""
    client = invoke.client(layers=[collector.telemetry(redaction=CONTENT)])
    odd: list[Any] = [
        None,
        7,
        "text",
        [],
        {},
        {"role": 7, "content": {"a": 1}},
        {"content": [None, 7, {"type": None}]},
    ]
    for body in (
        {"messages": odd, "tools": odd},
        {"messages": "text", "tools": {"a": 1}},
        {"messages": None},
    ):
        upstream.reply(json=answer({"content": "Hi"}))
        invoke(client.post, "/chat/completions", cast_to=object, body={"model": "m", **body})
    upstream.reply(json={"choices": [None, 7, {"message": 7, "finish_reason": 7}], "id": 7, "model": []})
    invoke(client.post, "/chat/completions", cast_to=object, body={"model": "m", "messages": []})
    assert len(collector.spans) == 4
