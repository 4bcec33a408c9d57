"""Tokens that nobody has reported: what a request will need, and what a broken stream must have cost."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from pydantic_core import from_json

from ..errors import members_of
from .usage import UNKNOWN, Usage

if TYPE_CHECKING:
    from .call import Call

BYTES_PER_TOKEN = 4
"""What a token of English or code is worth, for estimates of what was used."""
WARY_BYTES_PER_TOKEN = 2
"""The same for estimates of what may be used, on the safe side for most texts."""
MEDIA_TOKENS = 1500
"""An image or file in a prompt, whatever its size in bytes."""
MESSAGE_TOKENS = 8
"""What each message costs beside its text."""
FRAME_BYTES = 64
"""What a request holds around its prompt."""
DEFAULT_OUTPUT_TOKENS = 4096
"""What an answer without a limit is taken to need."""

_ASCII = bytes(range(128))
_VECTORS = ("/embeddings", "/moderations")
_LIMITS = ("max_completion_tokens", "max_output_tokens", "max_tokens")
_ABOUT_ANSWER = frozenset({*_LIMITS, "n"})


def text_tokens(text: str, per_token: int = BYTES_PER_TOKEN) -> int:
    """Estimate the tokens of a text from its bytes, of which other scripts than English need fewer a token."""
    size = Size()
    size.add_text(text)
    return size.tokens(per_token)


class Size:
    """How large a prompt is, and how large its answer may be, for estimates of their tokens.

    Attributes:
        ascii, foreign: Bytes of text, in ASCII and beyond.
        counted: Tokens of what is no text.
        limit: The request's own limit of tokens in an answer, `None` where it has none.
        choices: How many answers it asks for.
    """

    __slots__ = ("ascii", "choices", "counted", "foreign", "limit")

    def __init__(self) -> None:
        self.ascii = 0
        self.foreign = 0
        self.counted = 0
        self.limit: int | None = None
        self.choices = 1

    def tokens(self, per_token: int = BYTES_PER_TOKEN) -> int:
        """Estimate the tokens."""
        tokens = self.counted - (-self.ascii // per_token)
        return tokens - (-self.foreign // min(per_token, 3)) if self.foreign else tokens

    def answer(self, default: int) -> int:
        """Give the most tokens that the answer may have: the request's own limit, else *default*, for each choice."""
        return (default if self.limit is None else self.limit) * self.choices

    def add_text(self, text: str) -> None:
        """Add a text."""
        if text.isascii():
            self.ascii += len(text)
        else:
            self.add_bytes(text.encode("utf-8", "replace"))

    def add_bytes(self, text: bytes) -> None:
        """Add an encoded text."""
        if not text.isascii():
            foreign = len(text.translate(None, _ASCII))
            self.foreign += foreign
            self.ascii -= foreign
        self.ascii += len(text)

    def add(self, value: Any) -> None:
        """Add what is in a JSON value, or will be in its place when it is sent."""
        if isinstance(value, str):
            self.add_text(value)
        elif isinstance(value, list | tuple):
            items = cast("Sequence[Any]", value)
            if items and isinstance(items[0], int):
                self.counted += len(items)
            else:
                for item in items:
                    self.add(item)
        elif isinstance(value, dict | Mapping):
            self._add_members(cast("Mapping[str, Any]", value))
        elif hasattr(value, "model_dump"):  # a message of an earlier answer
            self._add_members(value.model_dump(exclude_unset=True))
        elif value is not None:
            self.counted += 1

    def _add_members(self, members: Mapping[str, Any]) -> None:
        if "type" in members and _is_media(members):
            self.counted += MEDIA_TOKENS
            return
        if "role" in members:
            self.counted += MESSAGE_TOKENS
        for item in members.values():
            self.add(item)


def size_of(call: "Call") -> Size:
    """Measure a request, once however many policies ask; media count `MEDIA_TOKENS` each.

    A prompt of nothing but texts is measured by the bytes of the request, which are needed anyway: the names and
    brackets in it come to about what messages cost beside their text.
    """
    size = call.size
    if size is None:
        body = members_of(call.body)
        if call.files is not None or not _is_all_text(body):
            size = _size_of_prompt(body)
        else:
            size = Size()
            size.add_bytes(call.encoded())
            size.ascii = size.ascii - FRAME_BYTES if size.ascii > FRAME_BYTES else 0
        _limit(size, call.path, body)
        call.size = size
    return size


def _limit(size: Size, path: str, body: Mapping[str, Any]) -> None:
    if path.endswith(_VECTORS):
        size.limit = 0
        return
    if _ABOUT_ANSWER.isdisjoint(body):
        return
    for name in _LIMITS:
        if name in body and isinstance(value := body[name], int):
            size.limit = value
            break
    choices = body.get("n")
    if isinstance(choices, int) and choices > 0:
        size.choices = choices


def _size_of_prompt(body: Mapping[str, Any]) -> Size:
    size = Size()
    for name in ("messages", "input", "prompt", "instructions", "tools"):
        if name in body:
            size.add(body[name])
    return size


def input_tokens(call: "Call", per_token: int = BYTES_PER_TOKEN) -> int:
    """Estimate the tokens of a request's prompt."""
    return (call.size or size_of(call)).tokens(per_token)


def prompt_tokens(body: Mapping[str, Any], per_token: int = BYTES_PER_TOKEN) -> int:
    """Estimate the tokens of the prompt in a request's body, from its texts alone."""
    return _size_of_prompt(body).tokens(per_token)


def _is_all_text(body: Mapping[str, Any]) -> bool:
    """Tell whether there is a prompt, without media or tokens that are counted already; no text is looked at."""
    prompt = body.get("messages")
    if prompt is None:
        prompt = body.get("input", body.get("prompt"))
    return prompt is not None and _is_text(prompt)


def _is_text(value: Any) -> bool:
    if isinstance(value, list | tuple):
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
        if "type" in members and _is_media(members):
            return False
        return all(_is_text(members.get(name) or "") for name in ("content", "output"))
    return not isinstance(value, int | float)


def message_tokens(message: Any, per_token: int = BYTES_PER_TOKEN) -> int:
    """Estimate the tokens of one message of a conversation."""
    size = Size()
    size.add(message)
    return size.tokens(per_token)


def from_events(call: "Call", events: Sequence[bytes]) -> Usage:
    """Estimate the usage of a stream that ended before it reported any, from the text that had come."""
    if not events:
        return UNKNOWN
    model: str | None = None
    output = 0
    for data in events:
        try:
            event: Any = from_json(data)
        except ValueError:
            continue
        members = members_of(event)
        model = model or members.get("model")
        output += _said(members)
    named = model if isinstance(model, str) else None
    return Usage("estimated", input_tokens(call), -(-output // BYTES_PER_TOKEN), named)


def _said(event: Mapping[str, Any]) -> int:
    """Count the bytes of text and arguments in an event of any endpoint."""
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


def _is_media(members: Mapping[str, Any]) -> bool:
    kind = members.get("type")
    return isinstance(kind, str) and kind.endswith(("image_url", "image", "audio", "file"))
