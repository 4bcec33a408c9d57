"""The process of one contender: for each number on its input, make that many calls and print the figure per call."""

import gc
import signal
import sys
import time

from .cases import all_cases
from .server import allow_descriptors


def main() -> None:
    """Run turns until the input ends."""
    name, contender, base_url = sys.argv[1:]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(f"{contender} was told to end."))
    allow_descriptors()
    case = next(case for case in all_cases() if case.name == name)
    with case.contenders[contender](base_url) as run:
        for line in sys.stdin:
            calls = int(line)
            if case.settle:
                run(case.settle)
            gc.collect()
            began = time.process_time()
            figure = run(calls)
            took = time.process_time() - began
            print(took / calls * 1e6 if figure is None else figure, flush=True)


if __name__ == "__main__":
    main()
