"""Folding pieces of JSON objects into a whole."""

from typing import Any

from ai_client.lib.streaming._accumulate import Text, entry_at, fold, plain


def whole(*pieces: dict[str, Any]) -> Any:
    """Fold pieces, and give the whole as plain JSON."""
    result: dict[str, Any] = {}
    for piece in pieces:
        fold(result, piece)
    return plain(result)


def test_texts_continue() -> None:
    """Texts of one name are joined, at any depth."""
    assert whole({"a": "x", "b": {"c": "1"}}, {"a": "y", "b": {"c": "2"}}) == {"a": "xy", "b": {"c": "12"}}


def test_names_and_numbers_are_replaced() -> None:
    """What names or counts is taken from the latest piece, and null changes nothing."""
    first = {"role": "a", "id": "1", "type": "t", "n": 1, "on": True, "text": None}
    assert whole(first, {"role": "b", "id": "1", "type": "t", "n": 2, "on": False, "text": None}) == {
        "role": "b",
        "id": "1",
        "type": "t",
        "n": 2,
        "on": False,
        "text": None,
    }
    assert whole({"a": "x"}, {"a": None}) == {"a": "x"}
    assert whole({"a": None}, {"a": "x"}) == {"a": "x"}
    assert whole({"id": "1", "role": "a"}, {"id": "", "role": ""}) == {"id": "1", "role": "a"}
    assert whole({"id": None}, {"id": ""}) == {"id": ""}


def test_lists() -> None:
    """Entries with an index merge, also within one piece and out of order; others are added at the end."""
    assert whole(
        {"a": [{"index": 1, "t": "x"}, {"index": 1, "t": "y"}]}, {"a": [{"index": 0, "t": "z"}]}
    ) == {"a": [{"index": 0, "t": "z"}, {"index": 1, "t": "xy"}]}
    assert whole({"a": [1]}, {"a": [2, "x"]}, {"a": [{"t": 1}]}) == {"a": [1, 2, "x", {"t": 1}]}


def test_a_change_of_kind() -> None:
    """A piece of another kind than before replaces what was there."""
    assert whole({"a": "x"}, {"a": {"b": 1}}, {"a": [1]}, {"a": "y"}) == {"a": "y"}
    assert whole({"a": 1}, {"a": "x"}) == {"a": "x"}


def test_pieces_are_left_alone() -> None:
    """Folding changes neither the pieces nor what was given out before."""
    first: dict[str, Any] = {"a": {"b": ["x"]}, "c": [{"index": 0, "d": {"e": "f"}}]}
    result: dict[str, Any] = {}
    fold(result, first)
    shown = plain(result)
    fold(result, {"a": {"b": ["y"]}, "c": [{"index": 0, "d": {"e": "g"}}]})
    assert first == shown == {"a": {"b": ["x"]}, "c": [{"index": 0, "d": {"e": "f"}}]}


def test_entries_are_found_by_index() -> None:
    """An entry is found wherever it stands."""
    entries = [{"index": 0, "a": 1}, {"index": 3, "a": 2}]
    assert entry_at(entries, 3) == {"index": 3, "a": 2}
    assert entry_at(entries, 1) is None


def test_text() -> None:
    """A text gives itself whole and as it was, and is joined at most once between two pieces."""
    text = Text("ab")
    assert (str(Text()), len(Text()), bool(Text(""))) == ("", 0, False)
    for piece in "cde":
        text.append(piece)
    assert (len(text), text.upto(3), str(text)) == (5, "abc", "abcde")
    once, again = str(text), str(text)
    assert once is again
    text.append("f")
    assert (str(text), text.upto(2)) == ("abcdef", "ab")
