"""The time line of a call: its phases in order, and odd measurements that must neither fail nor mislead."""

import math
import re
from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from ai_client.dashboard.calls.timeline import time_line_of
from ai_client.dashboard.calls.timeline_picture import time_line_figure
from tests.support.journal import attempt, call

ODD = st.one_of(st.none(), st.just(0.0), st.floats(), st.floats(0, 100))
ODD_SECONDS = st.one_of(st.just(0.0), st.floats(), st.floats(0, 100))


def kinds(entry: object) -> list[list[str]]:
    """Return the kinds of the phases in each row."""
    return [[phase.kind for phase in lane.phases] for lane in time_line_of(entry).lanes]  # type: ignore[arg-type]


def test_phases_follow_each_other() -> None:
    """A call that was retried shows what controls took, the phases and the pause of each attempt, and the answer."""
    first = attempt(1, 0.05, 0.3, error="RateLimitError", status=429, pause=0.5, first_byte=0.278)
    second = attempt(2, 0.85, 0.2, first_byte=0.178)
    entry = call(seconds=1.25, attempts=(first, second))
    assert kinds(entry) == [
        ["controls"],
        ["queue", "connect", "send", "wait", "pause"],
        ["queue", "connect", "send", "wait"],
        ["answer"],
    ]
    line = time_line_of(entry)
    phases = [phase for lane in line.lanes for phase in lane.phases]
    assert all(earlier.end <= later.begin + 1e-9 for earlier, later in pairwise(phases))
    assert line.seconds == line.end == 1.25
    assert [lane.failed for lane in line.lanes] == [False, True, False, False]
    assert line.lanes[1].note == "429 RateLimitError"


def test_a_stream_shows_its_first_token() -> None:
    """Of a stream the wait for the first token and the reading of the rest are apart."""
    entry = call(stream=True, first_item=0.7, seconds=2.0, attempts=(attempt(1, 0.0, 0.392),))
    assert kinds(entry)[-1] == ["first", "stream"]
    assert time_line_of(entry).first_item == 0.7
    shown = time_line_figure(time_line_of(entry))
    assert "First token 700" in shown


def test_phases_that_are_unknown_are_one() -> None:
    """An attempt of which only its duration is known is shown as a whole."""
    bare = attempt(1, 0.0, 0.4, queue=None, connect=None, send=None, first_byte=None)
    assert kinds(call(seconds=0.4, attempts=(bare,))) == [["attempt"]]


def test_a_call_that_was_never_sent_has_a_line() -> None:
    """An answer of the cache, and a call that a control refused, show the time that the controls took."""
    assert kinds(call(attempts=(), cache="hit", seconds=0.002)) == [["controls"]]


def test_nothing_measured_is_said() -> None:
    """A call without any time has a sentence in place of a picture."""
    assert "<svg" not in time_line_figure(time_line_of(call(attempts=(), seconds=0.0)))


@given(
    ODD_SECONDS,
    ODD,
    st.lists(st.tuples(ODD_SECONDS, ODD_SECONDS, ODD, ODD, ODD, ODD, ODD), max_size=30),
)
def test_odd_measurements_are_drawn(
    seconds: float, first_item: float | None, measured: list[tuple[float | None, ...]]
) -> None:
    """Whatever was measured, no phase is negative, all lie on the axis, and the picture has finite numbers alone."""
    attempts = tuple(
        attempt(
            number,
            began or 0.0,
            taken or 0.0,
            pause=pause,
            queue=queue,
            connect=connect,
            send=send,
            first_byte=first_byte,
        )
        for number, (began, taken, pause, queue, connect, send, first_byte) in enumerate(measured, 1)
    )
    entry = call(seconds=seconds, first_item=first_item, stream=True, attempts=attempts)
    line = time_line_of(entry)
    for phase in (phase for lane in line.lanes for phase in lane.phases):
        assert 0 <= phase.begin <= phase.end <= line.seconds
    assert math.isfinite(line.seconds)
    shown = time_line_figure(line)
    assert not re.search(r"nan|inf\b", shown)
    assert all(0 <= float(percent) <= 100 for percent in re.findall(r'x="([\d.e+-]+)%"', shown))


@pytest.mark.parametrize("seconds", [1e-9, 0.00123, 0.7, 59.0, 600.0, 86_400.0, 1e8])
def test_the_axis_has_room_for_its_names(seconds: float) -> None:
    """The axis has between two and six names, whatever its length."""
    shown = time_line_figure(time_line_of(call(seconds=seconds, attempts=())))
    assert 2 <= shown.count('class="tick"') / 2 <= 6


def test_many_attempts_are_listed_in_the_table() -> None:
    """Of very many attempts the picture shows the first and the last, and the table all."""
    attempts = tuple(attempt(number, number * 1.0, 0.4) for number in range(1, 101))
    shown = time_line_figure(time_line_of(call(seconds=101.0, attempts=attempts)))
    picture, _, table = shown.partition("</svg>")
    assert picture.count("<g>") < 30
    assert "more, which the table lists" in picture
    assert table.count("Attempt ") >= 100
