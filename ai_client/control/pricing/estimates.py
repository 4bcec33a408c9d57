"""Estimated tokens: of a request before it is sent, and of a stream that broke off before it reported usage."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from pydantic_core import from_json

from ..._call.call import Call
from ..._call.chat_report import service_tier_of
from ..._call.report import count_tool
from ..._call.size import BYTES_PER_TOKEN, Size
from ..._call.usage import UNKNOWN, Usage
from ...errors import members_of
from ..asked import LIMITS, MULTIPLIERS, answers_in, count_in, endpoint_of, given_in
from .billed import RUNS
from .prompt import MESSAGE_TOKENS, add_body, add_content, add_unseen, is_media

FRAME_BYTES = 64
"""Bytes of a request around its prompt."""
_SHORT = 512
"""Bytes below which a request is measured by its texts, as what is around them would decide the result."""
DEFAULT_OUTPUT_TOKENS = 4096
"""Tokens assumed for an answer without a limit."""

DEFAULT_UNSEEN_TOKENS = 32_000
"""Tokens assumed for each thing that a request refers to without holding it."""
DEFAULT_TOOL_CALLS = 16
"""Calls of a provider's tool assumed for a request without a limit."""

_VECTORS = ("/embeddings", "/moderations")
_LISTS = (list, tuple)
_RESPONSES = "/responses"
_TOOLS = frozenset({"tools", "web_search_options"})
_ABOUT_ANSWER = frozenset({*LIMITS, *MULTIPLIERS, "prompt"})
"""Members that decide how long the answers may be, and how many there are."""
_REFERS = frozenset({"previous_response_id", "conversation", "prompt", "input", "assistant_id"})
"""Members that may make a request refer to what it does not hold."""
_RUN = re.compile(rf"/{RUNS}$")


def text_tokens(text: str, per_token: int = BYTES_PER_TOKEN) -> int:
    """Estimate the tokens of a text from its bytes; scripts other than Latin have fewer bytes per token."""
    size = Size()
    size.add_text(text)
    return size.tokens(per_token)


def size_of(call: Call) -> Size:
    """Measure a request, once for all policies.

    A long prompt of text only is measured by the bytes of the encoded request, which is needed anyway: the names and
    brackets in it amount to about what messages cost besides their text.
    """
    body = call.members()  # which forgets the size of a body that the call had before
    size = call.size
    if size is None:
        content = call.encoded() if call.files is None and _is_all_text(body) else b""
        if len(content) < _SHORT:
            size = size_of_prompt(body, is_form=call.files is not None)
        else:
            size = Size()
            size.add_bytes(content)
            size.ascii = max(0, size.ascii - FRAME_BYTES)
        if call.path.endswith(_RESPONSES):
            size.counted += MESSAGE_TOKENS * (isinstance(body.get("input"), str) + ("instructions" in body))
        if not _REFERS.isdisjoint(body):
            add_unseen(size, body, is_run=_RUN.search(endpoint_of(call.path)) is not None)
        if call.path.endswith(_VECTORS):
            size.limit = 0
        elif not _ABOUT_ANSWER.isdisjoint(body):
            _limit(size, call.path, body)
        call.size = size
    return size


def _limit(size: Size, path: str, body: Mapping[str, Any]) -> None:
    limits = [
        limit for name in LIMITS if name in body and (limit := count_in(given_in(body, name))) is not None
    ]
    size.limit = max(limits, default=None)
    size.choices = max(1, answers_in(path, body) or 1)


def add_tools_asked(usage: Usage, call: Call) -> None:
    """Add the most calls of the provider's tools that a request allows, of those that are charged by the call."""
    body = call.members()
    if _TOOLS.isdisjoint(body):
        return
    tools: Any = body.get("tools")
    asked = cast("Sequence[Any]", tools) if isinstance(tools, list | tuple) else ()
    kinds = {str(members_of(tool).get("type")) for tool in asked}
    limit = body.get("max_tool_calls")
    count = limit if type(limit) is int and limit >= 0 else DEFAULT_TOOL_CALLS
    if "web_search_options" in body:
        usage.web_searches = 1
    for kind in kinds:
        if kind.startswith("web_search"):
            usage.web_searches = count
        elif kind == "file_search":
            usage.file_searches = count
        elif kind == "code_interpreter":
            usage.code_runs = count


def size_of_prompt(body: Mapping[str, Any], *, is_form: bool = False) -> Size:
    """Measure what a model reads of a request body; of a form, only its texts."""
    size = Size()
    add_body(size, body, is_form=is_form)
    return size


def input_tokens(call: Call) -> int:
    """Estimate the tokens of a request's prompt."""
    return size_of(call).tokens()


def prompt_tokens(body: Mapping[str, Any], *, is_form: bool = False) -> int:
    """Estimate the tokens of the prompt in a request body; of a form, only those of its texts."""
    return size_of_prompt(body, is_form=is_form).tokens()


def _is_all_text(body: Mapping[str, Any]) -> bool:
    """Return whether the prompt has no media and no token ids; the texts themselves are not read."""
    prompt = body.get("messages")
    if prompt is None:
        prompt = body.get("input", body.get("prompt"))
    return prompt is not None and _is_text(prompt)


def _is_text(value: Any) -> bool:
    if isinstance(value, _LISTS):
        for item in cast("Sequence[Any]", value):
            if type(item) is str:
                continue
            if item.__class__ is dict and type(item.get("content")) is str:
                continue  # nearly all are
            if not _is_text(item):
                return False
        return True
    if isinstance(value, dict | Mapping):
        members = cast("Mapping[str, Any]", value)
        if "type" in members and is_media(members):
            return False
        return all(_is_text(members.get(name) or "") for name in ("content", "output", "outputs"))
    if hasattr(value, "model_dump"):  # an item of an earlier answer
        return _is_text(vars(value))
    return not isinstance(value, int | float)


def message_tokens(message: Any, model: object = None) -> int:
    """Estimate the tokens of one message of a conversation, for the *model* that reads it."""
    size = Size()
    add_content(size, message, model)
    return size.tokens()


def from_events(call: Call, events: Sequence[bytes]) -> Usage:
    """Estimate the usage of a stream that ended before it reported any, from the text received so far."""
    if not events:
        return UNKNOWN
    model: str | None = None
    output = 0
    usage = Usage("estimated", input_tokens(call))
    for data in events:
        try:
            event: Any = from_json(data)
        except ValueError:
            continue
        members = members_of(event)
        model = model or members.get("model")
        output += _said(members)
        usage.service_tier = usage.service_tier or service_tier_of(members)
        if members.get("type") == "response.output_item.done":
            count_tool(usage, members_of(members.get("item")))
    usage.model = model if isinstance(model, str) else None
    usage.output = -(-output // BYTES_PER_TOKEN)
    return usage


def _said(event: Mapping[str, Any]) -> int:
    """Count the bytes of text and tool arguments in a stream event of any endpoint."""
    delta = event.get("delta")
    if isinstance(delta, str):
        return len(delta.encode())
    choices: Any = event.get("choices")
    if not isinstance(choices, list):
        return 0
    parts = (members_of(choice) for choice in cast("list[Any]", choices))
    return sum(_text_in(part.get("delta")) + _text_in(part.get("text")) for part in parts)


def _text_in(value: Any) -> int:
    if isinstance(value, str):
        return len(value.encode())
    if isinstance(value, list):
        return sum(_text_in(inner) for inner in cast("list[Any]", value))
    members = members_of(value)
    return sum(_text_in(inner) for name, inner in members.items() if name not in {"role", "id", "type"})
