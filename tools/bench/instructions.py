"""Machine instructions of a small call, which hardly depend on how busy the machine is.

Run by `python -m tools.bench.instructions`.
valgrind runs one process, which forks for each figure: a child that makes some calls, and one that makes more; the
difference counts. The gate is the ratio to raw aiohttp in the same run, so that it holds on any build of Python.
"""

import gc
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Mapping
from typing import Any, TypeAlias

from . import server
from .contenders import OURS
from .loopback import FEW, opener
from .measure import Opener
from .references import raw_aiohttp

NAME = f"instructions of a small call, {FEW} in flight"
MOST = 0.528
"""The highest ratio of this package's instructions to those of raw aiohttp: what was measured last, and 3 %."""
CALLS = (FEW, 11 * FEW)
VALGRIND = ("valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null")
SECONDS = 900
"""After so long valgrind is ended; on a quiet machine it takes a minute or two."""
CONTENDERS: Mapping[str, Opener] = {OURS.name: opener(OURS, FEW), "aiohttp": raw_aiohttp(FEW)}
Counts: TypeAlias = dict[str, float]


def main() -> int:
    """Measure, print, and return 1 where a call takes too many."""
    if (reason := obstacle()) is not None:
        print(f"Skipped: {reason}.")
        return 0
    with server.running() as base_url:
        counts = measured(base_url)
    for name, count in counts.items():
        print(f"{name:12}{count:12.0f} instructions a call, {FEW} in flight")
    ratio = counts[OURS.name] / counts["aiohttp"]
    print(f"ours / aiohttp: {ratio:.3f}, at most {MOST}")
    return int(ratio > MOST)


def measured_case(base_url: str) -> dict[str, Any]:
    """Count, print, and return the figures in the form of a case's: one round, as they hardly vary."""
    counts = measured(base_url)
    print(f"\n{NAME}")
    for name, count in counts.items():
        print(f"  {name:34}{count:12.0f}")
    contenders = {
        name: {"median": round(count), "low": round(count), "high": round(count), "rounds": [round(count)]}
        for name, count in counts.items()
    }
    return {"unit": "instructions", "calls": CALLS[1] - CALLS[0], "contenders": contenders}


def obstacle() -> str | None:
    """Return what keeps valgrind from counting here, if anything does."""
    if shutil.which("valgrind") is None:
        return "valgrind is not installed"
    trial = subprocess.run([*VALGRIND, sys.executable, "-c", ""], capture_output=True, check=False)
    return "valgrind cannot run this Python" if trial.returncode else None


def measured(base_url: str) -> Counts:
    """Return the instructions of one call of each contender."""
    run = subprocess.run(
        [*VALGRIND, sys.executable, "-m", "tools.bench.instructions", base_url],
        env={**os.environ, "PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    return per_call(run.stdout, run.stderr)


def per_call(said: str, log: str) -> Counts:
    """Return the instructions of one call of each contender, of what the process printed and valgrind logged.

    Raises:
        RuntimeError: A figure is missing.
    """
    totals = {
        int(found[1]): int(found[2].replace(",", ""))
        for found in re.finditer(r"==(\d+)== I +refs: +([\d,]+)", log)
    }
    counts: dict[str, dict[int, int]] = {}
    for name, calls, child in re.findall(r"^(.+) (\d+) (\d+)$", said, re.MULTILINE):
        if int(child) not in totals:
            raise RuntimeError(f"valgrind said nothing of {name}: {log[-2000:]}")
        counts.setdefault(name, {})[int(calls)] = totals[int(child)]
    if not counts:
        raise RuntimeError(f"No calls were made: {log[-2000:]}")
    few, many = CALLS
    return {name: (found[many] - found[few]) / (many - few) for name, found in counts.items()}


def children(base_url: str) -> None:
    """Fork a child for each figure and print whose it is; the parent only imports."""
    import aiohttp  # noqa: F401, PLC0415 - as all contenders, not in the children

    import ai_client  # noqa: PLC0415

    ai_client.AsyncOpenAI(api_key="any", warm=["chat.completions.create"])
    for thread in threading.enumerate():
        if thread is not threading.current_thread():
            thread.join()  # what it does after a fork would count for the children that are forked later
    gc.collect()
    gc.freeze()  # a collection of all that was imported would count as some calls
    for name, contender in CONTENDERS.items():
        for calls in CALLS:
            child = os.fork()
            if child == 0:
                code = 1
                try:
                    with contender(base_url) as run:
                        run(FEW)
                        run(calls)
                    code = 0
                finally:
                    os._exit(code)
            _, status = os.waitpid(child, 0)
            if status:
                raise SystemExit(f"The calls of {name} failed.")
            print(name, calls, child, flush=True)


if __name__ == "__main__":
    if sys.argv[1:]:
        children(sys.argv[1])
    else:
        raise SystemExit(main())
