"""Chat completions."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ai_client.testing import text
from ai_client.testing.endpoints import tools
from ai_client.testing.reply import Reply, sse
from ai_client.testing.request import Request

CREATED = 1_767_225_600
"""The creation time in all answers, so that they do not depend on a clock."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The content of one choice: a text in tokens, or a tool call."""

    index: int
    tokens: list[str]
    call: dict[str, Any] | None
    finish_reason: str


def create(request: Request) -> Reply:
    """Answer `POST /chat/completions`, whole or streamed."""
    model = request.model
    messages = request.objects("messages")
    data = request.data
    prompt = text.plain(messages[-1].get("content"))
    choices = [_choice(request, prompt, index) for index in range(request.number_of("n") or 1)]
    usage = _usage(messages, choices)
    head = {"id": request.id("chatcmpl-"), "created": CREATED, "model": model}
    tail = {"service_tier": "default", "system_fingerprint": "fp_offline"}
    if data.get("stream"):
        options: dict[str, Any] = data.get("stream_options") or {}
        billed = usage if options.get("include_usage") else None
        frame = {**head, "object": "chat.completion.chunk", **tail}
        return Reply(chunks=list(_chunks(frame, choices, billed)), pause=request.pause)
    whole = {**head, "object": "chat.completion", "choices": [_whole(choice) for choice in choices]}
    return Reply(json={**whole, "usage": usage, **tail})


def _choice(request: Request, prompt: str, index: int) -> Choice:
    data = request.data
    tool = tools.wanted(data.get("tools"), data.get("tool_choice"))
    if tool is not None:
        return Choice(index, [], tools.call(request.id("call_", index), tool), "tool_calls")
    content = request.content
    if content is None:
        content = tools.structured(data.get("response_format"))
    if content is None:
        content = text.answer(prompt, index)
    said = text.tokens(content)
    limit = request.number_of("max_completion_tokens") or request.number_of("max_tokens")
    if limit is not None and limit < len(said):
        return Choice(index, said[:limit], None, "length")
    return Choice(index, said, None, "stop")


def _whole(choice: Choice) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": "".join(choice.tokens)}
    if choice.call is not None:
        message |= {"content": None, "tool_calls": [choice.call]}
    return {
        "index": choice.index,
        "message": {**message, "refusal": None, "annotations": []},
        "logprobs": None,
        "finish_reason": choice.finish_reason,
    }


def _chunks(frame: dict[str, Any], choices: list[Choice], usage: dict[str, Any] | None) -> Iterator[bytes]:
    billed = {} if usage is None else {"usage": None}
    for choice in choices:
        for delta in (*_deltas(choice), None):
            part = {
                "index": choice.index,
                "delta": delta or {},
                "logprobs": None,
                "finish_reason": choice.finish_reason if delta is None else None,
            }
            yield sse({**frame, "choices": [part], **billed})
    if usage is not None:
        yield sse({**frame, "choices": [], "usage": usage})
    yield sse("[DONE]")


def _deltas(choice: Choice) -> Iterator[dict[str, Any]]:
    if choice.call is None:
        yield {"role": "assistant", "content": "", "refusal": None}
        for token in choice.tokens:
            yield {"content": token}
        return
    function = choice.call["function"]
    opening = {**choice.call, "index": 0, "function": {**function, "arguments": ""}}
    yield {"role": "assistant", "content": None, "tool_calls": [opening], "refusal": None}
    for token in text.tokens(function["arguments"]):
        yield {"tool_calls": [{"index": 0, "function": {"arguments": token}}]}


def _usage(messages: list[dict[str, Any]], choices: list[Choice]) -> dict[str, Any]:
    prompt = sum(4 + text.count(text.plain(message.get("content"))) for message in messages)
    completion = sum(
        text.count(choice.call["function"]["arguments"]) if choice.call else len(choice.tokens)
        for choice in choices
    )
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
