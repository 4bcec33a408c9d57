"""Detection of sync calls on the thread of a running event loop."""

import sys
import warnings
from typing import Literal, TypeAlias

from .._io import in_event_loop
from ..errors import BlockingCallWarning, ConfigError

OnBlockingCall: TypeAlias = Literal["warn", "raise", "ignore"]
_NOT_CALLERS = frozenset({__name__.partition(".")[0], "openai", "httpx", "httpx2"})
"""This package, and those that stand between it and who calls an official client over it."""


class BlockingCalls:
    """The watch of a client and its copies over calls that would hold up an event loop.

    Args:
        how: Warn, once; raise the warning, each time; or take no notice.
    """

    def __init__(self, how: OnBlockingCall) -> None:
        if how not in ("warn", "raise", "ignore"):
            raise ConfigError(f"on_blocking_call must be 'warn', 'raise' or 'ignore', not {how!r}.")
        self._how: OnBlockingCall = how

    def check(self) -> None:
        """Object to a call where an event loop runs on this thread.

        Raises:
            BlockingCallWarning: If `on_blocking_call="raise"`, or a warnings filter makes it an error.
        """
        if self._how == "ignore" or not in_event_loop():
            return
        warning = BlockingCallWarning(
            "OpenAI blocks the running event loop until the answer is there, and every other task with it:"
            " await AsyncOpenAI instead, or call from a thread (asyncio.to_thread)."
        )
        if self._how == "raise":
            raise warning
        warnings.warn(warning, stacklevel=_callers_level())
        self._how = "ignore"  # once said is enough


def _callers_level() -> int:
    """Count the frames up to the caller's, as seen by `check`."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in _NOT_CALLERS:
        frame, level = frame.f_back, level + 1
    return level
