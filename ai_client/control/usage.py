"""Tokens: what an answer reports, what a request will need, what a broken stream must have cost."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast

from pydantic_core import SchemaValidator, core_schema, from_json

from ..errors import members_of

if TYPE_CHECKING:
    from .call import Call

Source = Literal["reported", "estimated", "unknown"]
BYTES_PER_TOKEN = 4
"""What a token of English or code is worth, for estimates of what was used."""
WARY_BYTES_PER_TOKEN = 2
"""The same for estimates of what may be used, on the safe side for most texts."""
MEDIA_TOKENS = 1500
"""An image or file in a prompt, whatever its size in bytes."""
MESSAGE_TOKENS = 8
"""What each message costs beside its text."""
DEFAULT_OUTPUT_TOKENS = 4096
"""What an answer without a limit is taken to need."""


class Usage(NamedTuple):
    """Tokens of one call; the parts are contained in the sums.

    Attributes:
        source: Whether the API `reported` them, or they are `estimated` or `unknown`; then they are not zero but
            `None` in all that is shown.
        input, output: All tokens that went in and came out.
        cached, cache_written: Input tokens that were read from, or written to, the provider's prompt cache.
        reasoning: Output tokens that were spent on thinking.
        audio_input, audio_output: Tokens of sound.
        image_input, image_output: Tokens of pictures.
        model: The model that says it answered.
    """

    source: Source
    input: int = 0
    output: int = 0
    cached: int = 0
    cache_written: int = 0
    reasoning: int = 0
    audio_input: int = 0
    audio_output: int = 0
    image_input: int = 0
    image_output: int = 0
    model: str | None = None

    @property
    def total(self) -> int:
        """Tokens in and out."""
        return self.input + self.output


UNKNOWN = Usage("unknown")

_outline = SchemaValidator(
    core_schema.typed_dict_schema(
        {
            name: core_schema.typed_dict_field(core_schema.any_schema(), required=False)
            for name in ("usage", "model", "response", "choices", "type")
        },
        extra_behavior="ignore",
    )
)


def reported(data: bytes) -> Usage | None:
    """Read the usage that a JSON answer or an event of a stream reports; `None` where it reports none."""
    if b'"usage"' not in data:
        return None
    outline = outline_of(data)
    holder = members_of(outline.get("response")) or outline
    return from_report(members_of(holder.get("usage")), holder.get("model"))


def outline_of(data: bytes) -> dict[str, Any]:
    """Read the few members of an answer or event that tell about it; none where it is not a JSON object."""
    try:
        outline: dict[str, Any] = _outline.validate_json(data)
    except ValueError:
        return {}
    return outline


def from_report(said: Mapping[str, Any], model: object = None) -> Usage | None:
    """Turn a `usage` member, of whichever endpoint, into usage; `None` where it holds no tokens."""
    given = _number(said, "prompt_tokens", "input_tokens")
    made = _number(said, "completion_tokens", "output_tokens")
    total = _number(said, "total_tokens")
    if given is None and made is None and total is None:
        return None
    if given is None:
        given = max(0, (total or 0) - (made or 0))
    named = model if isinstance(model, str) else None
    inside = _member(said, "prompt_tokens_details", "input_tokens_details", "input_token_details")
    outside = _member(said, "completion_tokens_details", "output_tokens_details", "output_token_details")
    if not inside and not outside:
        return Usage("reported", given, made or 0, model=named)
    return Usage(
        "reported",
        given,
        made or 0,
        cached=_number(inside, "cached_tokens") or 0,
        cache_written=_number(inside, "cache_write_tokens", "cache_creation_tokens") or 0,
        reasoning=_number(outside, "reasoning_tokens") or 0,
        audio_input=_number(inside, "audio_tokens") or 0,
        audio_output=_number(outside, "audio_tokens") or 0,
        image_input=_number(inside, "image_tokens") or 0,
        image_output=_number(outside, "image_tokens") or 0,
        model=named,
    )


def text_tokens(text: str, per_token: int = BYTES_PER_TOKEN) -> int:
    """Estimate the tokens of a text from its bytes, of which other scripts than English need fewer a token."""
    if text.isascii():
        return -(-len(text) // per_token)
    return -(-len(text.encode("utf-8", "replace")) // min(per_token, 3))


def input_tokens(call: "Call", per_token: int = BYTES_PER_TOKEN) -> int:
    """Estimate the tokens of a request's prompt; media count `MEDIA_TOKENS` each."""
    body = members_of(call.body)
    return sum(
        _tokens_of(body[name], per_token)
        for name in ("messages", "input", "prompt", "instructions", "tools")
        if name in body
    )


