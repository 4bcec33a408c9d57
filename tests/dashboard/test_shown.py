"""Figures as people read them."""

import pytest

from ai_client.dashboard.markup import joined, tag
from ai_client.dashboard.plots.scale import upper_bound
from ai_client.dashboard.shown import NONE, shown_number, shown_seconds, shown_share, shown_usd


@pytest.mark.parametrize(
    ("nano_usd", "text"),
    [
        (None, "unknown"),
        (0, "$0"),
        (1, "$0.000000001"),
        (4_200_000, "$0.0042"),
        (99_600_000, "$0.10"),
        (1_234_567_890, "$1.23"),
        (999_994_000_000, "$999.99"),
        (12_345_678_900_000, "$12,346"),
        (-1_500_000_000, "-$1.50"),
    ],
)
def test_usd(nano_usd: int | None, text: str) -> None:
    """Small amounts show two digits, usual ones cents, large ones whole dollars."""
    assert shown_usd(nano_usd) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (9_999, "9,999"),
        (12_345, "12.3 k"),
        (999_499, "999 k"),
        (999_500, "1.00 M"),
        (4e12, "4.00 T"),
    ],
)
def test_number(number: float, text: str) -> None:
    """From ten thousand on, three digits and a prefix."""
    assert shown_number(number).replace("\u202f", " ") == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, NONE),
        (0.24, "240 ms"),
        (0.9996, "1.00 s"),
        (9.996, "10.0 s"),
        (119.6, "2.0 min"),
        (6000, "100 min"),
    ],
)
def test_seconds(seconds: float | None, text: str) -> None:
    """Milliseconds below a second, minutes from two of them on."""
    assert shown_seconds(seconds).replace("\u202f", " ") == text


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (0, 0, NONE),
        (0, 5, "0 %"),
        (1, 10_000, "<0.1 %"),
        (1, 100, "1.0 %"),
        (9_999, 10_000, "99.9 %"),
        (3, 3, "100 %"),
    ],
)
def test_share(part: float, whole: float, text: str) -> None:
    """Nothing and everything are shown only where they are exact."""
    assert shown_share(part, whole).replace("\u202f", " ") == text


def test_upper_bound() -> None:
    """The end of a scale is a round number that no value exceeds."""
    for value in (0.003, 0.7, 1.0, 1.1, 7.3, 99.0, 101.0, 123_456.0):
        assert value <= upper_bound([value, value / 2]) <= 1.7 * value
    assert upper_bound([]) == 1.0
    assert upper_bound([0.0], 0.01) == 0.01


def test_markup_is_what_was_made() -> None:
    """Texts and attributes are escaped, elements are not, and nothing is left out silently but `None`."""
    made = tag(
        "a", "1 < 2", tag("b", "&"), None, [3, ["x"]], href='"><script>', hidden=True, title=None, class_="n"
    )
    assert made == '<a href="&quot;&gt;&lt;script&gt;" hidden class="n">1 &lt; 2<b>&amp;</b>3x</a>'
    assert joined("<", tag("br")) == "&lt;<br>"
