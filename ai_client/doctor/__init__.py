"""Diagnosis of an application's clients: options, network, API, stores and process; never a secret, never a token.

`examine_all` is imported on first use: adapters need the rest when an application starts.
"""

from typing import TYPE_CHECKING, Any

from .check import Check as Check, Status as Status
from .report import (
    as_json as as_json,
    is_faulty as is_faulty,
    line_of as line_of,
    lines_of as lines_of,
    summary as summary,
)
from .shown import shown as shown
from .subject import Place as Place, Subject as Subject

if TYPE_CHECKING:
    from .examination import examine_all as examine_all

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


def __getattr__(name: str) -> Any:
    if name != "examine_all":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .examination import examine_all  # noqa: PLC0415 - imports every examination

    globals()[name] = examine_all
    return examine_all
