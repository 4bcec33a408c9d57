"""The benchmarks measure what the bars ask for, and what they left is of one piece."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tools.bench import bars, plots, results
from tools.bench.cases import all_cases


def test_each_bar_has_its_case() -> None:
    """Each bar is about contenders of a case that is measured, and each case has a name of its own."""
    cases = {case.name: case.contenders for case in all_cases()}
    assert len(cases) == len(all_cases())
    for bar in bars.all_bars():
        assert {bar.subject, bar.against} - {""} <= set(cases[bar.case])


def test_verdicts_are_computed() -> None:
    """What the results say of the bars follows from the figures beside them."""
    found = results.read()
    assert found["bars"] == bars.judge(found["cases"])
    assert len(found["bars"]) == len(list(bars.all_bars()))


@pytest.mark.parametrize(
    ("times", "mine", "other", "median", "reached"),
    [
        (False, [10, 20, 30], [100, 100, 100], 0.2, True),
        (False, [40, 20, 50], [100, 10, 100], 0.5, False),
        (True, [10, 20, 50], [100, 100, 100], 5, True),
        (True, [50, 60, 70], [100, 100, 100], 1.667, False),
    ],
)
def test_a_verdict(times: bool, mine: list[int], other: list[int], median: float, reached: bool) -> None:
    """A share is to be small and a multiple large, round by round."""
    bar = bars.Bar("case", 3 if times else 0.3, times=times)
    verdict = bars.verdict(bar, {"ours": {"rounds": mine}, "official": {"rounds": other}})
    assert verdict["median"] == median
    assert verdict["reached"] is reached


@pytest.mark.parametrize("draw", plots.DRAWN, ids=lambda draw: draw.__name__)
def test_plots_are_current(draw: plots.Draw) -> None:
    """Each plot is that of the last run, and well-formed."""
    file: Path = plots.FOLDER / f"{draw.__name__}.svg"
    assert file.read_text() == draw(results.read())
    ET.fromstring(file.read_text())  # noqa: S314 - our own
