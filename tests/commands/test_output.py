"""Output for terminals and for programs."""

from io import StringIO

import pytest

from ai_client.commands.output import Output
from ai_client.commands.tables import Column, laid_out
from ai_client.commands.text import printable, shortened, width_of


class Terminal(StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        """Be one."""
        return True


COLUMNS = [Column("endpoint"), Column("calls", is_number=True)]


@pytest.mark.parametrize("width", range(12, 60, 7))
def test_a_table_fits_its_terminal(width: int) -> None:
    """No line is wider than the terminal, and numbers are whole."""
    lines = list(laid_out(COLUMNS, [["/" + "long" * 20, "12345"], ["日本語" * 10, "1"]], max(width, 15)))
    assert max(map(width_of, lines)) <= max(width, 15)
    assert lines[1].endswith("12345")
    assert "…" in lines[1]


def test_a_table_for_a_program_is_whole() -> None:
    """Without a terminal nothing is shortened, and columns are aligned."""
    heading, first, second = laid_out(COLUMNS, [["/" + "x" * 300, "5"], ["日本", "10"]], None)
    assert "x" * 300 in first
    assert width_of(first) == width_of(second) == width_of(heading)


@pytest.mark.parametrize("text", ["\x1b[31m", "\x9b1m", "a\rb", "\u202eabc", "\x07", "\ud800"])
def test_nothing_steers_the_terminal(text: str) -> None:
    """Control characters in labels, errors and answers are shown as escapes."""
    out, errors = Terminal(), Terminal()
    output = Output(out, errors, colours=False)
    output.line(text)
    output.piece(text)
    output.error(text)
    output.table([Column("a")], [[text + "\n"]])
    shown = out.getvalue() + errors.getvalue()
    assert shown.replace("\n", "").isprintable()


def test_an_answer_for_a_program_is_exact() -> None:
    """Pieces of an answer go to a pipe as they are."""
    out = StringIO()
    Output(out, StringIO()).piece("a\x1b[0m\r\n")
    assert out.getvalue() == "a\x1b[0m\r\n"


@pytest.mark.parametrize(
    ("variables", "coloured"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False), ({"NO_COLOR": ""}, True)],
)
def test_colours_are_for_terminals(
    variables: dict[str, str], coloured: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only a terminal gets colours, and none where NO_COLOR is set."""
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    out = Terminal()
    Output(out, StringIO()).line("x", "fault")
    assert ("\x1b" in out.getvalue()) is coloured
    plain = StringIO()
    Output(plain, StringIO()).line("x", "fault")
    assert plain.getvalue() == "x\n"


def test_progress_leaves_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Progress is shown on a terminal alone, and the next output removes it."""
    monkeypatch.setenv("TERM", "xterm")
    errors = Terminal()
    output = Output(StringIO(), errors)
    output.progress("at work")
    output.line("done")
    assert errors.getvalue().endswith("\r\x1b[K")
    silent = StringIO()
    Output(StringIO(), silent).progress("at work")
    assert silent.getvalue() == ""


def test_text_is_cut_by_columns() -> None:
    """A wide character takes two columns."""
    assert shortened("日本語", 5) == "日本…"
    assert shortened("abc", 3) == "abc"
    assert printable("tab\tand\nline") == "tab\tand\nline"
