"""Answers that break, at every place: a typed error or the right result, and nothing is left of it."""

from pathlib import Path

import pytest

from tests.hostile.conftest import Tried
from tests.support.hostile.breaks import Break, chosen
from tests.support.hostile.census import nothing_left
from tests.support.hostile.visits import visit_break
from tests.support.hostile.wire import Wire


@pytest.mark.parametrize("cell", chosen(), ids=str)
def test_break(cell: Break, one_wire: Wire, tmp_path: Path, tried: Tried) -> None:
    """An answer that breaks is an error of ours or the right result; nothing of it is kept, held or left open."""
    tried(1)
    with nothing_left():
        visit_break(cell, one_wire, tmp_path / "store")
