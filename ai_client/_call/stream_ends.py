"""End marks of streams, as the API documents them; a stream without one may be half an answer."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

from .._models.json import load
from ..errors import members_of

StreamEndPolicy: TypeAlias = Literal["required", "optional"]
"""Whether a stream that ends without an end mark counts as broken off, or is believed."""
DONE = b"[DONE]"
"""The data of the event that ends a stream of any kind."""


@dataclass(frozen=True, slots=True)
class Ends:
    """How the streams of an endpoint end, beside `[DONE]`.

    Attributes:
        marks: What a message calls its end marks.
        choices: Whether each choice gives the reason of its end.
        last: Types of events after which nothing is to come.
        final: Types of events that end a stream, though others may follow.
        each: Types of events of which one comes for each of the `n` results.
        beside: Whether the type of an event stands beside its data, and not in it.
    """

    marks: str
    choices: bool = False
    last: tuple[str, ...] = ()
    final: tuple[str, ...] = ()
    each: tuple[str, ...] = ()
    beside: bool = False


_CHOICES = Ends("`finish_reason` or `[DONE]`", choices=True)
_RESPONSE = Ends(
    "`response.completed`, `response.incomplete` or `response.failed`",
    last=("response.completed", "response.incomplete", "response.failed"),
    final=("error",),
)
_STATUSES = frozenset({"completed", "incomplete", "failed", "cancelled"})
_TRANSCRIPT = Ends("`transcript.text.done`", last=("transcript.text.done",))
_SPEECH = Ends("`speech.audio.done`", last=("speech.audio.done",))
_IMAGES = Ends("`image_generation.completed`", each=("image_generation.completed", "image_edit.completed"))
_RUN = Ends(
    "`[DONE]` or the end of the run",
    final=(
        "thread.run.requires_action",
        "thread.run.completed",
        "thread.run.incomplete",
        "thread.run.failed",
        "thread.run.cancelled",
        "thread.run.expired",
        "error",
    ),
    beside=True,
)
_UNKNOWN = Ends("`[DONE]`")
_BY_PATH: tuple[tuple[re.Pattern[str], Ends], ...] = tuple(
    (re.compile(rf"(?:^|/){path}/?$"), ends)
    for path, ends in (
        (r"completions", _CHOICES),
        (r"responses(?:/[^/]+)?", _RESPONSE),
        (r"audio/(?:transcriptions|translations)", _TRANSCRIPT),
        (r"audio/speech", _SPEECH),
        (r"images/(?:generations|edits)", _IMAGES),
        (r"threads(?:/[^/]+)?/runs(?:/[^/]+/submit_tool_outputs)?", _RUN),
    )
)
_BY_TYPE: tuple[tuple[str, Ends], ...] = (
    ("response.", _RESPONSE),
    ("transcript.", _TRANSCRIPT),
    ("speech.", _SPEECH),
    ("image_", _IMAGES),
    ("thread.", _RUN),
)
_found: dict[str, Ends] = {}
_PATHS_KEPT = 1000


def ends_of(path: str) -> Ends:
    """Return how the streams of an endpoint end; of a path that the API lacks, nothing but `[DONE]` is known."""
    ends = _found.get(path)
    if ends is None:
        bare = path.partition("?")[0]
        ends = next((ends for pattern, ends in _BY_PATH if pattern.search(bare)), _UNKNOWN)
        if len(_found) < _PATHS_KEPT:
            _found[path] = ends
    return ends


def is_whole(ends: Ends, events: Sequence[bytes], body: object) -> bool:
    """Return whether a stream without `[DONE]` is a complete answer.

    A stream of an endpoint that the API does not have is judged by what its events look like. Where they look like
    none of the API's, they have no end mark that could be missing, and any event will do.

    Args:
        ends: How the endpoint's streams end.
        events: The data of all that came.
        body: What was asked for, whose `n` says how many results must have ended.
    """
    if ends is _UNKNOWN:
        ends = _guess(events)
    if ends is _UNKNOWN:
        return bool(events)
    if ends.choices:
        return _choices_ended(events, _asked_for(body))
    if ends.each:
        return sum(type_of(data) in ends.each for data in events) >= _asked_for(body)
    if any(type_of(data) in (*ends.last, *ends.final) for data in reversed(events)):
        return True
    return ends is _RESPONSE and any(map(_is_over, events[-1:]))


def _is_over(data: bytes) -> bool:
    """Return whether an event holds a response with a final status, whatever the event's type."""
    return members_of(_members(data).get("response")).get("status") in _STATUSES


def type_of(data: bytes) -> object:
    """Return the type that an event names in its data; `None` where it names none."""
    members = _members(data)
    return members.get("type", members.get("event"))


def _guess(events: Sequence[bytes]) -> Ends:
    """Choose the endpoint of the API whose events these look like."""
    for data in events:
        members = _members(data)
        if isinstance(members.get("choices"), list):
            return _CHOICES
        kind = members.get("type", members.get("event"))
        if isinstance(kind, str):
            for prefix, ends in _BY_TYPE:
                if kind.startswith(prefix):
                    return ends
    return _UNKNOWN


def _choices_ended(events: Sequence[bytes], asked_for: int) -> bool:
    begun: set[str] = set()
    ended: set[str] = set()
    for data in events:
        choices = _members(data).get("choices")
        for choice in cast("list[Any]", choices) if isinstance(choices, list) else ():
            members = members_of(choice)
            index = repr(members.get("index", 0))
            begun.add(index)
            if members.get("finish_reason"):
                ended.add(index)
    return len(ended) >= asked_for and begun == ended


def _asked_for(body: object) -> int:
    """Return how many results a call asks for: `n`, for each prompt of a list of them."""
    members = members_of(body)
    n, prompt = members.get("n"), members.get("prompt")
    results = n if type(n) is int and n > 0 else 1
    if isinstance(prompt, list | tuple):
        prompts = cast("Sequence[Any]", prompt)
        if prompts and not isinstance(prompts[0], int):
            results *= len(prompts)
    return results


def _members(data: bytes) -> Mapping[str, Any]:
    try:
        return members_of(load(data))
    except ValueError:
        return {}
