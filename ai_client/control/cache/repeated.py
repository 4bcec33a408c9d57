"""Members that are not compared and that responses repeat: a replay repeats those of its own request."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from pydantic_core import from_json, to_json

from ..._call.call import Call
from ...errors import members_of
from .entry import Entry
from .ignored import Ignored

_REPEATS = "/responses"
"""The end of the paths whose responses repeat parameters of their requests."""


def repeated_of(call: Call, ignored: Ignored) -> Mapping[str, Any]:
    """Return the members of a call, as JSON, that its response repeats though they are not compared."""
    if not call.path.endswith(_REPEATS) or ignored.members.isdisjoint(call.members()):
        return {}
    members = members_of(from_json(call.encoded()))
    return {name: members[name] for name in ignored.members if members.get(name) is not None}


def adapted(entry: Entry, own: Mapping[str, Any]) -> Entry | None:
    """Return an entry whose response repeats *own* members; `None` where that cannot be done to it."""
    if entry.repeated == own:
        return entry
    kinds = dict(entry.headers)
    if "content-encoding" in kinds:
        return None
    members = {name: own.get(name) for name in {*entry.repeated, *own}}
    body = b"".join(entry.chunks)
    try:
        if kinds.get("content-type", "").startswith("text/event-stream"):
            lines = [_adapted_line(line, members) for line in body.split(b"\n")]
            body = b"\n".join(lines)
        else:
            body = to_json(_adapted(from_json(body), members))
    except ValueError:
        return None
    return replace(entry, chunks=(body,), repeated=own)


def _adapted_line(line: bytes, members: Mapping[str, Any]) -> bytes:
    """Return a line of a stream, in which an event may hold the response as it is so far.

    Raises:
        ValueError: Its data are no JSON.
    """
    if not line.startswith(b"data:") or b'"response"' not in line:
        return line
    event = from_json(line.removeprefix(b"data:"))
    response = members_of(event).get("response")
    if not isinstance(response, dict):
        return line
    return b"data: " + to_json({**event, "response": _adapted(response, members)})


def _adapted(response: Any, members: Mapping[str, Any]) -> Any:
    if not isinstance(response, dict):
        return response
    found = cast("dict[str, Any]", response)
    changed = {name: members[name] for name in found if name in members}
    if changed.get("metadata", ...) is None:
        changed["metadata"] = {}  # as the API has it
    return {**found, **changed}
