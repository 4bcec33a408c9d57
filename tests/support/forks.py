"""Forks for tests: a child's work, and forks that Python does not hear of."""

import ctypes
import logging
import os
import sys
import time
import traceback
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from typing import Any

PATIENCE = 60.0


def in_child(work: Callable[[], object], fork: Callable[[], int] = os.fork) -> bool:
    """Run *work* in a forked child; return whether it came to a true end, and not to none."""
    child = fork()
    if child == 0:
        code = 1
        try:
            code = 0 if work() else 1
        except BaseException:  # noqa: BLE001 - nobody else shows it, as the child ends here
            traceback.print_exc()
        finally:
            sys.stderr.flush()
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
    """Fork as a server in C does: Python's hooks do not run.

    No other thread asks for the interpreter's lock meanwhile, nor logs. The child would hand the lock over and wait for
    a thread to take it that is not there, or wait for one to have logged.
    """
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1.0)
    try:
        with _nobody_logging():
            time.sleep(0.02)  # who asked before gets the lock, and whoever takes it withdraws what was asked
            return int(ctypes.PyDLL(None).fork())
    finally:
        sys.setswitchinterval(interval)


@contextmanager
def _nobody_logging() -> Generator[None]:
    """Hold the locks of the standard library's logging, which `os.fork` makes anew in a child."""
    module: Any = logging
    with ExitStack() as held:
        held.enter_context(module._lock)
        for reference in list(module._handlerList):
            lock = getattr(reference(), "lock", None)
            if lock is not None:
                held.enter_context(lock)
        yield
