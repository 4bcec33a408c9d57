"""The whole product of the matrix, by hand or by night: `make storm`."""

import traceback
from pathlib import Path

import pytest

from tests.hostile.cells import seed, storm, storms
from tests.hostile.census import nothing_left
from tests.hostile.conftest import Tried
from tests.hostile.visits import visit
from tests.hostile.wire import Wire

_SHOWN = 5


@pytest.mark.parametrize(("kind", "way"), storms(), ids=["-by-".join(pair) for pair in storms()])
def test_storm(kind: str, way: str, one_wire: Wire, tmp_path: Path, tried: Tried) -> None:
    """Every control and segmentation of a kind and way holds; each cell that does not is named."""
    failed: list[str] = []
    for number, cell in enumerate(storm(kind, way)):
        tried(1)
        try:
            with nothing_left():
                visit(cell, one_wire, tmp_path / f"store-{number}")
        except Exception as error:  # noqa: BLE001 - whatever it is, the other cells are tried too
            failed.append(f"CELL={cell}\n{''.join(traceback.format_exception(error)[-3:])}")
    assert not failed, f"SEED={seed()}: {len(failed)} cells fail, the first are:\n" + "\n".join(
        failed[:_SHOWN]
    )
