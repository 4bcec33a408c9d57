"""The conversation in the content of a call: who said what, as text."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, cast

_MOST = 400
"""Turns that are shown; the JSON has all of them."""
_TEXTS = ("text", "refusal", "summary_text", "input_text", "output_text", "transcript")


class Utterance(NamedTuple):
    """Something that was said.

    Attributes:
        role: Who said it: `system`, `user`, `assistant`, or what a tool was asked and has returned.
        text: The text; what is no text stands there by its kind, in brackets.
        answered: Whether it is of the answer.
    """

    role: str
    text: str
    answered: bool


def conversation_of(request: Any, answer: Any) -> list[Utterance]:
    """Return the turns of a call of chat completions, Responses or completions; none where it is anything else."""
    asked = _members(request)
    found: list[Utterance] = []
    for role, text in _asked(asked):
        found.append(Utterance(role, text, answered=False))
    if not found:
        return []
    for role, text in _answered(answer):
        found.append(Utterance(role, text, answered=True))
    kept = [turn for turn in found if turn.text.strip()]
    return kept if len(kept) <= _MOST else [*kept[: _MOST // 2], *kept[-_MOST // 2 :]]


def _asked(request: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if isinstance(instructions := request.get("instructions"), str):
        yield "instructions", instructions
    for member in ("messages", "input"):
        said = request.get(member)
        if isinstance(said, str):
            yield "user", said
        for item in _items(said):
            yield from _item(item)
    if isinstance(prompt := request.get("prompt"), str):
        yield "user", prompt


def _answered(answer: Any) -> Iterator[tuple[str, str]]:
    if isinstance(answer, str):
        yield "assistant", answer
    members = _members(answer)
    for choice in map(_members, _items(members.get("choices"))):
        if isinstance(text := choice.get("text"), str):
            yield "assistant", text
        if message := _members(choice.get("message")):
            yield from _item({"role": "assistant", **message})
    output = members.get("output")
    for item in _items(output):
        yield from _item(item, role="assistant")
    for name in ("output_text", "text") if not output else ():
        if isinstance(text := members.get(name), str):
            yield "assistant", text


def _item(given: Any, role: str = "user") -> Iterator[tuple[str, str]]:
    """Yield what a message, a call of a tool or its result says."""
    if isinstance(given, str):
        yield role, given
        return
    item = _members(given)
    kind, name = item.get("type"), item.get("name")
    if "arguments" in item or "function" in item:
        inner = _members(item.get("function")) or item
        yield "tool call", f"{inner.get('name', 'tool')}({_as_text(inner.get('arguments', ''))})"
        return
    if "output" in item:
        yield "tool result", _as_text(item["output"])
        return
    said = str(item.get("role") or role)
    for member in ("reasoning_content", "reasoning"):
        if isinstance(reasoning := item.get(member), str):
            yield f"{said}, reasoning", reasoning
    text = _content(item.get("content"))
    if kind == "reasoning":
        text, said = text or _content(item.get("summary")), f"{role}, reasoning"
    elif not text and kind not in {None, "message"} and "content" not in item:
        text = f"[{kind}]"
    if isinstance(refusal := item.get("refusal"), str):
        text = f"{text}\n{refusal}".strip()
    if text:
        yield f"{said} {name}" if isinstance(name, str) and name else said, text
    for call in _items(item.get("tool_calls")):
        yield from _item(call)


def _content(content: Any) -> str:
    """Return the text of a message's content: a text, or a list of parts."""
    if isinstance(content, str):
        return content
    parts: list[str] = []
    for part in _items(content):
        members = _members(part)
        texts = [text for name in _TEXTS if isinstance(text := members.get(name), str)]
        if isinstance(part, str):
            texts = [part]
        parts.append("\n".join(texts) or f"[{members.get('type', 'part')}]")
    return "\n".join(parts)


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else _content(value) or json.dumps(value, ensure_ascii=False)


def _members(value: Any) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def _items(value: Any) -> Sequence[Any]:
    return cast("Sequence[Any]", value) if isinstance(value, list | tuple) else ()
