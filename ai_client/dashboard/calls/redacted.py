"""Requests that are not kept as they were sent: redacted ones, and uploads."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from ...control.observability.redaction.masking import MASK
from ...operations.journal import JournalEntry

_UPLOADS = re.compile(
    r"/(?:files|content_provenance_checks|skills(?:/[^/]+/versions)?|videos(?:/[^/]+)?|uploads/[^/]+/parts"
    r"|containers/[^/]+/files|realtime/calls|audio/(?:transcriptions|translations|voice_consents|voices)"
    r"|images/(?:edits|variations))"
)
"""Paths of calls that send a form with files."""
_DEEPEST = 200


def is_redacted(value: Any) -> bool:
    """Return whether anything in a JSON value is redacted."""
    return _has_text(value, MASK, _DEEPEST)


def is_upload(entry: JournalEntry) -> bool:
    """Return whether a call may have sent files, which the journal does not keep."""
    return _UPLOADS.fullmatch(entry.path.partition("?")[0]) is not None


def _has_text(value: Any, text: str, depth: int) -> bool:
    if isinstance(value, str):
        return text in value
    if depth == 0:
        return True
    if isinstance(value, Mapping):
        members = cast("Mapping[Any, Any]", value)
        return any(_has_text(part, text, depth - 1) for pair in members.items() for part in pair)
    if isinstance(value, list | tuple):
        return any(_has_text(item, text, depth - 1) for item in cast("Sequence[Any]", value))
    return False
