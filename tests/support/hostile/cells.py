"""Cells of the matrix: which there are, which are tried at a level, and how a server answers in one."""

import os
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass
from functools import cache
from itertools import product
from typing import Literal, TypeVar, cast

from tests.support.hostile.answers import KINDS, Kind
from tests.support.hostile.controls import CONTROLS
from tests.support.hostile.encoding import DIALECTS, Dialect
from tests.support.hostile.framing import (
    FRAMINGS,
    SEGMENTATIONS,
    Framing,
    anywhere,
    byte_by_byte,
    framed,
    whole,
)
from tests.support.hostile.pairwise import Covering, Row
from tests.support.hostile.ways import ADAPTERS, BARE, FURTHER, OFFICIAL, WAYS
from tests.support.hostile.wire import CLOSE, Request, Step

C = TypeVar("C")
Level = Literal["few", "sample", "all"]
BYTES = "bytes"
CODINGS = ("plain", "gzip")
EXTRAS = ("none", "trailers", "informational", "tail", "unsolicited", "closing")
"""What a server does beside answering: trailers, 1xx answers before, bytes in one write with the end, an answer that
nobody asked for on the idle connection, and closing that."""
INFORMATIONAL = (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
FOREIGN = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 17\r\n\r\n" + b'{"id": "foreign"}'
)
_FEW = 7
AXES = {
    "kind": tuple(KINDS),
    "way": tuple(WAYS),
    "controls": CONTROLS,
    "segmentation": (*(name.replace(" ", "_") for name in SEGMENTATIONS), BYTES),
    "framing": FRAMINGS,
    "coding": CODINGS,
    "dialect": DIALECTS,
    "extra": EXTRAS,
}


@dataclass(frozen=True)
class Cell:
    """One cell; its text names it wholly, and leads back to it."""

    kind: str
    way: str
    controls: str
    segmentation: str
    framing: str
    coding: str
    dialect: str
    extra: str
    salt: str = "0"

    def __str__(self) -> str:
        return ",".join(astuple(self))

    def script(self, kind: Kind, request: Request, number: int, ending: Sequence[Step]) -> list[Step]:
        """Return what a server writes as the answer of a number to a request; *ending* follows the first answer."""
        trailers = [("X-Check", "1"), ("X-More", "2")] if self.extra == "trailers" else []
        pieces = framed(
            kind.parts(request, number, cast("Dialect", self.dialect)),
            cast("Framing", self.framing),
            content_type=kind.content_type,
            zipped=self.coding == "gzip",
            trailers=trailers,
        )
        if self.extra == "informational":
            pieces = [*INFORMATIONAL, *pieces]
        writes: list[Step] = [*self._cut(pieces, number)]
        if self.framing == "close":
            return [*writes, CLOSE]
        if self.extra == "tail":
            return [*writes[:-1], cast("bytes", writes[-1]) + FOREIGN]
        return [*writes, *ending] if number == 0 and kind.place(request) == kind.requests - 1 else writes

    def _cut(self, pieces: Sequence[bytes], number: int) -> list[bytes]:
        if self.segmentation == BYTES:
            return (whole if number else byte_by_byte)(pieces)
        if self.segmentation == "anywhere":
            return anywhere(int(self.salt) + number)(pieces)
        return SEGMENTATIONS[self.segmentation.replace("_", " ")](pieces)


class Idle:
    """What a server does on a connection after the first answer, and when it has been done."""

    def __init__(self, extra: str) -> None:
        self._extra = extra
        self._go = threading.Event()
        self.done = threading.Event()

    @property
    def steps(self) -> list[Step]:
        """Return what follows the first answer in its script."""
        if self._extra == "unsolicited":
            return [self._go, FOREIGN, self.done.set]
        if self._extra == "closing":
            return [self._go, self.done.set, CLOSE]
        return []

    def begin(self) -> bool:
        """Let it happen; return whether there is anything to wait for."""
        self._go.set()
        return bool(self.steps)


def fits(axis: str, value: str, other_axis: str, other: str) -> bool:
    """Return whether two values make sense together."""
    values = {axis: value, other_axis: other}
    kind, way, extra, dialect = (values.get(name) for name in ("kind", "way", "extra", "dialect"))
    senseless = (
        kind and way in ADAPTERS and not KINDS[kind].streams,
        kind and dialect not in {None, "lf"} and not KINDS[kind].has_events,
        way and values.get("segmentation") == BYTES and way not in BARE,
        way in OFFICIAL and dialect == "chatty",  # the SDK takes an id for an event
        way in {"httpx-sync", "httpx-async"} and extra == "tail",  # which httpx takes for the next answer
        extra == "trailers" and values.get("framing") not in {None, "chunked"},
        extra in {"tail", "unsolicited", "closing"} and values.get("framing") == "close",
    )
    return not any(senseless)


def level() -> Level:
    """Return how much is tried: a few cells, the sample of the gate, or everything."""
    wanted = os.environ.get("STORM", "few")
    assert wanted in {"few", "sample", "all"}, f"STORM={wanted}: few, sample or all is expected"
    return cast("Level", wanted)


@cache
def seed() -> int:
    """Return the seed of this run: 0 but for storms, which have a new one each where `SEED` gives none."""
    given = os.environ.get("SEED")
    if given is not None:
        return int(given)
    return random.SystemRandom().randrange(10**9) if level() == "all" else 0


@cache
def covering() -> Covering:
    """Return the covering array of the matrix."""
    return Covering(AXES, fits, seed())


@cache
def pairs() -> list[Row]:
    """Return rows in which every two values that fit stand together."""
    return covering().rows()


def sample() -> list[Cell]:
    """Return cells in which every two values that fit stand together, and every kind, way and control of our own do."""
    rows = [*pairs()]
    tried = {row[:3] for row in rows}
    for kind, way, controls in product(AXES["kind"], AXES["way"], AXES["controls"]):
        if way not in FURTHER and fits("kind", kind, "way", way) and (kind, way, controls) not in tried:
            cuts = [cut for cut in AXES["segmentation"] if cut != BYTES]
            cut = covering().chance.choice(cuts)
            rows.append(covering().row({0: kind, 1: way, 2: controls, 3: cut}))
    return [Cell(*row, salt=str(number)) for number, row in enumerate(rows)]


def named(variable: str, cls: Callable[..., C]) -> list[C] | None:
    """Return the one cell that an environment variable names, where it does."""
    name = os.environ.get(variable)
    return None if name is None else [cls(*name.split(","))]


def chosen() -> list[Cell]:
    """Return the cells to try one by one: that of the variable `CELL`, a few, or the sample."""
    if (one := named("CELL", Cell)) is not None:
        return one
    if level() == "sample":
        return sample()
    return [cell for cell in (Cell(*row) for row in pairs()) if cell.segmentation != BYTES][::_FEW]


def storm(kind: str, way: str) -> Iterator[Cell]:
    """Yield a kind and way with all controls in all segmentations; what else there is varies with the seed."""
    chance = random.Random(f"{seed()} {kind} {way}")
    for controls, segmentation in product(AXES["controls"], AXES["segmentation"]):
        if fits("way", way, "segmentation", segmentation) and fits("way", way, "controls", controls):
            row = covering().row({0: kind, 1: way, 2: controls, 3: segmentation})
            yield Cell(*row, salt=str(chance.randrange(1000)))


def storms() -> list[tuple[str, str]]:
    """Return the kinds and ways whose whole product is to be tried."""
    return [pair for pair in product(AXES["kind"], AXES["way"]) if fits("kind", pair[0], "way", pair[1])]
