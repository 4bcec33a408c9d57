"""Read the usage that a chat completion reports where it tells no more than how many tokens there were."""

from collections.abc import Mapping
from typing import Any

from .._models.base import fields_of
from .usage import MOST_TOKENS, Usage

AUTO = "auto"
"""The service tier of a request that leaves it open."""
_MEMBERS = 5
"""How many members the `usage` of a chat completion has."""


def usage_of_chat(result: Any) -> Usage | None:
    """Read the usage of a decoded chat completion that holds nothing beyond its models' fields, as most do.

    Returns:
        `None` where it is anything else, or its usage tells more than how many tokens there were.
    """
    try:
        fields: Mapping[str, Any] = result.__dict__
        said = fields["usage"]
        if result.__pydantic_extra__ or said.__pydantic_extra__ or "choices" not in fields:
            return None
        counts: Mapping[str, Any] = said.__dict__
        read, written = counts["prompt_tokens_details"], counts["completion_tokens_details"]
        if (read is not None and _tells_parts_read(read)) or (
            written is not None and _tells_parts_written(written)
        ):
            return None
        usage = _plain(counts["prompt_tokens"], counts["completion_tokens"], fields["model"])
        tier = fields["service_tier"]
    except (AttributeError, KeyError):  # of another type, or without usage
        return None
    if usage is not None and tier is not None:
        usage.service_tier = _shown(tier)
    return usage


def _tells_parts_read(details: Any) -> bool:
    """Return whether the details of tokens read count any; each is looked at by name, in half the time of a loop."""
    count: Mapping[str, Any] = details.__dict__
    return bool(
        count["cached_tokens"]
        or count["audio_tokens"]
        or count["text_tokens"]
        or count["image_tokens"]
        or count["cache_write_tokens"]
        or details.__pydantic_extra__
    )


def _tells_parts_written(details: Any) -> bool:
    """Return the same for the details of tokens written."""
    count: Mapping[str, Any] = details.__dict__
    return bool(
        count["reasoning_tokens"]
        or count["audio_tokens"]
        or count["text_tokens"]
        or count["accepted_prediction_tokens"]
        or count["rejected_prediction_tokens"]
        or details.__pydantic_extra__
    )


def of_tokens_alone(said: Mapping[str, Any], model: object) -> Usage | None:
    """Parse a `usage` member of chat that names no parts of its tokens, as most do; `None` for any other."""
    if len(said) != _MEMBERS:
        return None
    try:
        given, made, _ = said["prompt_tokens"], said["completion_tokens"], said["total_tokens"]
        read, written = said["prompt_tokens_details"], said["completion_tokens_details"]
    except KeyError:
        return None
    if read is not None and any(fields_of(read).values()):
        return None
    if written is not None and any(fields_of(written).values()):
        return None
    return _plain(given, made, model)


def _plain(given: object, made: object, model: object) -> Usage | None:
    """Return the usage of so many tokens; `None` where no call can have them."""
    if type(given) is not int or type(made) is not int or given < 0 or made < 0 or given + made > MOST_TOKENS:
        return None
    return Usage("reported", given, made, model if isinstance(model, str) else None)


def service_tier_of(answer: Mapping[str, Any]) -> str | None:
    """Return the service tier that an answer, or an event of a stream, says it was served at."""
    tier = answer.get("service_tier")
    if tier is None and "response" in answer:
        tier = fields_of(answer.get("response")).get("service_tier")
    return _shown(tier)


def _shown(tier: object) -> str | None:
    return tier.lower() if isinstance(tier, str) and tier != AUTO else None
