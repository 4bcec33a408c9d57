"""Ends that threads see to, where Ctrl-C comes while such a thread is started."""

import sys
from collections.abc import Callable
from types import FrameType, ModuleType
from typing import Any

import pytest

from ai_client._io import collecting, endings
from tests.support.hostile.census import settle

MOST = 200
"""Steps of the function at most."""


def interrupted(module: ModuleType, name: str, at: int, begin: Callable[[], object]) -> bool:
    """Call *begin*, and raise KeyboardInterrupt before a step of a function; return whether it came to that step."""
    code = getattr(module, name).__code__
    steps = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal steps
        if frame.f_code is not code:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            steps += 1
            if steps == at:
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys._getframe().f_trace_opcodes = True  # Python 3.12 begins to report them only if asked before
    sys.settrace(trace)
    try:
        begin()
    except KeyboardInterrupt:
        pass
    finally:
        sys.settrace(before)
    return steps >= at


def test_an_interrupted_finalizer_leaves_the_turn_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever Ctrl-C meets who starts the thread that sees to ends of closed loops, later ends are seen to."""
    monkeypatch.setattr(sys, "unraisablehook", lambda _: None)  # what finalizers raise goes there
    ends: list[int] = []

    async def end(number: int) -> None:
        ends.append(number)

    for step in range(1, MOST):
        reached = interrupted(
            endings,
            "_end_aside",
            step,
            lambda number=step: endings.begin_on(None, end(number)),  # type: ignore[misc]
        )
        endings.begin_on(None, end(-step))
        assert settle(lambda number=step: -number in ends), f"interrupted at step {step}"  # type: ignore[misc]
        if not reached:
            return
    pytest.fail("the function has no end")


def test_interrupted_work_of_the_collector_leaves_the_turn_to_others() -> None:
    """Wherever Ctrl-C meets who starts the thread that works for the garbage collector, later work is done."""
    done: list[int] = []
    for step in range(1, MOST):
        collecting._left.append(lambda number=step: done.append(number))  # type: ignore[misc]
        reached = interrupted(collecting, "_work_aside", step, collecting._work_aside)
        collecting._left.append(lambda number=step: done.append(-number))  # type: ignore[misc]
        collecting._work_aside()
        assert settle(lambda number=step: -number in done), f"interrupted at step {step}"  # type: ignore[misc]
        if not reached:
            return
    pytest.fail("the function has no end")
