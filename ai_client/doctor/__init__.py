"""Diagnosis of an application's clients: options, network, API, stores and process; never a secret, never a token."""

from .check import Check as Check, Status as Status
from .examination import examine_all as examine_all
from .report import (
    as_json as as_json,
    is_faulty as is_faulty,
    line_of as line_of,
    lines_of as lines_of,
    summary as summary,
)
from .shown import shown as shown
from .subject import Place as Place, Subject as Subject

__all__ = [
    "Check",
    "Place",
    "Status",
    "Subject",
    "as_json",
    "examine_all",
    "is_faulty",
    "line_of",
    "lines_of",
    "shown",
    "summary",
]
