"""Run the benchmarks: `python -m tools.bench [NAME...]`, where a name picks the cases that hold it."""

import json
import os
import platform
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from . import loopback, memory, process, server, streams
from .measure import Case, Sample, measure

RESULTS = Path(__file__).parent / "results.json"


def main() -> None:
    """Measure, print a table for each case, and keep the figures."""
    wanted = sys.argv[1:]
    results: dict[str, Any] = (
        json.loads(RESULTS.read_text()) if wanted and RESULTS.exists() else {"cases": {}}
    )
    results["date"] = datetime.now(UTC).date().isoformat()
    results["machine"] = f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()}"
    with server.running() as base_url:
        for case in [*memory.cases(), *streams.cases(), *process.cases(), *loopback.cases(base_url)]:
            if wanted and not any(word in case.name for word in wanted):
                continue
            samples = measure(case)
            _print(case, samples)
            results["cases"][case.name] = {name: asdict(sample) for name, sample in samples.items()}
    if not wanted:
        results["resident_kilobytes"] = process.resident_kilobytes()
        print("\nresident after a first call, kB:", results["resident_kilobytes"])
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")


def _print(case: Case, samples: dict[str, Sample]) -> None:
    ours = samples["ours"].median
    print(f"\n{case.name} ({'clock' if case.wall else 'CPU'} time of one)")
    for name, sample in samples.items():
        spread = f"{sample.low:10.1f} .. {sample.high:<10.1f}"
        print(f"  {name:22}{sample.median:12.1f} us {spread} ours/{name}: {ours / sample.median:6.2f}")


main()
