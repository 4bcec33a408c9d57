"""The whole product of both matrices, by hand or by night: `make storm`."""

import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

import pytest

from tests.hostile.conftest import Tried
from tests.support.hostile import breaks, cells
from tests.support.hostile.census import nothing_left
from tests.support.hostile.visits import visit, visit_break
from tests.support.hostile.wire import Wire

C = TypeVar("C", cells.Cell, breaks.Break)
_SHOWN = 5
STORMS = cells.storms()
each_kind_and_way = pytest.mark.parametrize(
    ("kind", "way"), STORMS, ids=["-by-".join(storm) for storm in STORMS]
)


def try_all(
    chosen: Iterable[C], visit_one: Callable[[C, Wire, Path], None], wire: Wire, place: Path, tried: Tried
) -> None:
    """Visit every cell, whatever the others did, and name those that failed."""
    failed: list[str] = []
    for number, cell in enumerate(chosen):
        tried(1)
        try:
            with nothing_left():
                visit_one(cell, wire, place / f"store-{number}")
        except Exception as error:  # noqa: BLE001 - the other cells are tried all the same
            failed.append(f"{cell}\n{''.join(traceback.format_exception(error)[-3:])}")
    first = "\n".join(failed[:_SHOWN])
    assert not failed, f"SEED={cells.seed()}: {len(failed)} cells fail, the first are:\n{first}"


@each_kind_and_way
def test_storm(kind: str, way: str, one_wire: Wire, tmp_path: Path, tried: Tried) -> None:
    """Every control and segmentation of a kind and way holds."""
    try_all(cells.storm(kind, way), visit, one_wire, tmp_path, tried)


@each_kind_and_way
def test_storm_of_breaks(kind: str, way: str, one_wire: Wire, tmp_path: Path, tried: Tried) -> None:
    """Every fault at every place of a kind and way holds."""
    try_all(breaks.storm(kind, way), visit_break, one_wire, tmp_path, tried)
