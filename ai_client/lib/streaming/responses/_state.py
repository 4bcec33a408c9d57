"""The state of a streamed response: events of the API in, extended events out, without I/O."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Generic, TypeVar, cast

from ...._models.base import recast, with_fields
from ...._params.omit import Omit, omit
from ....errors import StreamStateError
from ....types.responses.parsed_response import ParsedResponse
from ..._parsing._responses import parse_response, parse_text
from ..._schema import Format, requested_format
from ..._tools import Tools, given_tools
from .._accumulate import Text
from ._events import (
    ResponseCompletedEvent,
    ResponseFunctionCallArgumentsDeltaEvent,
    ResponseStreamEvent,
    ResponseTextDeltaEvent,
    ResponseTextDoneEvent,
)

T = TypeVar("T")

_TEXT_DELTA = (
    "content_index",
    "delta",
    "item_id",
    "output_index",
    "sequence_number",
    "logprobs",
    "type",
)
_ARGUMENTS_DELTA = ("delta", "item_id", "output_index", "sequence_number", "type")


class _Item:
    """An output item and the texts and arguments streamed for it."""

    def __init__(self, item: Any) -> None:
        self.item = item
        self.phase: str | None = getattr(item, "phase", None)
        self.arguments = Text(getattr(item, "arguments", None) or "")
        self.texts: dict[int, Text] = {}
        if item.type == "message":
            for index, part in enumerate(item.content or ()):
                self.add_part(index, part)

    def add_part(self, index: int, part: Any) -> None:
        if getattr(part, "type", None) == "output_text":
            self.texts[index] = Text(part.text or "")


class ResponseStreamState(Generic[T]):
    """Accumulates the events of one streamed response.

    Args:
        text_format: The type of the texts, if any.
        input_tools: The tools of the call, to parse their arguments.
    """

    def __init__(
        self,
        *,
        input_tools: Iterable[Mapping[str, Any]] | Omit = omit,
        text_format: "type[T] | Omit" = omit,
    ) -> None:
        self._form: Format | None = requested_format(text_format)
        self._tools = Tools(given_tools(input_tools) or ())
        self._started = False
        self._items: dict[int, _Item] = {}
        self._done: dict[int, Any] = {}
        self._completed: ParsedResponse[T] | None = None
        self._handlers: dict[str, Callable[[Any], Any]] = {
            "response.created": self._with_output,
            "response.queued": self._with_output,
            "response.in_progress": self._with_output,
            "response.failed": self._with_output,
            "response.incomplete": self._with_output,
            "response.completed": self._complete,
            "response.output_item.added": self._add_item,
            "response.output_item.done": self._finish_item,
            "response.content_part.added": self._add_part,
            "response.output_text.delta": self._add_text,
            "response.output_text.done": self._finish_text,
            "response.function_call_arguments.delta": self._add_arguments,
        }

    def handle_event(self, event: Any) -> "list[ResponseStreamEvent[T]]":
        """Process an event of the API; return the events to show for it, at most one.

        Raises:
            StreamStateError: The event is inconsistent with those before it.
            pydantic.ValidationError: A completed text or arguments do not match their type.
        """
        if not self._started and event.type != "error":
            if event.type != "response.created":
                raise StreamStateError(f"Expected to have received `response.created` before `{event.type}`")
            self._started = True
            for index, item in enumerate(event.response.output or ()):
                self._items[index] = _Item(item)
        handler = self._handlers.get(event.type)
        shown = event if handler is None else handler(event)
        return [] if shown is None else [shown]

    def get_final_response(self) -> ParsedResponse[T]:
        """Return the whole response, parsed; to be called after the end of the stream.

        Raises:
            StreamStateError: The response was not completed: it failed, is incomplete, or the stream broke off.
        """
        if self._completed is None:
            raise StreamStateError("Didn't receive a `response.completed` event.")
        return self._completed

    def _with_output(self, event: Any) -> Any:
        """Add the output received so far to a failed or incomplete response that lacks it, an empty list to others."""
        response: Any = event.response
        if response.output is None:
            output: list[Any] = []
            if event.type in {"response.failed", "response.incomplete"}:
                known = {index: each.item for index, each in self._items.items()} | self._done
                output = [known[index] for index in sorted(known)]
            event = with_fields(event, response=with_fields(response, output=output))
        return cast("object", event)

    def _complete(self, event: Any) -> Any:
        response: Any = event.response
        if response.output is None:
            output = [self._done[index] for index in sorted(self._done)]
            response = with_fields(response, output=output)
        self._completed = parse_response(response, self._form, self._tools)
        return recast(cast("Any", ResponseCompletedEvent), event, response=self._completed)

    def _add_item(self, event: Any) -> Any:
        if event.item is None:
            return None
        if event.output_index in self._items:
            raise StreamStateError(f"Duplicate response output index {event.output_index}.")
        self._items[event.output_index] = _Item(event.item)
        return event

    def _finish_item(self, event: Any) -> Any:
        self._done[event.output_index] = event.item
        return event

    def _add_part(self, event: Any) -> Any:
        self._item(event).add_part(event.content_index, event.part)
        return event

    def _add_text(self, event: Any) -> Any:
        text = self._item(event).texts.setdefault(event.content_index, Text())
        text.append(event.delta)
        values = {name: getattr(event, name, None) for name in _TEXT_DELTA}
        return ResponseTextDeltaEvent.of(values, {"snapshot": partial(text.upto, len(text))})

    def _finish_text(self, event: Any) -> Any:
        parsed = parse_text(event.text, self._form, self._item(event).phase)
        return recast(cast("Any", ResponseTextDoneEvent), event, parsed=parsed)

    def _add_arguments(self, event: Any) -> Any:
        text = self._item(event).arguments
        text.append(event.delta)
        values = {name: getattr(event, name, None) for name in _ARGUMENTS_DELTA}
        return ResponseFunctionCallArgumentsDeltaEvent.of(values, {"snapshot": partial(text.upto, len(text))})

    def _item(self, event: Any) -> _Item:
        try:
            return self._items[event.output_index]
        except KeyError:
            raise StreamStateError(
                f"Received a content event for output index {event.output_index} before receiving its output item"
            ) from None
