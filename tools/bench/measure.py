"""Measurement: each contender runs in its own process, in turns; the figures of every round are kept."""

import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass, replace
from typing import Literal, Self

from .contenders import environment

Run = Callable[[int], "float | None"]
"""Runs something that many times; returns the figure where that is not the CPU time."""
Opener = Callable[[str], AbstractContextManager[Run]]
"""Sets up a contender with the server at a base URL."""
SECONDS_A_TURN = 300
"""After so long a turn has hung, and its process is ended."""
SECONDS_TO_END = 30
"""So long a process has to end once it has no more turns."""


@dataclass(frozen=True)
class Case:
    """One comparison.

    Attributes:
        name: What is measured.
        calls: Calls per turn.
        contenders: What to run, by name.
        rounds: Turns of each contender, after one that warms it up.
        settle: Uncounted calls before each turn, so that all connections are open.
        unit: Microseconds of CPU time per call; what contenders return themselves: microseconds that pass per call,
            or kilobytes.
        step: The calls of a turn are a multiple of this.
    """

    name: str
    calls: int
    contenders: Mapping[str, Opener]
    rounds: int = 9
    settle: int = 0
    unit: Literal["us", "wall", "kB"] = "us"
    step: int = 1

    def shortened(self) -> Self:
        """Return the case with as few calls and rounds as show that it works."""
        calls = max(self.calls // 10, self.settle)
        return replace(self, rounds=2, calls=max(1, calls // self.step) * self.step)


@dataclass(frozen=True)
class Sample:
    """A figure over the rounds: median, quartiles, and the figure of each round."""

    median: float
    low: float
    high: float
    rounds: list[float]


class Worker:
    """A process that runs one contender of one case, and measures itself."""

    def __init__(self, case: Case, contender: str, base_url: str) -> None:
        self._what = f"{contender!r} of {case.name!r}"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tools.bench.worker", case.name, contender, base_url],
            env=environment(contender),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, calls: int) -> float:
        """Return the figure per call over this many calls."""
        assert self._process.stdin is not None  # noqa: S101 - narrows the type
        assert self._process.stdout is not None  # noqa: S101 - narrows the type
        watch = threading.Timer(SECONDS_A_TURN, self._end)
        watch.start()
        answer = ""
        with suppress(BrokenPipeError):
            self._process.stdin.write(f"{calls}\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        watch.cancel()
        if not answer:
            raise RuntimeError(f"The process of {self._what} ended; its error is above.")
        return float(answer)

    def _end(self) -> None:
        """End the process, which may end what it has started itself."""
        self._process.terminate()
        self._await_end()

    def _await_end(self) -> None:
        try:
            self._process.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        with self._process as process:
            assert process.stdin is not None  # noqa: S101 - narrows the type
            with suppress(BrokenPipeError):
                process.stdin.close()  # it ends with its input
            self._await_end()


def measure(case: Case, base_url: str) -> dict[str, Sample]:
    """Run a case; the contenders take turns within each round, so that drift affects all equally."""
    figures: dict[str, list[float]] = {name: [] for name in case.contenders}
    with ExitStack() as stack:
        workers = {name: stack.enter_context(Worker(case, name, base_url)) for name in case.contenders}
        for worker in workers.values():
            worker.run(case.calls)
        for _ in range(case.rounds):
            for name, worker in workers.items():
                figures[name].append(round(worker.run(case.calls), 2))
    return {name: sample(values) for name, values in figures.items()}


def in_turns(runs: Sequence[Run], calls: int, rounds: int) -> list[float]:
    """Return the CPU time per call of each in this process, in microseconds: medians over interleaved rounds."""
    times: list[list[float]] = [[] for _ in runs]
    for run in runs:
        run(max(1, calls // 4))
    for _ in range(rounds):
        for run, found in zip(runs, times, strict=True):
            began = time.process_time()
            run(calls)
            found.append((time.process_time() - began) / calls * 1e6)
    return [statistics.median(found) for found in times]


def sample(values: list[float]) -> Sample:
    """Summarize the figures of the rounds."""
    low, median, high = quartiles(values)
    return Sample(median, low, high, values)


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """Return lower quartile, median and upper quartile; of one figure, which has no spread, the figure itself."""
    if len(values) == 1:
        return values[0], values[0], values[0]
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, median, high
