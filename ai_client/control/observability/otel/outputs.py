"""Messages of an answer in the form of the conventions, whole or put together from the events of a stream."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from ...._call.call import Reply
from ....errors import members_of
from .answers import ERROR, StreamEvents
from .messages import Message, chat_message
from .parts import Part, at, blob, item_parts, text
from .values import parsed

_MOST_CHOICES = 128
_MOST_CALLS = 1000


def messages_of(reply: Reply, reasons: Sequence[str]) -> list[Message]:
    """Return the messages of a whole answer, each with the reason why it ended."""
    content = reply.answer.content_if_read
    if not isinstance(content, bytes):
        return []
    return _with_reasons(_from(members_of(parsed(content))), reasons)


def streamed_messages(events: StreamEvents, reasons: Sequence[str]) -> list[Message]:
    """Return the messages of a stream, as far as it came."""
    found = _from(events.last_response()) or _from_events(events.kept)
    return _with_reasons(found, reasons)


def _with_reasons(messages: list[Message], reasons: Sequence[str]) -> list[Message]:
    for position, message in enumerate(messages):
        message["finish_reason"] = reasons[position] if position < len(reasons) else ERROR
    return messages


def _listed(value: Any) -> Sequence[Any]:
    return cast("Sequence[Any]", value) if isinstance(value, list | tuple) else ()


def _from(answer: Mapping[str, Any]) -> list[Message]:
    """Return the messages of an answer: one for each choice, one for all items of a response or all images."""
    if "choices" in answer:
        return [_choice(members_of(one)) for one in _listed(answer["choices"])]
    parts: list[Part] = []
    for one in _listed(answer.get("output")):
        parts += item_parts(members_of(one))
    for one in _listed(answer.get("data")):
        image = members_of(one)
        if isinstance(address := image.get("url"), str):
            parts.append(at("image", address))
        elif isinstance(data := image.get("b64_json"), str):
            parts.append(blob("image", None, data))
    if isinstance(said := answer.get("text"), str):  # of a transcription
        parts.append(text(said))
    return [{"role": "assistant", "parts": parts}] if parts else []


def _choice(choice: Mapping[str, Any]) -> Message:
    if isinstance(said := choice.get("text"), str):
        return {"role": "assistant", "parts": [text(said)]}
    message = members_of(choice.get("message"))
    made = chat_message(message)
    audio = members_of(message.get("audio"))
    if isinstance(data := audio.get("data"), str):
        made["parts"].append(blob("audio", None, data))
    return made


class _StreamedChoice:
    """A choice of a streamed chat or completion, put together from its deltas."""

    def __init__(self) -> None:
        self._texts: dict[str, list[str]] = {}
        self._calls: dict[int, dict[str, Any]] = {}

    def add(self, choice: Mapping[str, Any]) -> None:
        """Add a piece of it."""
        delta = members_of(choice.get("delta"))
        for name, said in (("content", choice.get("text")), *delta.items()):
            if isinstance(said, str):
                self._texts.setdefault(name, []).append(said)
        for position, one in enumerate(_listed(delta.get("tool_calls"))):
            self._add_call(position, members_of(one))
        if function := members_of(delta.get("function_call")):
            self._add_call(0, {"function": function})

    def _add_call(self, position: int, piece: Mapping[str, Any]) -> None:
        index = piece.get("index")
        index = index if isinstance(index, int) else position
        if index not in self._calls and len(self._calls) >= _MOST_CALLS:
            return
        call = self._calls.setdefault(index, {"id": None, "name": None, "arguments": []})
        called = members_of(piece.get("function")) or members_of(piece.get("custom"))
        call["id"] = call["id"] or piece.get("id")
        call["name"] = call["name"] or called.get("name")
        if isinstance(said := called.get("arguments", called.get("input")), str):
            call["arguments"].append(said)

    def message(self) -> Message:
        """Return the message so far."""
        whole: dict[str, Any] = {
            name: "".join(self._texts[name])
            for name in ("content", "refusal", "reasoning_content", "reasoning")
            if name in self._texts
        }
        whole["tool_calls"] = [
            {"id": one["id"], "function": {"name": one["name"], "arguments": "".join(one["arguments"])}}
            for _, one in sorted(self._calls.items())
        ]
        return chat_message({"role": "assistant", **whole})


def _from_events(events: Iterable[bytes]) -> list[Message]:
    """Return what the events of a stream say that has brought no whole answer."""
    choices: dict[int, _StreamedChoice] = {}
    parts: list[Part] = []
    said: list[str] = []
    for data in events:
        event = members_of(parsed(data))
        for one in _listed(event.get("choices")):
            choice = members_of(one)
            index = choice.get("index", 0)
            if isinstance(index, int) and 0 <= index < _MOST_CHOICES:
                choices.setdefault(index, _StreamedChoice()).add(choice)
        kind, delta = event.get("type"), event.get("delta")
        if kind == "response.output_item.done":
            parts += item_parts(members_of(event.get("item")))
            said.clear()
        elif kind in {"response.output_text.delta", "transcript.text.delta"} and isinstance(delta, str):
            said.append(delta)
    if choices:
        return [one.message() for _, one in sorted(choices.items())]
    if said:
        parts.append(text("".join(said)))
    return [{"role": "assistant", "parts": parts}] if parts else []
