"""Cells of another matrix: answers that break, at each place of each kind of answer."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from functools import cache
from itertools import accumulate, product
from typing import Any, cast

from tests.support.hostile.answers import KINDS, Kind
from tests.support.hostile.cells import CODINGS, level, named, seed
from tests.support.hostile.controls import CONTROLS
from tests.support.hostile.framing import FRAMINGS, Framing, framed, script
from tests.support.hostile.pairwise import Covering, Row
from tests.support.hostile.ways import ADAPTERS, WAYS
from tests.support.hostile.wire import CLOSE, HOLD, RESET, Request, Step

FAULTS = ("reset", "close", "stall", "late", "garbage", "trickle")
"""What goes wrong: the connection breaks off or ends, nothing more comes until a read times out or until the call's
deadline, something comes that is no HTTP, or the rest comes in small pieces, which is no fault at all."""
PLACES = ("in-head", "after-head", "between", "inside", "in-framing", "before-end", "last-byte", "anywhere")
GARBAGE = b"\x00\xff\r\n\x01:\x00garbage\xfe"
SHORT = 0.25
"""Seconds for a read or a call that is to be given up."""
_PAUSE = 0.001
_TRICKLES = 25
_FEW = 13
AXES = {
    "kind": tuple(KINDS),
    "way": tuple(WAYS),
    "fault": FAULTS,
    "place": PLACES,
    "controls": CONTROLS,
    "framing": FRAMINGS,
    "coding": CODINGS,
    "retries": ("0", "1"),
}


@dataclass(frozen=True)
class Break:
    """One cell; its text names it wholly, and leads back to it."""

    kind: str
    way: str
    fault: str
    place: str
    controls: str
    framing: str
    coding: str
    retries: str
    salt: str = "0"

    def __str__(self) -> str:
        return ",".join(astuple(self))

    @property
    def options(self) -> dict[str, Any]:
        """Return a client's options that its fault asks for."""
        patience = {"timeout": SHORT} if self.fault == "stall" else {"timeout": 30}
        late = {"deadline": SHORT} if self.fault == "late" else {}
        return {"max_retries": int(self.retries), **patience, **late}

    def hides(self, missing: Sequence[Any]) -> bool:
        """Return whether nobody can tell that the last items are missing: the tokens, after the reason of the end."""
        are_tokens = all(isinstance(item, dict) and item.get("choices") == [] for item in missing)
        return are_tokens and self.fault == self.framing == "close"

    def script(self, kind: Kind, request: Request, number: int) -> list[Step]:
        """Return what a server writes that breaks."""
        pieces = framed(
            kind.parts(request, number),
            cast("Framing", self.framing),
            content_type=kind.content_type,
            zipped=self.coding == "gzip",
        )
        text = b"".join(pieces)
        at = self._position(pieces)
        before, after = text[:at], text[at:]
        match self.fault:
            case "reset":
                return [before, RESET]
            case "close":
                return [before, CLOSE]
            case "garbage":
                return [before + GARBAGE + after, CLOSE]
            case "trickle":
                size = len(after) // _TRICKLES + 1
                small = [after[start : start + size] for start in range(0, len(after), size)]
                steps = [step for piece in small for step in (_PAUSE, piece)]
                return [before, *steps, CLOSE] if self.framing == "close" else [before, *steps]
        return [before, HOLD]

    def whole(self, kind: Kind, request: Request, number: int) -> list[Step]:
        """Return what a server writes that is whole."""
        parts = kind.parts(request, number)
        return script(
            parts,
            cast("Framing", self.framing),
            content_type=kind.content_type,
            zipped=self.coding == "gzip",
        )

    def _position(self, pieces: Sequence[bytes]) -> int:
        ends = [0, *accumulate(map(len, pieces))]
        middle = len(pieces) // 2
        chance = random.Random(self.salt)
        return {
            "in-head": ends[1] // 2,
            "after-head": ends[1],
            "between": ends[middle],
            "inside": ends[middle] + len(pieces[middle]) // 2,
            "in-framing": ends[middle] + 1,
            "before-end": ends[-2],
            "last-byte": ends[-1] - 1,
            "anywhere": chance.randrange(1, ends[-1]),
        }[self.place]


def fits(axis: str, value: str, other_axis: str, other: str) -> bool:
    """Return whether two values make sense together."""
    values = {axis: value, other_axis: other}
    kind, fault, framing = values.get("kind"), values.get("fault"), values.get("framing")
    if kind and values.get("way") in ADAPTERS and not KINDS[kind].streams:
        return False
    if framing and framing != "chunked" and (fault == "garbage" or values.get("place") == "in-framing"):
        return False
    # Nobody can tell that bytes are missing whose number was never said.
    return not (kind and framing == "close" and KINDS[kind].shape in {"binary", "unread"})


@cache
def covering() -> Covering:
    """Return the covering array of the matrix."""
    return Covering(AXES, fits, seed())


@cache
def pairs() -> list[Row]:
    """Return rows in which every two values that fit stand together."""
    return covering().rows()


def chosen() -> list[Break]:
    """Return the cells to try one by one: that of the variable `BREAK`, a few, or the sample."""
    if (one := named("BREAK", Break)) is not None:
        return one
    cells = [Break(*row, salt=str(number)) for number, row in enumerate(pairs())]
    return cells[::_FEW] if level() == "few" else cells


def storm(kind: str, way: str) -> Iterator[Break]:
    """Yield a kind and way with all faults at all places; what else there is varies with the seed."""
    chance = random.Random(f"{seed()} {kind} {way}")
    for fault, place, framing in product(AXES["fault"], AXES["place"], AXES["framing"]):
        fitting = (
            fits("way", way, "fault", fault)
            and fits("fault", fault, "framing", framing)
            and fits("place", place, "framing", framing)
            and fits("kind", kind, "framing", framing)
        )
        if fitting:
            row = covering().row({0: kind, 1: way, 2: fault, 3: place, 5: framing})
            yield Break(*row, salt=str(chance.randrange(10**6)))
