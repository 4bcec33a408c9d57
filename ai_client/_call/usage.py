"""Tokens of a call, as an answer reports them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, get_args

from pydantic_core import SchemaValidator, core_schema, from_json

from .._models.base import fields_of
from .._models.json import as_utf8
from ..errors import members_of

Source = Literal["reported", "estimated", "unknown"]
SOURCES: tuple[Source, ...] = get_args(Source)


@dataclass(slots=True)
class Usage:
    """Tokens of one call; the parts are contained in the sums.

    Attributes:
        source: Whether the API `reported` them, or they are `estimated` or `unknown`; then they are not zero but
            `None` in all that is shown.
        input, output: All tokens that went in and came out.
        model: The model that says it answered.
        cached, cache_written: Input tokens that were read from, or written to, the provider's prompt cache.
        reasoning: Output tokens spent on reasoning.
        audio_input, audio_output: Audio tokens.
        image_input, image_output: Image tokens.
        seconds: Length of transcribed audio, if it is billed by time.
        characters: Length of the spoken text.
        images: Number of generated images, if no tokens are reported for them.
    """

    source: Source
    input: int = 0
    output: int = 0
    model: str | None = None
    cached: int = 0
    cache_written: int = 0
    reasoning: int = 0
    audio_input: int = 0
    audio_output: int = 0
    image_input: int = 0
    image_output: int = 0
    seconds: float = 0.0
    characters: int = 0
    images: int = 0

    @property
    def total(self) -> int:
        """Tokens in and out."""
        return self.input + self.output

    @property
    def is_empty(self) -> bool:
        """Whether all counts are zero, which no answer can be: the server does not know its usage."""
        return not (self.input or self.output or self.has_media)

    @property
    def has_media(self) -> bool:
        """Whether anything but tokens was counted."""
        return bool(self.seconds or self.characters or self.images)


UNKNOWN = Usage("unknown")


class Meter(Protocol):
    """Meter of an answer that is read in pieces: a stream, an unread body or a session."""

    def usage(self) -> Usage:
        """Return the usage so far, and set it on the call's record."""
        ...


MOST_TOKENS = 10**9
MOST_SECONDS = 10.0**7
"""Upper bound of a plausible count; a reported count above it, or below 0, is unknown."""
_LARGE = 4096
_MODEL = re.compile(rb'"model"\s*:\s*"([^"\\]*)"')


def _outline(*names: str) -> SchemaValidator:
    """Build the validator that reads the members of an answer needed here and skips the rest."""
    field = core_schema.typed_dict_field(core_schema.any_schema(), required=False)
    return SchemaValidator(
        core_schema.typed_dict_schema(dict.fromkeys(names, field), extra_behavior="ignore")
    )


_outline_of_event = _outline("usage", "model", "response", "choices", "type", "duration")
_outline_of_usage = _outline("usage", "model", "response")


def reported(data: bytes) -> Usage | None:
    """Read the usage that a JSON answer or an event of a stream reports; `None` where it reports none.

    Of a large answer whose usage is among its outermost members only the end is parsed.
    """
    if len(data) > _LARGE:
        mark = data.rfind(b'"usage"')
        if mark < 0:
            return None
        end = _end_of(data, mark)
        if end is not None:
            return from_report(members_of(end.get("usage")), end.get("model"))
    try:
        members: Mapping[str, Any] = _outline_of_usage.validate_json(data)
    except ValueError:
        utf8 = as_utf8(data)
        return None if utf8 is None else reported(utf8)
    if "usage" not in members:
        members = members_of(members.get("response"))
    return from_report(members_of(members.get("usage")), members.get("model"))


def reported_in(result: object) -> Usage | None:
    """Return the usage that a decoded answer reports, else `None`."""
    fields = fields_of(result)
    if "usage" not in fields:
        fields = fields_of(fields.get("response"))
    return from_report(fields_of(fields.get("usage")), fields.get("model"))


def _end_of(data: bytes, mark: int) -> Mapping[str, Any] | None:
    """Parse usage and model from *mark* to the end; `None` if they are not outermost members."""
    members = _members_from(data, mark)
    if members is not None and "model" not in members:
        match = _MODEL.search(data, 0, mark)
        if match is not None and _is_outermost(data, match.start()):
            return {**members, "model": match[1].decode("utf-8", "replace")}
        mark = data.rfind(b'"model"', 0, mark)
        if mark >= 0:
            return _members_from(data, mark)
    return members


def _is_outermost(data: bytes, mark: int) -> bool:
    """Return whether the member at *mark* is an outermost one; `False` where that is not certain."""
    return data.find(b"{", 1, mark) < 0 and data.find(b"[", 0, mark) < 0


def _members_from(data: bytes, mark: int) -> Mapping[str, Any] | None:
    """Parse the outermost members from *mark* on; `None` if it is not the name of one."""
    try:
        members: Any = from_json(b"{" + data[mark:])  # else there are brackets too many at its end
    except ValueError:
        return None
    return members_of(members)


def outline_of(data: bytes) -> dict[str, Any]:
    """Read the few members of an answer or event that tell about it; none where it is not a JSON object."""
    try:
        outline: dict[str, Any] = _outline_of_event.validate_json(data)
    except ValueError:
        return {}
    return outline


def from_report(said: Mapping[str, Any], model: object = None) -> Usage | None:
    """Parse any endpoint's `usage` member; `None` if it has no tokens or implausible counts."""
    try:
        return _from_report(said, model)
    except _ImplausibleError:
        return None


def _from_report(said: Mapping[str, Any], model: object) -> Usage | None:
    get = said.get
    given, made = get("prompt_tokens"), get("completion_tokens")
    if given is not None or made is not None:
        read, written = get("prompt_tokens_details"), get("completion_tokens_details")
    else:
        given, made = get("input_tokens"), get("output_tokens")
        read = get("input_tokens_details") or get("input_token_details")
        written = get("output_tokens_details") or get("output_token_details")
    given, made = _number(given), _number(made)
    if given is None or made is None:
        total = _number(get("total_tokens"))
        if given is None and made is None and total is None:
            return _by_duration(said)
        if given is None:
            if total is None:
                return None  # what went in is not known, which is not nothing
            given = max(0, total - (made or 0))
        elif total is not None:
            made = max(0, total - given)
    named = model if isinstance(model, str) else None
    inside, outside = fields_of(read), fields_of(written)
    if not any(inside.values()) and not any(outside.values()):
        return Usage("reported", given, made or 0, named)
    return Usage(
        "reported",
        given,
        made or 0,
        named,
        _number(inside.get("cached_tokens")) or 0,
        _number(inside.get("cache_write_tokens")) or _number(inside.get("cache_creation_tokens")) or 0,
        _number(outside.get("reasoning_tokens")) or 0,
        _number(inside.get("audio_tokens")) or 0,
        _number(outside.get("audio_tokens")) or 0,
        _number(inside.get("image_tokens")) or 0,
        _number(outside.get("image_tokens")) or 0,
    )


def _by_duration(said: Mapping[str, Any]) -> Usage | None:
    """Read the usage of a transcription that is paid for by its length."""
    seconds = said.get("seconds")
    if isinstance(seconds, int | float) and seconds is not True and 0 < seconds <= MOST_SECONDS:
        return Usage("reported", seconds=float(seconds))
    return None


class _ImplausibleError(ValueError):
    """A count of tokens that no call can have."""


def _number(value: object) -> int | None:
    if value is None:
        return None
    if type(value) is not int or not 0 <= value <= MOST_TOKENS:
        raise _ImplausibleError
    return value
