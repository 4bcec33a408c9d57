"""Size of a prompt and of its answer, to estimate tokens."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

BYTES_PER_TOKEN = 4
"""Bytes of English or code per token, for estimates of what was used."""
WARY_BYTES_PER_TOKEN = 2
"""The same for estimates of what may be used, on the safe side for most texts."""
MEDIA_TOKENS = 1500
"""Tokens counted for an image or file in a prompt, whatever its size."""
MESSAGE_TOKENS = 8
"""Tokens that each message adds to its text."""

_ASCII = bytes(range(128))


class Size:
    """How large a prompt is, and how large its answer may be, for estimates of their tokens.

    Attributes:
        ascii, foreign: Bytes of text, in ASCII and beyond.
        counted: Tokens of images, sounds and files.
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
        """Return the most tokens that the answer may have: the request's limit, else *default*, times the choices."""
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
        """Add the texts and media in a JSON value, or in what replaces it when it is sent."""
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
        if "type" in members and is_media_part(members):
            self.counted += MEDIA_TOKENS
            return
        if "role" in members:
            self.counted += MESSAGE_TOKENS
        for item in members.values():
            self.add(item)


def is_media_part(members: Mapping[str, Any]) -> bool:
    """Return whether a part of a message is an image, a sound or a file."""
    kind = members.get("type")
    return isinstance(kind, str) and kind.endswith(("image_url", "image", "audio", "file"))
