"""The record of a call, which policies fill in for each other and for hooks, logs and traces."""

from typing import Any

from .._call.call import Call
from .._call.labels import current_labels
from .._call.record import Record


def record_of(call: Call) -> Record:
    """Return the record of a call; create it on first use."""
    record = call.record
    if record is None:
        record = call.record = Record(current_labels(), _model_in(call))
    return record


def _model_in(call: Call) -> str | None:
    body = call.body
    model = body.get("model") if type(body) is dict else call.members().get("model")  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    return model if isinstance(model, str) else None


def note_model(call: Call, record: Record) -> None:
    """Note the model that a call is about to be sent to, where a policy of the application has chosen another."""
    model = _model_in(call)
    if model is not None and model != (record.target_model or record.model):
        record.target = record.target_model = model


def call_record(result: Any) -> Record | None:
    """Return the record of the call behind a result or stream: tokens, cost, target, cache.

    Returns:
        `None` where no policy that keeps a record was configured.
    """
    record: Record | None = getattr(result, "_call_record", None)
    return record
