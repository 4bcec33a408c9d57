"""Errors in the log: what they say and where they come from, without keys and without what a server said."""

import logging
import traceback
from collections.abc import Iterator

from .redaction.policy import Redaction

logger = logging.getLogger("ai_client")


def log_error(what: str, error: BaseException, level: int = logging.ERROR) -> None:
    """Log an error that a web application does not show, with its traceback.

    Args:
        what: What it did to a request.
        error: The error.
        level: How serious it is.
    """
    if not logger.isEnabledFor(level):
        return
    redaction = Redaction()
    file, line, function, _ = logger.findCaller(stacklevel=2)
    record = logger.makeRecord(
        logger.name,
        level,
        file,
        line,
        "%s: %s",
        (what, _said(error, redaction)),
        (type(error), error, error.__traceback__),
        function,
    )
    record.exc_text = "".join(_traced(error, redaction)).rstrip(
        "\n"
    )  # taken by formatters in place of their own
    logger.handle(record)


def _said(error: BaseException, redaction: Redaction) -> str:
    return f"{type(error).__name__}: {redaction.error(error)}"


def _traced(error: BaseException, redaction: Redaction) -> Iterator[str]:
    """Yield a traceback like Python's own, its messages redacted: causes first."""
    chain = [error]
    while (before := chain[-1].__cause__ or _context(chain[-1])) is not None and before not in chain:
        chain.append(before)
    for one in reversed(chain):
        yield "Traceback (most recent call last):\n"
        yield from traceback.format_tb(one.__traceback__)
        yield f"{_said(one, redaction)}\n"
        if one is not error:
            yield "\nThe above exception led to the following one:\n\n"


def _context(error: BaseException) -> BaseException | None:
    return None if error.__suppress_context__ else error.__context__