def output_tokens(call: "Call", default: int = DEFAULT_OUTPUT_TOKENS) -> int:
    """Give the most tokens that an answer may have: the request's own limit, else *default*, per choice."""
    members = members_of(call.body)
    if call.path.endswith(("/embeddings", "/moderations")):
        return 0
    limit = next(
        (
            value
            for name in ("max_completion_tokens", "max_output_tokens", "max_tokens")
            if isinstance(value := members.get(name), int)
        ),
        default,
    )
    choices = members.get("n")
    return limit * (choices if isinstance(choices, int) and choices > 0 else 1)


def message_tokens(message: Any, per_token: int = BYTES_PER_TOKEN) -> int:
    """Estimate the tokens of one message of a conversation."""
    return _tokens_of([message], per_token)


def from_events(call: "Call", events: Sequence[bytes]) -> Usage:
    """Estimate the usage of a stream that ended before it reported any, from the text that had come."""
    if not events:
        return UNKNOWN
    model: str | None = None
    output = 0
    for data in events:
        try:
            event: Any = from_json(data)
        except ValueError:
            continue
        members = members_of(event)
        model = model or members.get("model")
        output += _said(members)
    named = model if isinstance(model, str) else None
    return Usage("estimated", input_tokens(call), -(-output // BYTES_PER_TOKEN), model=named)


def _said(event: Mapping[str, Any]) -> int:
    """Count the bytes of text and arguments in an event of any endpoint."""
    delta = event.get("delta")
    if isinstance(delta, str):
        return len(delta.encode())
    choices: Any = event.get("choices")
    if not isinstance(choices, list):
        return 0
    parts = (members_of(choice) for choice in cast("list[Any]", choices))
    return sum(_text_in(part.get("delta")) + _text_in(part.get("text")) for part in parts)


def _text_in(value: Any) -> int:
    if isinstance(value, str):
        return len(value.encode())
    if isinstance(value, list):
        return sum(_text_in(inner) for inner in cast("list[Any]", value))
    members = members_of(value)
    return sum(_text_in(inner) for name, inner in members.items() if name not in {"role", "id", "type"})


def _tokens_of(value: Any, per_token: int) -> int:
    if isinstance(value, str):
        return text_tokens(value, per_token)
    if isinstance(value, list | tuple):
        items = cast("Sequence[Any]", value)
        if items and isinstance(items[0], int):
            return len(items)
        return sum(_tokens_of(item, per_token) for item in items)
    if isinstance(value, dict | Mapping):
        members = cast("Mapping[str, Any]", value)
        if "type" in members and _is_media(members):
            return MEDIA_TOKENS
        size = MESSAGE_TOKENS if "role" in members else 0
        for item in members.values():
            size += text_tokens(item, per_token) if type(item) is str else _tokens_of(item, per_token)
        return size
    return 0 if value is None else 1


def _is_media(members: Mapping[str, Any]) -> bool:
    kind = members.get("type")
    return isinstance(kind, str) and kind.endswith(("image_url", "image", "audio", "file"))


def _number(members: Mapping[str, Any], *names: str) -> int | None:
    for name in names:
        value = members.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return max(0, value)
    return None


def _member(members: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    for name in names:
        value = members.get(name)
        if isinstance(value, Mapping):
            return cast("Mapping[str, Any]", value)
    return {}
