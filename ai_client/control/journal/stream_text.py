"""The answer of a stream, put together from its events."""

import re
from collections.abc import Callable, Mapping
from typing import Any, cast

from pydantic_core import from_json

from ...errors import members_of

MOST = 64 * 1024
"""The most characters that are kept of an answer."""
_AT_ONCE = 16 * 1024
"""Bytes of events that are kept until they are read."""
_ENDS = frozenset({"response.completed", "response.incomplete", "response.failed"})


class StreamText:
    """The text of a streamed answer, its calls of tools and why it ended, up to a bound."""

    __slots__ = ("_choices", "_events", "_is_cut", "_left", "_others", "_size", "_whole")

    def __init__(self) -> None:
        self._events: list[bytes] = []
        self._size = 0
        self._left = MOST
        self._is_cut = False
        self._choices: dict[int, dict[str, Any]] = {}
        self._others: dict[str, list[str]] = {}
        self._whole: Mapping[str, Any] | None = None

    def see(self, data: bytes) -> None:
        """Take the next event."""
        if self._is_cut:
            return
        self._events.append(data)
        self._size += len(data)
        if self._size >= _AT_ONCE:
            self._read()

    def answer(self) -> tuple[Any, bool]:
        """Return the answer, `None` where it has no text, and whether it was cut.

        That of the Responses API is the response itself where it came at the end and is not too large.
        """
        self._read()
        if self._whole is not None:
            return self._whole, False
        join = _cut if self._is_cut else "".join
        found: dict[str, Any] = {name: join(parts) for name, parts in self._others.items()}
        if self._choices:
            found["choices"] = [_choice(index, parts, join) for index, parts in sorted(self._choices.items())]
        return found or None, self._is_cut

    def _read(self) -> None:
        events, self._events, self._size = self._events, [], 0
        for data in events:
            try:
                self._add(members_of(from_json(data)), len(data))
            except ValueError:
                continue

    def _add(self, event: Mapping[str, Any], size: int) -> None:
        kind, delta = event.get("type"), event.get("delta")
        if kind in _ENDS and size <= MOST:
            self._whole = members_of(event.get("response")) or None
        elif isinstance(delta, str) and isinstance(kind, str):
            if (text := self._taken(delta)) is not None:
                name = (
                    "text" if kind.endswith(("text.delta", "refusal.delta")) else kind.removesuffix(".delta")
                )
                self._others.setdefault(name, []).append(text)
        elif isinstance(delta, Mapping):  # of a message in a thread
            for part in _listed(members_of(cast("object", delta)).get("content")):
                if (text := self._taken(members_of(part.get("text")).get("value"))) is not None:
                    self._others.setdefault("text", []).append(text)
        for choice in _listed(event.get("choices")):
            self._add_choice(choice)

    def _add_choice(self, choice: Mapping[str, Any]) -> None:
        index = choice.get("index", 0)
        if not isinstance(index, int) or (index not in self._choices and len(self._choices) >= _MOST_CHOICES):
            return
        parts = self._choices.setdefault(index, {})
        if isinstance(reason := choice.get("finish_reason"), str):
            parts["finish_reason"] = reason
        delta = members_of(choice.get("delta"))
        for name in ("content", "refusal", "reasoning_content", "reasoning"):
            if (text := self._taken(delta.get(name))) is not None:
                parts.setdefault(name, []).append(text)
        if (text := self._taken(choice.get("text"))) is not None:
            parts.setdefault("text", []).append(text)
        for call in _listed(delta.get("tool_calls")):
            tool = parts.setdefault("tool_calls", {}).setdefault(
                str(call.get("index", 0))[:_SHORT], {"name": "", "arguments": []}
            )
            function = members_of(call.get("function"))
            if isinstance(named := function.get("name"), str):
                tool["name"] = named[:_SHORT]
            if (text := self._taken(function.get("arguments"))) is not None:
                tool["arguments"].append(text)

    def _taken(self, text: object) -> str | None:
        """Return a piece of text if there is room for it."""
        if not isinstance(text, str) or not text or self._is_cut:
            return None
        self._left -= len(text)
        self._is_cut = self._left < 0
        return None if self._is_cut else text


_MOST_CHOICES = 128
_SHORT = 256


def _listed(value: object) -> list[Mapping[str, Any]]:
    return [members_of(one) for one in cast("list[object]", value)] if isinstance(value, list) else []


def _choice(index: int, parts: Mapping[str, Any], join: Callable[[list[str]], str]) -> dict[str, Any]:
    """Return a choice as it stands in an answer that is not streamed."""
    choice: dict[str, Any] = {"index": index}
    message: dict[str, Any] = {}
    for name, value in parts.items():
        if name == "tool_calls":
            tools = [{"name": one["name"], "arguments": join(one["arguments"])} for one in value.values()]
            message["tool_calls"] = [{"type": "function", "function": one} for one in tools]
        elif name == "text":
            choice["text"] = join(value)
        elif name == "finish_reason":
            choice["finish_reason"] = value
        else:
            message[name] = join(value)
    return {**choice, "message": message} if message else choice


def _cut(parts: list[str]) -> str:
    return without_last_word("".join(parts))


def without_last_word(text: str) -> str:
    """Return a text up to its last space; empty where it has none."""
    return text[: -len(last)] if (last := re.split(r"\s", text)[-1]) else text
