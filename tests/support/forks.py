"""Forks for tests: a child's work, and forks that Python does not hear of."""

import ctypes
import os
import time
from collections.abc import Callable

PATIENCE = 60.0


def in_child(work: Callable[[], object], fork: Callable[[], int] = os.fork) -> bool:
    """Run *work* in a forked child; return whether it came to a true end, and not to none."""
    child = fork()
    if child == 0:
        code = 1
        try:
            code = 0 if work() else 1
        finally:
            os._exit(code)
    give_up = time.monotonic() + PATIENCE
    while time.monotonic() < give_up:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status == 0
        time.sleep(0.005)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return False


def unannounced() -> int:
    """Fork as a server in C does: Python's hooks do not run."""
    return int(ctypes.PyDLL(None).fork())
