"""Folds the pieces of a streamed answer into a whole, at a cost that grows with the pieces, not with the whole."""

from collections.abc import Mapping
from typing import Any, cast

_REPLACED = frozenset({"index", "type", "id", "role"})
"""Texts that name rather than tell: a piece that repeats one does not continue it."""


class Text:
    """A text that grows; it is joined only when it is read."""

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
        """Add a piece at the end."""
        self._pieces.append(piece)
        self._length += len(piece)

    def upto(self, length: int) -> str:
        """Give the text as it was when it had this length."""
        return str(self)[:length]


def fold(whole: dict[str, Any], piece: Mapping[str, Any]) -> None:
    """Add a piece to a decoded JSON object: texts and lists continue, objects merge, everything else is replaced.

    Entries of a list that have an `index` merge with the entry of that index. Texts become `Text`; `plain` gives them
    back.
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
        elif new != "" or old is None:  # some servers name a call once, and then by nothing
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
    """Give the entry of a folded list that has this `index`."""
    return next((entry for entry in reversed(entries) if entry.get("index") == index), None)


def plain(value: Any) -> Any:
    """Give a copy of what was folded with its texts as strings."""
    if isinstance(value, Text):
        return str(value)
    if isinstance(value, dict):
        return {key: plain(each) for key, each in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [plain(each) for each in cast("list[Any]", value)]
    return value
