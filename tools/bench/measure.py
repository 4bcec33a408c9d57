"""How things are measured: contenders take turns in a fixed order of rounds; medians and spread are kept."""

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Run = Callable[[int], None]
"""Does something that many times."""


@dataclass(frozen=True)
class Sample:
    """Microseconds of this process's CPU time for one call.

    Attributes:
        median: Over the rounds.
        low, high: The quartiles around it.
    """

    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Case:
    """One comparison.

    Attributes:
        name: What is measured.
        calls: Calls in one turn.
        contenders: Name to what is run.
        rounds: Turns that each contender gets, after one to warm up.
        wall: Measure time on the clock instead of CPU time.
        close: Lets go of what the contenders hold.
    """

    name: str
    calls: int
    contenders: Mapping[str, Run]
    rounds: int = 9
    wall: bool = False
    close: Callable[[], object] = lambda: None


def measure(case: Case) -> dict[str, Sample]:
    """Run a case; the contenders take turns within each round, so that drift hits all alike."""
    clock = time.perf_counter if case.wall else time.process_time
    times: dict[str, list[float]] = {name: [] for name in case.contenders}
    for run in case.contenders.values():
        run(max(1, case.calls // 4))
    for _ in range(case.rounds):
        for name, run in case.contenders.items():
            gc.collect()
            began = clock()
            run(case.calls)
            times[name].append((clock() - began) / case.calls * 1e6)
    case.close()
    return {name: _sample(values) for name, values in times.items()}


def _sample(values: list[float]) -> Sample:
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return Sample(median, low, high)
