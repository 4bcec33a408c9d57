"""What the demo says at the terminal: a line for each failure, of which traffic has many."""

import copy
import logging


class BriefFormatter(logging.Formatter):
    """Formats a record without a traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the text of a record."""
        brief = copy.copy(record)
        brief.exc_info = brief.exc_text = None
        return super().format(brief)


def log_briefly() -> None:
    """Have warnings and errors of the AI client logged, each in a line."""
    handler = logging.StreamHandler()
    handler.setFormatter(BriefFormatter("%(levelname)s %(message)s"))
    logger = logging.getLogger("ai_client")
    logger.addHandler(handler)
    logger.propagate = False
