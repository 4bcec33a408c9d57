"""Run the benchmarks: `python -m tools.bench [WORD...]`, where words select the cases whose names contain one."""

import sys

from . import bars, departure, endpoints, plots, references, results, server
from .cases import all_cases
from .measure import Case, Sample, measure

UNITS = {"us": "CPU time of one, us", "kB": "kB"}


def main() -> None:
    """Measure and print; a run of all cases also saves the figures."""
    words = sys.argv[1:]
    for name in references.missing():
        print(f"{name} takes no part: it is not installed.")
    wanted = [case for case in all_cases() if _is_meant(case.name, words)]
    found = results.begin()
    with server.running() as base_url:
        for case in wanted:
            samples = measure(case, base_url)
            _print(case, samples)
            results.add(found, case, samples)
    if _is_meant(endpoints.NAME, words):
        found["endpoints"] = endpoints.measure()
    if _is_meant("departure", words):
        found["departure_milliseconds"] = departure.milliseconds()
    found["bars"] = bars.judge(found["cases"])
    bars.show(found["bars"])
    if not words:
        results.write(found)
        plots.main()


def _is_meant(name: str, words: list[str]) -> bool:
    return not words or any(word in name for word in words)


def _print(case: Case, samples: dict[str, Sample]) -> None:
    print(f"\n{case.name} ({UNITS[case.unit]})")
    first = next(iter(samples.values())) if "ours" not in samples else samples["ours"]
    for name, sample in samples.items():
        spread = f"{sample.low:10.1f} .. {sample.high:<10.1f}"
        print(f"  {name:24}{sample.median:12.1f} {spread}{sample.median / first.median:8.2f} x", flush=True)


main()
