"""Attributes of a request: the parameters that the conventions know."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from ...._call.call import Call
from ...._call.chat_report import AUTO
from ....errors import members_of
from ..redaction.policy import Redaction
from .operations import CHAT, CONTENT, EMBEDDINGS

_INTEGERS: Mapping[str, str] = {
    "max_tokens": "gen_ai.request.max_tokens",
    "max_completion_tokens": "gen_ai.request.max_tokens",
    "max_output_tokens": "gen_ai.request.max_tokens",
    "seed": "gen_ai.request.seed",
    "top_k": "gen_ai.request.top_k",
}
_FLOATS: Mapping[str, str] = {
    "temperature": "gen_ai.request.temperature",
    "top_p": "gen_ai.request.top_p",
    "frequency_penalty": "gen_ai.request.frequency_penalty",
    "presence_penalty": "gen_ai.request.presence_penalty",
}
_TEXTS: Mapping[str, str] = {
    "reasoning_effort": "gen_ai.request.reasoning.level",
    "previous_response_id": "gen_ai.request.previous_response.id",
}
_OUTPUTS = {"json_object": "json", "json_schema": "json", "text": "text"}
"""Kinds of output by the type of a response format."""


def attributes_of(
    call: Call, body: Mapping[str, Any], operation: str, redaction: Redaction
) -> dict[str, Any]:
    """Return the attributes of a request with the members *body*, whose values may be of any type yet."""
    found: dict[str, Any] = {}
    for name, value in body.items():
        if name in _FLOATS:
            found[_FLOATS[name]] = _as_float(value)
        elif name in _INTEGERS:
            found[_INTEGERS[name]] = _as_integer(value)
        elif name in _TEXTS:
            found[_TEXTS[name]] = _text(value)
    if call.stream is not None:
        found["gen_ai.request.stream"] = True
    if (count := _as_integer(body.get("n"))) is not None and count != 1:
        found["gen_ai.request.choice.count"] = count
    if (stop := body.get("stop")) is not None:
        found["gen_ai.request.stop_sequences"] = _stops(stop, redaction)
    if operation == EMBEDDINGS:
        found["gen_ai.embeddings.dimension.count"] = _as_integer(body.get("dimensions"))
        if call.shape is None and isinstance(body.get("encoding_format"), str):  # else the client chose it
            found["gen_ai.request.encoding_formats"] = [body["encoding_format"]]
    else:
        found["gen_ai.output.type"] = _output_type(call, operation, body)
    found["gen_ai.conversation.id"] = _conversation(call, body)
    if operation == CHAT:
        _add_nested(found, body)
    return found


def service_tier_in(body: Mapping[str, Any]) -> str | None:
    """Return the service tier that a request asks for; `None` where it leaves that open."""
    tier = body.get("service_tier")
    return tier if isinstance(tier, str) and tier != AUTO else None


def _add_nested(found: dict[str, Any], body: Mapping[str, Any]) -> None:
    """Add what the parameters of a response hold inside."""
    effort = members_of(body.get("reasoning")).get("effort")
    if effort is not None:
        found["gen_ai.request.reasoning.level"] = _text(effort)
    prompt = members_of(body.get("prompt"))
    if prompt:
        found["gen_ai.prompt.name"] = _text(prompt.get("id"))
        found["gen_ai.prompt.version"] = _text(prompt.get("version"))


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _as_integer(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, float) and value.is_integer() else None


def _as_float(value: Any) -> float | None:
    if isinstance(value, float):
        return value
    return (
        float(value)
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53
        else None
    )


def _stops(stop: Any, redaction: Redaction) -> list[str] | None:
    given: Any = [stop] if isinstance(stop, str) else stop
    if not isinstance(given, list | tuple):
        return None
    return [redaction.text(one) for one in cast("Sequence[Any]", given) if isinstance(one, str)]


def _output_type(call: Call, operation: str, body: Mapping[str, Any]) -> str | None:
    """Return the kind of output that a request asks for; `None` where it does not say."""
    if operation == CONTENT:
        if call.path.endswith("/speech"):
            return "speech"
        if "/images/" in call.path:
            return "image"
        if call.path.endswith("/videos"):
            return "video"
        return "text"
    modalities = body.get("modalities")
    if isinstance(modalities, list | tuple) and "audio" in modalities:
        return "speech"
    wanted = body.get("response_format")
    if wanted is None:
        wanted = members_of(body.get("text")).get("format")
    kind = wanted if isinstance(wanted, str) else members_of(wanted).get("type")
    return _OUTPUTS.get(kind, kind) if isinstance(kind, str) else None


def _conversation(call: Call, body: Mapping[str, Any]) -> str | None:
    """Return the id of the conversation or thread that a request belongs to."""
    given = body.get("conversation")
    if given is not None:
        return _text(given) or _text(members_of(given).get("id"))
    parts = call.path.split("/", 4)
    if parts[1:2] in (["threads"], ["conversations"]) and len(parts) > 2 and parts[2] != "runs":  # noqa: PLR2004
        return parts[2].partition("?")[0]
    return None
