"""Merge the deltas of a stream into a whole, in time linear in the deltas."""

from collections.abc import Mapping
from typing import Any, cast

_REPLACED = frozenset({"index", "type", "id", "role"})
"""Strings that identify: a delta replaces them instead of appending to them."""


class Text:
    """A growing text, joined only when it is read."""

    __slots__ = ("_length", "_pieces")

    def __init__(self, *pieces: str) -> None:
        self._pieces = list(pieces)
        self._length = sum(map(len, pieces))

    def __len__(self) -> int:
        return self._length

    def __str__(self) -> str:
        if len(self._pieces) > 1:
            self._pieces = ["".join(self._pieces)]
        return self._pieces[0] if self._pieces else ""

    def append(self, piece: str) -> None:
        """Append a piece."""
        self._pieces.append(piece)
        self._length += len(piece)

    def upto(self, length: int) -> str:
        """Return the first *length* characters: the text as it was at that length."""
        return str(self)[:length]


def fold(whole: dict[str, Any], piece: Mapping[str, Any]) -> None:
    """Merge a delta into a decoded JSON object: texts and lists are appended, objects merged, other values replaced.

    List entries with an `index` are merged into the entry of that index. Strings become `Text`; `plain`
    converts them back.
    """
    for key, new in piece.items():
        old = whole.get(key)
        if new is None:
            whole.setdefault(key, None)
        elif isinstance(new, list):
            entries = cast("list[Any]", old) if isinstance(old, list) else []
            whole[key] = _fold_list(entries, cast("list[Any]", new))
        elif isinstance(new, dict):
            target: dict[str, Any] = cast("dict[str, Any]", old) if isinstance(old, dict) else {}
            fold(target, cast("dict[str, Any]", new))
            whole[key] = target
        elif isinstance(new, str) and key not in _REPLACED:
            if isinstance(old, Text):
                old.append(new)
            else:
                whole[key] = Text(new)
        elif new != "" or old is None:  # some servers send an identifier once, and then an empty one
            whole[key] = new


def _fold_list(whole: list[Any], pieces: list[Any]) -> list[Any]:
    for piece in pieces:
        if not isinstance(piece, dict) or not isinstance(cast("dict[str, Any]", piece).get("index"), int):
            whole.append(piece)
            continue
        members = cast("dict[str, Any]", piece)
        entry = entry_at(whole, members["index"])
        if entry is None:
            entry = {}
            place = sum(1 for each in whole if each.get("index", -1) < members["index"])
            whole.insert(place, entry)
        fold(entry, members)
    return whole


def entry_at(entries: list[Any], index: int) -> dict[str, Any] | None:
    """Return the entry of a merged list with this `index`, or `None`."""
    return next((entry for entry in reversed(entries) if entry.get("index") == index), None)


def plain(value: Any) -> Any:
    """Return a copy of a merged value with each `Text` as a string."""
    if isinstance(value, Text):
        return str(value)
    if isinstance(value, dict):
        return {key: plain(each) for key, each in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [plain(each) for each in cast("list[Any]", value)]
    return value
