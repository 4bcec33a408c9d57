"""The state of one choice of a streamed completion, and the events that its deltas cause."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, cast

from ...._models.base import instance
from ...._models.construct import construct
from ....types.chat import ParsedChatCompletionMessage, ParsedChoice
from ....types.chat.chat_completion import ChoiceLogprobs
from ....types.chat.chat_completion_chunk import Choice as ChunkChoice
from ..._schema import Format
from ..._tools import Tools
from .._accumulate import Text, entry_at, fold, plain
from ._events import (
    ContentDeltaEvent,
    ContentDoneEvent,
    FunctionToolCallArgumentsDeltaEvent,
    FunctionToolCallArgumentsDoneEvent,
    LogprobsContentDeltaEvent,
    LogprobsContentDoneEvent,
    LogprobsRefusalDeltaEvent,
    LogprobsRefusalDoneEvent,
    RefusalDeltaEvent,
    RefusalDoneEvent,
)

_LOGPROBS: dict[str, tuple[Any, Any]] = {
    "content": (LogprobsContentDeltaEvent, LogprobsContentDoneEvent),
    "refusal": (LogprobsRefusalDeltaEvent, LogprobsRefusalDoneEvent),
}


class ChoiceState:
    """The accumulated deltas of one choice."""

    def __init__(self, form: Format | None, tools: Tools) -> None:
        self.finish_reason: str | None = None
        self._form = form
        self._tools = tools
        self._rest: dict[str, Any] = {}
        self._message: dict[str, Any] = {}
        self._logprobs: dict[str, list[Any] | None] | None = None
        self._done: set[str | int] = set()
        self._call: int | None = None  # index of the tool call in progress

    def add(self, choice: ChunkChoice) -> dict[str, Any]:
        """Merge a choice of a chunk; return its delta as plain data."""
        delta = choice.delta.model_dump(exclude_unset=True, by_alias=True, warnings=False)
        fold(self._message, delta)
        self.finish_reason = choice.finish_reason or self.finish_reason
        if choice.__pydantic_extra__:
            self._rest.update(choice.__pydantic_extra__)
        if choice.logprobs is not None:
            if self._logprobs is None:
                self._logprobs = dict.fromkeys(_LOGPROBS)
            for kind in _LOGPROBS:
                if tokens := getattr(choice.logprobs, kind):
                    self._logprobs[kind] = known = self._logprobs[kind] or []
                    known.extend(tokens)
        return delta

    def events(self, choice: ChunkChoice, delta: dict[str, Any]) -> Iterator[Any]:
        """Yield the events that a choice of a chunk causes; *delta* is what `add` returned for it."""
        yield from self._text_deltas(delta)
        calls = cast("list[dict[str, Any]]", delta.get("tool_calls") or [])
        for call in calls:
            yield from self._call_delta(call)
        if choice.logprobs is not None and self._logprobs:
            for kind, (event, _) in _LOGPROBS.items():
                known = self._logprobs[kind]
                if known and (tokens := getattr(choice.logprobs, kind)):
                    so_far = {"snapshot": partial(_first, known, len(known))}
                    yield event.of({"type": f"logprobs.{kind}.delta", kind: tokens}, so_far)
        if self.finish_reason:
            yield from self._content_done()
            yield from self._call_done()
        for call in calls:
            if call.get("index") != self._call:
                yield from self._content_done()
                yield from self._call_done()
            self._call = call.get("index")

    def choice(self, index: int, *, parse: bool) -> ParsedChoice[Any]:
        """Return the choice so far; with *parse*, its partial texts are decoded."""
        message: dict[str, Any] = plain(self._message)
        if parse:
            for call in message.get("tool_calls") or ():
                if function := call.get("function"):
                    name, arguments = function.get("name", ""), function.get("arguments") or ""
                    function["parsed_arguments"] = self._tools.parse_partial(name, arguments)
        made = cast("ParsedChatCompletionMessage[Any]", construct(ParsedChatCompletionMessage, message))
        if parse and self._form is not None and made.content and not made.refusal:
            made.parsed = self._form.partial(made.content)
        logprobs = None
        if self._logprobs:
            copied = {kind: known and list(known) for kind, known in self._logprobs.items()}
            logprobs = instance(ChoiceLogprobs, copied, set(copied))
        values = {"index": index, "finish_reason": self.finish_reason, "logprobs": logprobs, "message": made}
        return cast("ParsedChoice[Any]", construct(ParsedChoice, {**self._rest, **values}))

    def _text_deltas(self, delta: dict[str, Any]) -> Iterator[Any]:
        if (piece := delta.get("content")) is not None:
            values = {"type": "content.delta", "delta": piece, "parsed": None}
            text = cast("Text", self._message["content"])
            later: dict[str, Callable[[], Any]] = {"snapshot": partial(text.upto, len(text))}
            if self._form is not None and not self._message.get("refusal"):
                del values["parsed"]
                later["parsed"] = partial(_parsed, self._form, text, len(text))
            yield ContentDeltaEvent.of(values, later)
        if (piece := delta.get("refusal")) is not None:
            text = cast("Text", self._message["refusal"])
            so_far = {"snapshot": partial(text.upto, len(text))}
            yield RefusalDeltaEvent.of({"type": "refusal.delta", "delta": piece}, so_far)

    def _call_delta(self, delta: dict[str, Any]) -> Iterator[Any]:
        found = self._function(delta.get("index"))
        if found is None:
            return
        name, arguments = found
        length = len(arguments)
        yield FunctionToolCallArgumentsDeltaEvent.of(
            {
                "type": "tool_calls.function.arguments.delta",
                "name": name,
                "index": delta.get("index"),
                "arguments_delta": cast("dict[str, Any]", delta.get("function") or {}).get("arguments") or "",
            },
            {
                "arguments": partial(arguments.upto, length),
                "parsed_arguments": partial(_parsed_arguments, self._tools, name, arguments, length),
            },
        )

    def _content_done(self) -> Iterator[Any]:
        content, refusal = self._message.get("content"), self._message.get("refusal")
        if content and self._is_first("content"):
            text = str(content)
            parsed = self._form.decode(text) if self._form is not None and not refusal else None
            yield instance(
                cast("Any", ContentDoneEvent),
                {"type": "content.done", "content": text, "parsed": parsed},
                {"type", "content", "parsed"},
            )
        if refusal is not None and self._is_first("refusal"):
            yield RefusalDoneEvent(type="refusal.done", refusal=str(refusal))
        for kind, (_, event) in _LOGPROBS.items():
            known = (self._logprobs or {}).get(kind)
            if known is not None and self._is_first(f"logprobs.{kind}"):
                yield instance(event, {"type": f"logprobs.{kind}.done", kind: list(known)}, {"type", kind})

    def _call_done(self) -> Iterator[Any]:
        found = self._function(self._call)
        if found is None or self._call is None or not self._is_first(self._call):
            return
        name, arguments = found[0], str(found[1])
        values = {
            "type": "tool_calls.function.arguments.done",
            "name": name,
            "index": self._call,
            "arguments": arguments,
            "parsed_arguments": self._tools.parse(name, arguments),
        }
        yield instance(FunctionToolCallArgumentsDoneEvent, values, set(values))

    def _function(self, index: int | None) -> tuple[str, Text] | None:
        """Return name and arguments of the tool call with this index, or `None` where it is not a function's."""
        entry = None if index is None else entry_at(self._message.get("tool_calls") or [], index)
        if entry is None or (entry.get("type") or "function") != "function":
            return None
        function = cast("dict[str, Any]", entry.get("function") or {})
        return str(function.get("name") or ""), function.get("arguments") or Text()

    def _is_first(self, what: str | int) -> bool:
        if what in self._done:
            return False
        self._done.add(what)
        return True


def _first(items: list[Any], count: int) -> list[Any]:
    return items[:count]


def _parsed(form: Format, text: Text, length: int) -> object | None:
    return form.partial(text.upto(length))


def _parsed_arguments(tools: Tools, name: str, text: Text, length: int) -> object | None:
    return tools.parse_partial(name, text.upto(length))
