"""Logging of errors with their traceback, without keys and without text from the server."""

import logging
import traceback
from collections.abc import Iterator

from .redaction.policy import Redaction

logger = logging.getLogger("ai_client")


def log_error(what: str, error: BaseException, level: int = logging.ERROR) -> None:
    """Log an error that a web application does not show, with its redacted traceback.

    Args:
        what: What happened to the request.
        error: The error.
        level: The log level.
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
    # formatters use a record's `exc_text` where it is set, instead of formatting the traceback
    record.exc_text = "".join(_traced(error, redaction)).rstrip("\n")
    logger.handle(record)


def _said(error: BaseException, redaction: Redaction) -> str:
    return f"{type(error).__name__}: {redaction.error(error)}"


def _traced(error: BaseException, redaction: Redaction) -> Iterator[str]:
    """Yield a traceback in Python's format, causes first, with redacted messages."""
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
