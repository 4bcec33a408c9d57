"""Rows of reports as text: CSV, JSON lines and a table for a terminal."""

import csv
import dataclasses
import io
import json
import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, cast

_FORMULA = re.compile(r"(?:^|(?<=[;,|\t\r\n]))(?='*(?:[\t\r\n]|[\s\"]*[=+\-@\uff1d\uff0b\uff0d\uff20]))")
"""Where a formula might begin: at the beginning, and behind what some spreadsheet takes for the end of a cell."""


def as_csv(rows: Iterable[Any], of: type | None = None) -> str:
    """Return rows as CSV with a line of column names; lines end in CR LF, as RFC 4180 says.

    Numbers are written in full, times in ISO 8601, and what is unknown is left empty. An apostrophe stands wherever a
    spreadsheet might take a text for a formula, which shows it as text.

    Args:
        rows: The rows.
        of: Their dataclass, whose columns are named where there are no rows.
    """
    out = io.StringIO(newline="")
    found = [columns(row) for row in rows]
    names = _names(found) or ([] if of is None else _fields(of))
    writer = csv.writer(out, lineterminator="\r\n")
    if names:
        writer.writerow([_text_in_csv(name) for name in names])
    for row in found:
        writer.writerow([_in_csv(row.get(name)) for name in names])
    return out.getvalue()


def as_json_lines(rows: Iterable[Any]) -> str:
    """Return rows as JSON, one object a line; numbers are exact, times in ISO 8601, and what is unknown is `null`."""
    return "".join(f"{_json(columns(row))}\n" for row in rows)


def as_table(rows: Iterable[Any]) -> str:
    """Return rows as a table for a terminal: numbers to the right, no control characters, `-` for what is unknown."""
    found = [columns(row) for row in rows]
    names = _names(found)
    if not names:
        return ""
    cells = [[_in_table(row.get(name)) for name in names] for row in found]
    right = [_is_numeric([row.get(name) for row in found]) for name in names]
    lines = [list(names), *cells]
    widths = [max(_width(line[at]) for line in lines) for at in range(len(names))]
    return "".join(
        "  ".join(
            _padded(cell, width, right=is_number)
            for cell, width, is_number in zip(line, widths, right, strict=True)
        ).rstrip()
        + "\n"
        for line in lines
    )


def columns(row: Any) -> dict[str, Any]:
    """Return the values of a row by column.

    The columns are the fields of its dataclass, in order; those of a mapping among them, such as the labels of usage,
    stand in its place. USD are exact where the row knows its amount in 10^-9 USD.
    """
    known: Callable[[], Mapping[str, Any]] = getattr(row, "_exact", dict[str, Any])
    exact = known()
    found: dict[str, Any] = {}
    for field in dataclasses.fields(row):
        value: Any = getattr(row, field.name)
        if isinstance(value, Mapping):
            found |= _members(value)
        elif field.name == "nano_usd":
            found["usd"] = None if value is None else usd(value)
        else:
            found[field.name] = exact.get(field.name, value)
    return found


def usd(nano_usd: int) -> Decimal:
    """Return an amount in 10^-9 USD as USD, exactly, whatever the precision of the current context is."""
    return Decimal(f"{nano_usd}e-9")


def _members(given: Any) -> dict[str, Any]:
    """Return a mapping with names that are text."""
    return {str(name): value for name, value in cast("Mapping[Any, Any]", given).items()}


def json_of(value: Any) -> str:
    """Return any value of a row, or a mapping of them, as JSON."""
    return _json(value)


def _names(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the names of all columns in the order of their first occurrence."""
    return list(dict.fromkeys(name for row in rows for name in row))


def _fields(of: type) -> list[str]:
    """Return the names of the columns of a dataclass without mappings, as `columns` has them."""
    names = (field.name for field in dataclasses.fields(of))
    return list(dict.fromkeys("usd" if name == "nano_usd" else name for name in names))


def _plain(value: Any) -> Any:
    """Return a value as text, a number, a truth value or `None`; of a sequence or a mapping, its parts."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, list | tuple | set | frozenset):
        return list(cast("Iterable[Any]", value))
    if dataclasses.is_dataclass(value):
        return columns(value)
    if isinstance(value, Mapping):
        return _members(value)
    if value is None or isinstance(value, bool | int | float | Decimal | str):
        return value
    return str(value)


def _number(value: Any) -> str:
    """Return a number in full, without an exponent; nothing for one that is no number."""
    if isinstance(value, float):
        if not math.isfinite(value):
            return ""
        value = Decimal(repr(value))
    if not isinstance(value, Decimal):
        return str(value)
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _is_numeric(values: Sequence[Any]) -> bool:
    """Return whether a column has numbers alone."""
    known = [value for value in values if value is not None]
    return bool(known) and all(map(_is_number, known))


def _text(value: Any) -> str:
    """Return any value that is no number as text that can be encoded."""
    plain = _plain(value)
    text = plain if isinstance(plain, str) else _json(plain)
    return text.encode(errors="replace").decode()


def _text_in_csv(value: Any) -> str:
    return _FORMULA.sub("'", _text(value))


def _in_csv(value: Any) -> str:
    if value is None:
        return ""
    return _number(value) if _is_number(value) else _text_in_csv(value)


def _json(value: Any) -> str:
    """Return a value as JSON; the library's encoder knows no exact decimals."""
    plain = _plain(value)
    if isinstance(plain, dict):
        members = [f"{json.dumps(name)}: {_json(inner)}" for name, inner in _members(plain).items()]
        return f"{{{', '.join(members)}}}"
    if isinstance(plain, list):
        return f"[{', '.join(map(_json, cast('list[Any]', plain)))}]"
    if _is_number(plain):
        return _number(plain) or "null"
    return json.dumps(plain)


def _in_table(value: Any) -> str:
    if value is None:
        return "-"
    return _number(value) if _is_number(value) else "".join(map(_visible, _text(value)))


def _visible(character: str) -> str:
    """Return a character as it is, or escaped where a terminal would obey it or break the line."""
    if unicodedata.category(character)[0] == "C" or character in "\u2028\u2029":
        return character.encode("unicode_escape").decode()
    return character


def _width(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(
        0 if unicodedata.combining(one) else 2 if unicodedata.east_asian_width(one) in "WF" else 1
        for one in text
    )


def _padded(text: str, width: int, *, right: bool) -> str:
    space = " " * (width - _width(text))
    return f"{space}{text}" if right else f"{text}{space}"
