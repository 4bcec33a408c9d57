"""Messages for values that pydantic rejects."""

from typing import Any


def said_of(fault: Any) -> str:
    """Return pydantic's message for a fault, or a plainer one, without a full stop."""
    return "a list is expected, not text" if fault["type"] == "sequence_str" else fault["msg"]
