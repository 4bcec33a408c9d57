"""Every kind of answer, by every way, under every control, however it is written: one reading, counted once."""

from pathlib import Path

import pytest

from tests.hostile.conftest import Tried
from tests.support.hostile.cells import Cell, chosen
from tests.support.hostile.census import nothing_left
from tests.support.hostile.visits import visit
from tests.support.hostile.wire import Wire


@pytest.mark.parametrize("cell", chosen(), ids=str)
def test_cell(cell: Cell, one_wire: Wire, tmp_path: Path, tried: Tried) -> None:
    """The answer is read as the one reading of its kind, is counted once, and leaves nothing behind."""
    tried(1)
    with nothing_left():
        visit(cell, one_wire, tmp_path / "store")
