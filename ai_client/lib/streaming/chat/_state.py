"""The state of a streamed completion: chunks in, events and snapshots out, without I/O."""

from collections.abc import Iterable, Mapping
from typing import Any, Generic, TypeVar, cast

from ...._models.construct import construct
from ...._params.omit import Omit, omit
from ....errors import StreamStateError
from ....types.chat import ChatCompletionChunk, ParsedChatCompletion
from ..._parsing._chat import UNFINISHED, parse_chat_completion, refuse_unfinished
from ..._schema import requested_format
from ..._tools import Tools, given_tools
from ._choice import ChoiceState
from ._events import ChatCompletionStreamEvent, ChunkEvent

T = TypeVar("T")

_CHUNK = "chat.completion.chunk"
_LATEST = ("usage", "system_fingerprint", "moderation")
_NOT_KEPT = {"choices", "obfuscation", *_LATEST}


class ChatCompletionStreamState(Generic[T]):
    """Accumulates the chunks of one streamed completion.

    `chat.completions.stream` uses one; it also works on its own with the chunks of `create(stream=True)`.

    Args:
        response_format: The type of the text, if any.
        input_tools: The tools of the call, to parse their arguments.
    """

    def __init__(
        self,
        *,
        input_tools: Iterable[Mapping[str, Any]] | Omit = omit,
        response_format: "type[T] | Mapping[str, Any] | Omit" = omit,
    ) -> None:
        self._form = requested_format(response_format)
        self._tools = Tools(given_tools(input_tools) or ())
        self._must_be_whole = self._form is not None or self._tools.parseable
        self._base: dict[str, Any] | None = None
        self._choices: dict[int, ChoiceState] = {}
        self._snapshot: ParsedChatCompletion[object] | None = None

    def handle_chunk(self, chunk: ChatCompletionChunk) -> "list[ChatCompletionStreamEvent[T]]":
        """Process a chunk; return the events that it causes.

        Raises:
            LengthFinishReasonError: A choice to be parsed was cut off by the token limit.
            ContentFilterFinishReasonError: The content filter stopped it.
            pydantic.ValidationError: A completed text or arguments do not match their type.
        """
        if chunk.object != _CHUNK:  # Azure's content filter sends other objects
            return []
        self._snapshot = None
        self._add_base(chunk)
        deltas = [self._add(choice) for choice in chunk.choices or ()]
        events: list[Any] = [
            ChunkEvent.of(
                {"type": "chunk", "chunk": chunk}, {"snapshot": lambda: self.current_completion_snapshot}
            )
        ]
        for choice, delta in zip(chunk.choices or (), deltas, strict=True):
            events.extend(self._choices[choice.index].events(choice, delta))
        return cast("list[ChatCompletionStreamEvent[T]]", events)

    @property
    def current_completion_snapshot(self) -> ParsedChatCompletion[object]:
        """The completion so far, with partial texts decoded.

        Raises:
            StreamStateError: No chunk has arrived yet.
        """
        if self._snapshot is None:
            self._snapshot = self._completion(parse=True)
        return self._snapshot

    def get_final_completion(self) -> ParsedChatCompletion[T]:
        """Return the whole completion, parsed; to be called after the end of the stream.

        Raises:
            LengthFinishReasonError: The completion was cut off by the token limit.
            ContentFilterFinishReasonError: The content filter stopped it.
            pydantic.ValidationError: The text does not match its type.
            StreamStateError: No chunk has arrived, or what has arrived makes no completion.
        """
        try:
            return parse_chat_completion(self._completion(parse=False), self._form, self._tools)
        except (AttributeError, TypeError, LookupError) as error:
            raise StreamStateError("The chunks of the stream make no completion.") from error

    def _add_base(self, chunk: ChatCompletionChunk) -> None:
        if self._base is None:
            data = chunk.model_dump(exclude_unset=True, by_alias=True, warnings=False, exclude=_NOT_KEPT)
            self._base = {"system_fingerprint": None, **data, "object": "chat.completion"}
        for name in _LATEST:
            if (value := getattr(chunk, name, None)) is not None:
                self._base[name] = value

    def _add(self, choice: Any) -> dict[str, Any]:
        state = self._choices.get(choice.index)
        if state is None:
            state = self._choices[choice.index] = ChoiceState(self._form, self._tools)
        delta = state.add(choice)
        if choice.finish_reason in UNFINISHED and self._must_be_whole:
            refuse_unfinished(choice.finish_reason, self._completion(parse=True))
        return delta

    def _completion(self, *, parse: bool) -> ParsedChatCompletion[Any]:
        if self._base is None:
            raise StreamStateError(
                "The stream has not sent a chunk of a completion, so there is no snapshot."
            )
        choices = [self._choices[index].choice(index, parse=parse) for index in sorted(self._choices)]
        return cast(
            "ParsedChatCompletion[Any]", construct(ParsedChatCompletion, {**self._base, "choices": choices})
        )
