"""Which responses may be replayed: complete, non-empty ones that neither failed nor were cut off."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from pydantic_core import from_json

from ..._answers.sse import SSEDecoder
from ..._call.call import Call
from ..._call.stream_ends import DONE, Ends, ends_of, is_whole
from ..._models.base import is_model
from ..._models.json import load
from ...errors import members_of

_LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens")
_STOPPED = frozenset({"content_filter", "error", "abort", "cancelled"})
_CONTENTS = ("content", "tool_calls", "function_call", "refusal", "audio")
_LISTS = {"/embeddings": ("data", "embedding"), "/moderations": ("results", "categories")}


def is_keepable(call: Call, kind: str, content: bytes) -> bool:
    """Return whether a body may be replayed for an equal call.

    Rejected are streams without their end mark, responses that failed, are incomplete, empty or stopped by a
    content filter, texts cut at a limit that the caller did not set, and pages and texts in place of an answer.

    Args:
        call: The call that it answers.
        kind: Its content type.
        content: The body, without its content encoding.
    """
    if not content:
        return False
    kind = kind.partition(";")[0].strip().lower()
    if kind == "text/event-stream" or call.stream is not None:
        return _is_keepable_stream(call, content)
    try:
        answer = members_of(load(content))
    except ValueError:
        return not (kind.endswith("json") or kind == "text/html" or _gives_an_object(call))
    if not answer:
        return False
    return _is_keepable_answer(call, answer)


def _is_keepable_stream(call: Call, content: bytes) -> bool:
    decoder = SSEDecoder()
    events = [data for data, _ in [*decoder.feed(content), *decoder.flush()]]
    is_done = DONE in events
    if is_done:
        events = events[: events.index(DONE)]
    ends = ends_of(call.path)
    if not events or not (is_done or is_whole(ends, events, call.body)):
        return False
    items = [_members(data) for data in events]
    if not all(items) or any(item.get("error") for item in items):
        return False
    if ends.choices:
        if not is_done and _asks_for_usage(call) and not any(item.get("usage") for item in items):
            return False  # it comes last, so that the end is missing
        return _are_keepable(call, [choice for item in items for choice in _list(item, "choices")])
    if "response.completed" in ends.last:
        last = [item for item in items if item.get("type") in ends.last][-1:]
        said = any(item.get("delta") for item in items)
        return any(
            item.get("type") == "response.completed" and _has_completed(item.get("response"), said=said)
            for item in last
        )
    return not any(item.get("type") == "error" for item in items)


def _asks_for_usage(call: Call) -> bool:
    options = members_of(call.members().get("stream_options"))
    return options.get("include_usage") is True


def _is_keepable_answer(call: Call, answer: Mapping[str, Any]) -> bool:
    if answer.get("error"):
        return False
    ends: Ends = ends_of(call.path)
    if ends.choices:
        return _are_keepable(call, _list(answer, "choices"))
    if "response.completed" in ends.last:
        return _has_completed(answer)
    for path, (name, member) in _LISTS.items():
        if call.path.endswith(path):
            results = _list(answer, name)
            return bool(results) and all(members_of(result).get(member) for result in results)
    return answer.get("status") not in {"failed", "incomplete", "cancelled"}


def _gives_an_object(call: Call) -> bool:
    """Return whether the API answers a call by an object, and not by sound, a picture or a text."""
    ends: Ends = ends_of(call.path)
    is_text = ends.choices or "response.completed" in ends.last
    return is_text or call.path.endswith(tuple(_LISTS)) or is_model(call.cast_to)


def _are_keepable(call: Call, choices: Iterable[Any]) -> bool:
    """Return whether every choice has content and none was stopped; *choices* are whole or stream deltas."""
    says: dict[str, bool] = {}
    for choice in map(members_of, choices):
        reason = choice.get("finish_reason")
        if reason in _STOPPED or (reason == "length" and not _is_limited_by_caller(call)):
            return False
        index = repr(choice.get("index", 0))
        message = members_of(choice.get("message") or choice.get("delta"))
        says[index] = bool(
            says.get(index) or choice.get("text") or any(message.get(name) for name in _CONTENTS)
        )
    return bool(says) and all(says.values())


def _has_completed(response: object, *, said: bool = False) -> bool:
    members = members_of(response)
    if members.get("status", "completed") != "completed" or members.get("error"):
        return False
    return said or any(map(_says, _list(members, "output")))


def _says(item: object) -> bool:
    """Return whether an output item is more than reasoning or an empty message."""
    members = members_of(item)
    if members.get("type") == "message":
        parts = map(members_of, _list(members, "content"))
        return any(part.get("text") or part.get("refusal") for part in parts)
    return bool(members) and members.get("type") != "reasoning"


def _is_limited_by_caller(call: Call) -> bool:
    if call.record is not None and call.record.output_capped:
        return False
    body = call.members()
    return any(type(body.get(name)) is int for name in _LIMITS)


def _list(members: Mapping[str, Any], name: str) -> Sequence[Any]:
    found = members.get(name)
    return cast("list[Any]", found) if isinstance(found, list) else ()


def _members(data: bytes) -> Mapping[str, Any]:
    try:
        return members_of(from_json(data))
    except ValueError:
        return {}
