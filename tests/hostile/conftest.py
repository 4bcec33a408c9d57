"""What the tests over the hostile wire share."""

import contextlib
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import django
import pytest

from tests.support.hostile.wire import Wire

pytest.register_assert_rewrite("tests.support.hostile.visits", "tests.support.hostile.controls")

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.support.sites.django_site.settings"
django.setup()
del os.environ["DJANGO_SETTINGS_MODULE"]  # the servers that tests start have settings of their own

_TRIED = "tried"


class Tried(Protocol):
    """Counts what a generated test tries, for the summary."""

    def __call__(self, number: int, /) -> None:
        """Count so many more."""


@pytest.fixture
def tried(request: pytest.FixtureRequest) -> Tried:
    """Return what counts the cells that a test tries; reports carry the numbers, from workers too."""

    def count(number: int, /) -> None:
        request.node.user_properties.append((_TRIED, number))

    return count


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show how many cells were tried, and by which seed."""
    counts = Counter[str]()
    for report in (report for reports in terminalreporter.stats.values() for report in reports):
        if isinstance(report, pytest.TestReport) and report.when == "teardown":
            name = Path(report.location[0]).stem.removeprefix("test_")
            counts[name] += sum(number for key, number in report.user_properties if key == _TRIED)
    if counts := +counts:
        from tests.support.hostile.cells import level, seed

        shown = ", ".join(f"{name} {number}" for name, number in sorted(counts.items()))
        terminalreporter.write_line(f"hostile wire ({level()}, SEED={seed()}): {shown}")


@pytest.fixture
def wire() -> Iterator[Wire]:
    """Yield a started wire without a script: a test gives it one with `play` or `answer`."""
    with Wire() as wire:
        yield wire


@pytest.fixture(scope="module")
def one_wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    """Yield one wire for all cells; what a process keeps for good of each way is there before anything is counted."""
    from tests.support.hostile.cells import Cell
    from tests.support.hostile.visits import visit
    from tests.support.hostile.ways import WAYS

    with Wire() as wire:
        for way in WAYS:
            cell = Cell("chat-stream", way, "all", "whole", "length", "plain", "lf", "none")
            with contextlib.suppress(Exception, AssertionError):  # whose cell fails too
                visit(cell, wire, tmp_path_factory.mktemp("warm") / "store")
        yield wire
