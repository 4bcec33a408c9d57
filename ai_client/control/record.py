"""What policies note about a call, for each other and for those who watch."""

from typing import TYPE_CHECKING, Any

from .._call.labels import current_labels
from .._call.record import Record
from ..errors import members_of

if TYPE_CHECKING:
    from .._call.call import Call


def record_of(call: "Call") -> Record:
    """Give the record of a call, begun where there is none yet."""
    record = call.record
    if record is None:
        model = members_of(call.body).get("model")
        record = call.record = Record(current_labels(), model if isinstance(model, str) else None)
    return record


def call_record(result: Any) -> Record | None:
    """Give what is known of the call behind a result or stream: tokens, cost, target, cache.

    `None` where no policy was configured that takes notes.
    """
    record: Record | None = getattr(result, "_call_record", None)
    return record
