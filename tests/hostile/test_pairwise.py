"""The generator of covering arrays."""

from itertools import combinations

from tests.support.hostile.cells import AXES, Cell, chosen, fits, pairs
from tests.support.hostile.pairwise import Covering


def test_every_two_values_that_fit_stand_together() -> None:
    """No pair that makes sense is left out, and none that does not is in."""
    together = {
        (one, a, other, b)
        for row in pairs()
        for (one, a), (other, b) in combinations(zip(AXES, row, strict=True), 2)
    }
    for one, other in combinations(AXES, 2):
        for a in AXES[one]:
            for b in AXES[other]:
                assert ((one, a, other, b) in together) == fits(one, a, other, b)


def test_rows_are_few() -> None:
    """A covering array is much smaller than the product."""
    axes = {name: tuple("abcde") for name in ["one", "two", "three", "four"]}
    assert 25 <= len(Covering(axes, lambda *_: True).rows()) < 50


def test_a_cell_can_be_tried_again_by_its_name() -> None:
    """The name of a cell says everything about it."""
    for cell in chosen():
        assert Cell(*str(cell).split(",")) == cell
