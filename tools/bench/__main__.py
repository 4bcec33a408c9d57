"""Run the benchmarks: `python -m tools.bench [WORD...]`, where words select the cases whose names contain one.

A run of all cases renews the figures and plots; `--quick` does the same with few calls, in a folder of its own.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from . import (
    bars,
    dashboard,
    departure,
    endpoints,
    gateways,
    instructions,
    plots,
    references,
    results,
    server,
)
from .cases import all_cases
from .contenders import BUILD, OFFICIAL_2_PLACE
from .measure import Case, Sample, measure

BUSY = 0.5
"""A load of the machine above which figures are disturbed."""
UNITS = {"us": "CPU time of one, us", "wall": "time that passes per call, us", "kB": "kB"}
QUICK = BUILD / "quick"
UNDER_WAY = "under_way.json"
"""The figures of a run until it ends, from which `--continue` goes on."""


def main() -> int:
    """Measure, print, and save the figures of a run of all cases; return 1 where any could not be measured."""
    options = _options()
    _check_contenders(whole=not (options.words or options.partly))
    if options.quick:
        results.use(QUICK / results.FILE.name)
    under_way = (QUICK if options.quick else BUILD) / UNDER_WAY
    began = time.monotonic()
    found = results.read(under_way) if options.go_on and under_way.exists() else results.begin()
    failed: list[str] = []
    with server.running() as base_url:
        for name, step in _steps(found, base_url, quick=options.quick):
            if options.words and not any(word in name for word in options.words):
                continue
            if not _done(name, step):
                failed.append(name)
            elif not options.words:
                results.write(found, under_way)
    print(f"\nTook {(time.monotonic() - began) / 60:.1f} min.")
    found["bars"] = bars.judge(found["cases"])
    if not (options.words or failed):
        results.write(found)
        under_way.unlink()
        _draw(quick=options.quick)
    bars.show(found["bars"])
    for lost in () if options.words else bars.unmeasured(found["cases"]):
        print(f"No verdict, as it was not measured: {lost}")
    if failed:
        print(f"NOT MEASURED, errors are above: {'; '.join(failed)}. --continue measures what is missing.")
    return int(bool(failed))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description=__doc__)
    parser.add_argument("words", nargs="*", metavar="WORD")
    parser.add_argument(
        "--quick", action="store_true", help=f"few calls; figures and pages go to {QUICK.name}/"
    )
    parser.add_argument(
        "--partly", action="store_true", help="measure all cases, without what is not installed"
    )
    parser.add_argument(
        "--continue", action="store_true", dest="go_on", help="measure what the last run did not"
    )
    return parser.parse_args()


def _check_contenders(*, whole: bool) -> None:
    """Print what is not installed; a run of all cases needs everything."""
    lost = dict.fromkeys(references.missing(), "make .venv/.bench")
    lost |= {
        gateway.name: f"make {gateway.ready.relative_to(BUILD.parents[1])}" for gateway in gateways.missing()
    }
    if not OFFICIAL_2_PLACE.exists():
        lost["official 2"] = "make build/bench/openai2"
    if (reason := instructions.obstacle()) is not None:
        print(f"Instructions are not counted: {reason}.")
    for name, how in lost.items():
        print(f"{name} takes no part, as it is not installed: {how}")
    if os.getloadavg()[0] > BUSY:
        print(f"The machine is busy, at a load of {os.getloadavg()[0]:.1f}: these are no figures to keep.")
    if lost and whole:
        sys.exit("A run of all cases needs them; --partly does without.")


def _steps(found: dict[str, Any], base_url: str, *, quick: bool) -> Iterator[tuple[str, Callable[[], None]]]:
    """Yield what adds the figures that are still missing, by name."""
    for case in all_cases():
        if case.name not in found["cases"]:
            yield case.name, partial(_add, found, case.shortened() if quick else case, base_url)
    if instructions.NAME not in found["cases"] and instructions.obstacle() is None:
        yield instructions.NAME, partial(_add_instructions, found, base_url)
    for store in dashboard.STORES:
        if dashboard.name(store) not in found["cases"]:
            yield dashboard.name(store), partial(_add_dashboard, found, store, quick=quick)
    if "endpoints" not in found:
        yield endpoints.NAME, lambda: found.update(endpoints=endpoints.measure(quick=quick))
    if "departure_milliseconds" not in found:
        yield (
            departure.NAME,
            lambda: found.update(departure_milliseconds=departure.milliseconds(quick=quick)),
        )


def _add(found: dict[str, Any], case: Case, base_url: str) -> None:
    samples = measure(case, base_url)
    _print(case, samples)
    results.add(found, case, samples)


def _add_instructions(found: dict[str, Any], base_url: str) -> None:
    found["cases"][instructions.NAME] = instructions.measured_case(base_url)


def _add_dashboard(found: dict[str, Any], store: str, *, quick: bool) -> None:
    found["cases"][dashboard.name(store)] = dashboard.measured_case(store, quick=quick)


def _done(name: str, step: Callable[[], None]) -> bool:
    """Take a step, once more where it fails: a run of many minutes does not end for one port that was taken."""
    for again in (True, False):
        try:
            step()
        except Exception as error:  # noqa: BLE001 - whatever a contender raises
            print(f"\n{name} failed{', again' * (not again)}: {type(error).__name__}: {error}", flush=True)
        else:
            return True
    return False


def _print(case: Case, samples: dict[str, Sample]) -> None:
    print(f"\n{case.name} ({UNITS[case.unit]})")
    first = next(iter(samples.values())) if "ours" not in samples else samples["ours"]
    for name, sample in samples.items():
        spread = f"{sample.low:10.1f} .. {sample.high:<10.1f}"
        print(f"  {name:34}{sample.median:12.1f} {spread}{sample.median / first.median:8.2f} x", flush=True)


def _draw(*, quick: bool) -> None:
    """Draw the plots; with few calls also write the pages, so that nothing of a run of all cases is left untried."""
    if not quick:
        plots.main()
        return
    from tools import readme  # noqa: PLC0415 - loads the frameworks

    plots.main(QUICK)
    for page in readme.MEASURED:
        (QUICK / page.name).write_text(readme.rendered(page.read_text()))
    print(f"Figures, plots and pages are in {QUICK}.")


if __name__ == "__main__":
    sys.exit(main())
