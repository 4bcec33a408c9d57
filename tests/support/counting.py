"""How much work code does, counted and not timed."""

import linecache
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

FEW, TIMES = 60, 6
_NAME = re.compile(r"(self\.)?\b([a-z_]\w*)", re.ASCII)


@dataclass
class Work:
    """What was done.

    Attributes:
        operations: Bytecode instructions run.
        bytes: As if each line that ran read whatever bytes it names, once: that bounds what is copied and searched
            at C speed, where no instruction tells of it. Bytes in lists are counted where they are taken out.
    """

    operations: int = 0
    bytes: int = 0
    _seen: dict[tuple[FrameType, int, str], tuple[object, int]] = field(default_factory=dict, repr=False)

    def ran(self, frame: FrameType, line: int) -> None:
        """Count the bytes that a line names, after it ran."""
        for of_self, name in _NAME.findall(linecache.getline(frame.f_code.co_filename, line)):
            local = frame.f_locals
            value: Any = getattr(local.get("self"), name, None) if of_self else local.get(name)
            if isinstance(value, bytes | bytearray):
                now = (value, len(value))
                before = self._seen.get((frame, line, name))
                if before is None or before[0] is not value or before[1] != len(value):
                    self._seen[frame, line, name] = now
                    self.bytes += len(value)


@contextmanager
def counted(*places: str) -> Iterator[Work]:
    """Count what this thread does in the files whose paths begin so, in functions that are called from here on."""
    work = Work()
    lines: dict[FrameType, int] = {}

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        if not frame.f_code.co_filename.startswith(places):
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            work.operations += 1
            return trace
        if (before := lines.pop(frame, None)) is not None:
            work.ran(frame, before)
        if event == "line":
            lines[frame] = frame.f_lineno
        return trace

    before = sys.gettrace()
    sys._getframe().f_trace_opcodes = True  # Python 3.12 begins to report them only if asked before
    sys.settrace(trace)
    try:
        yield work
    finally:
        sys.settrace(before)
        work._seen.clear()


def assert_linear(work: Callable[[int], Work]) -> None:
    """Hold the work of a size against that of some times the size: it may grow with the size, and no faster."""
    few, many = work(FEW), work(FEW * TIMES)
    assert few.operations > FEW / 2
    assert many.operations <= few.operations * TIMES * 1.1
    assert many.bytes <= few.bytes * TIMES * 1.1


@contextmanager
def calls_into(place: str) -> Iterator[list[str]]:
    """Record what this thread calls in the files whose paths begin so; a coroutine that goes on counts once more."""
    calls: list[str] = []

    def note(frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(place):
            calls.append(f"{code.co_filename.removeprefix(place)}: {code.co_qualname}")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield calls
    finally:
        sys.setprofile(before)
