"""Rows as CSV, JSON lines and tables: exact, and harmless in whatever opens them."""

import csv
import io
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, localcontext
from typing import Any

import pytest
from hypothesis import given, strategies as st

from ai_client.operations import UsageRow, as_csv, as_json_lines, as_table

WIDE = "\uff1d\uff0b\uff0d\uff20"
"""The signs that begin a formula in full width."""
STARTS = f"=+-@\t\r\n{WIDE}"
FORMULA = re.compile(rf"[\s\"]*[=+\-@\t\r\n{WIDE}]")


@dataclass
class Row:
    """A row with a value of each kind."""

    text: Any = "plain"
    number: Any = 1
    at: datetime | None = None
    flag: bool = False


def cells_of(text: str, delimiter: str = ",") -> list[list[str]]:
    """Return the cells as a spreadsheet reads them."""
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))


def usage_row(nano_usd: int | None, **labels: str | None) -> UsageRow:
    """Return a row of usage."""
    rest = dict.fromkeys(UsageRow.__slots__, 0)
    known = None if nano_usd is None else nano_usd / 1e9
    return UsageRow(**{**rest, "labels": labels, "nano_usd": nano_usd, "usd": known})  # type: ignore[arg-type]


@given(st.lists(st.text(), min_size=1, max_size=4), st.sampled_from(",;\t|"))
def test_no_cell_is_a_formula(texts: list[str], delimiter: str) -> None:
    """Whatever a label holds, and wherever a spreadsheet splits the lines, no cell of it begins like a formula."""
    written = as_csv([Row(text) for text in texts])
    for line in cells_of(written, delimiter):
        assert not [cell for cell in line if cell[:1] and cell[0] in STARTS]


@pytest.mark.parametrize("start", [*STARTS, " =", '"='])
@pytest.mark.parametrize("before", ["", "a;", "a,", "a\t", "a|", "a\n"])
def test_an_attack_is_text(start: str, before: str) -> None:
    """A formula at the beginning of a label, or behind a character that may split it, is text."""
    (_, (cell, *_)) = cells_of(as_csv([Row(f"{before}{start}cmd|' /C calc'!A0")]))
    assert not FORMULA.match(cell)
    assert cell.removeprefix(before).startswith("'")


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters=STARTS)))
def test_other_text_is_left_alone(text: str) -> None:
    """A text that no spreadsheet takes for a formula is written as it is."""
    (_, (cell, *_)) = cells_of(as_csv([Row(text)]))
    assert cell == text


@given(st.integers(-(2**70), 2**70))
def test_amounts_are_exact(amount: int) -> None:
    """USD are written with each of their 10^-9, and whole numbers with each of their digits, however large."""
    row = usage_row(amount, tenant="a")
    ((name, *_), (_, *cells)) = (line for line in cells_of(as_csv([row])))
    assert name == "tenant"
    assert [Decimal(cell) for cell in cells if "." in cell or cell.lstrip("-").isdigit()][1] * 10**9 == amount
    decoded = json.loads(as_json_lines([row]), parse_float=Decimal, parse_int=Decimal)
    assert decoded["usd"] * 10**9 == amount
    assert json.loads(as_json_lines([Row(number=amount)]))["number"] == amount


@given(st.lists(st.builds(Row, st.text(), st.integers() | st.floats(allow_nan=False, allow_infinity=False))))
def test_json_lines_are_exact(rows: list[Row]) -> None:
    """Each row is one line of JSON from which its values can be read again."""
    lines = as_json_lines(rows).splitlines()
    assert len(lines) == len(rows)
    for line, row in zip(lines, rows, strict=True):
        found = json.loads(line)
        number = type(row.number)(found["number"])
        assert (found["text"], number, found["at"], found["flag"]) == (
            row.text,
            row.number,
            None,
            False,
        )


def test_amounts_are_exact_in_every_context() -> None:
    """An application that computes with few digits gets every digit of an amount all the same."""
    with localcontext() as context:
        context.prec = 3
        assert ",123456789.123456789," in as_csv([usage_row(123_456_789_123_456_789)])


def test_what_is_unknown_is_not_zero() -> None:
    """An unknown cost is an empty cell, a null, and a dash."""
    row = usage_row(None, tenant=None)
    assert cells_of(as_csv([row]))[1][:3] == ["", "0", ""]
    found = json.loads(as_json_lines([row]))
    assert (found["tenant"], found["usd"]) == (None, None)
    assert as_table([row]).splitlines()[1].split()[:3] == ["-", "0", "-"]


def test_columns_are_stable() -> None:
    """Columns have the names and the order of the row, labels first; times are in ISO 8601."""
    header, first = cells_of(as_csv([Row(at=datetime(2027, 1, 15, 8, tzinfo=UTC), number=float("nan"))]))
    assert header == ["text", "number", "at", "flag"]
    assert first == ["plain", "", "2027-01-15T08:00:00+00:00", "false"]
    assert list(json.loads(as_json_lines([usage_row(1, day="d", model="m")]))) == [
        *("day", "model", "calls", "usd", "unpriced", "input_tokens", "cached_tokens", "output_tokens"),
        *("reasoning_tokens", "audio_tokens", "seconds", "characters", "images", "reported", "estimated"),
        "unknown",
    ]
    assert (as_csv([]), as_json_lines([]), as_table([])) == ("", "", "")


@given(st.lists(st.text(), min_size=1, max_size=5))
def test_a_table_cannot_command_a_terminal(texts: list[str]) -> None:
    """A table has a line for each row, and no character in it but the ends of lines controls a terminal."""
    lines = as_table([Row(text) for text in texts]).split("\n")
    assert len(lines) == len(texts) + 2
    assert not [one for line in lines for one in line if ord(one) < 32 or 127 <= ord(one) < 160]


def test_a_table_aligns_wide_characters() -> None:
    """Columns stand one below the other, whatever the width of what is in them."""
    lines = as_table([Row("会社", 5), Row("acme", 10)]).splitlines()
    assert lines[1] == "会社       5  -   false"
    assert lines[2] == "acme      10  -   false"
