"""What the tests over the hostile wire share."""

import contextlib
import os
from collections import Counter
from collections.abc import Iterator
from typing import Protocol

import django
import pytest

from tests.support.hostile.wire import Wire

pytest.register_assert_rewrite("tests.support.hostile.visits", "tests.support.hostile.controls")

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.support.sites.django_site.settings"
django.setup()
del os.environ["DJANGO_SETTINGS_MODULE"]  # the servers that tests start have settings of their own

_TRIED = pytest.StashKey[Counter[str]]()


class Tried(Protocol):
    """Counts what a generated test tries, for the summary."""

    def __call__(self, number: int, /) -> None:
        """Count so many more."""


@pytest.fixture
def tried(request: pytest.FixtureRequest) -> Tried:
    """Return what counts the cells that a test tries."""
    counts = request.config.stash.setdefault(_TRIED, Counter())
    name = request.node.path.stem.removeprefix("test_")

    def count(number: int, /) -> None:
        counts[name] += number

    return count


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Show how many cells were tried, and by which seed."""
    if counts := config.stash.get(_TRIED, None):
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
