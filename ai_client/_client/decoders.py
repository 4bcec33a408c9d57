"""Decoders of results, built where that blocks no event loop."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from .._fork import PerProcess
from .._io import IO
from .._models.decode import decoder

_thread = PerProcess(lambda: ThreadPoolExecutor(1, thread_name_prefix="ai-client-decoders"))
"""One thread, as pydantic builds one model at a time: who waits for a type that is being built finds it built."""


async def build_aside(io: IO, cast_to: Any) -> None:
    """Build the decoder of a type, in a thread where the caller has an event loop.

    What makes that impossible is raised where the decoder is used.
    """
    with suppress(RuntimeError):  # at the end of the interpreter no thread begins any more
        await io.work(_thread(), _build, cast_to)


def _build(cast_to: Any) -> None:
    with suppress(Exception):
        decoder(cast_to)
