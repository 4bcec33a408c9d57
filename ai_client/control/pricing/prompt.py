"""Size of the prompt in a request body: texts, images, sounds, files, and what the request refers to."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, cast

from ..._call.size import Size
from ..._params.encoding import encode
from ..._params.omit import is_mark
from ...errors import members_of
from .documents import document_size
from .image_size import decoded, encoded_in, pixels_of
from .image_tokens import MEDIA_TOKENS, image_tokens
from .sound import seconds_in

MESSAGE_TOKENS = 8
"""Tokens that each message adds to its text."""
_LIKELY_SOUND_TOKENS, _MOST_SOUND_TOKENS = 10, 32
"""Input tokens per second of a recording, of OpenAI's models and of any that is known."""
_CONTENT = ("messages", "additional_messages", "input", "prompt", "instructions", "additional_instructions")
_NO_PROMPT = frozenset(
    """
    model metadata user safety_identifier prompt_cache_key prompt_cache_retention store service_tier
    stream stream_options include background truncation previous_response_id conversation assistant_id
    n best_of max_tokens max_completion_tokens max_output_tokens max_prompt_tokens max_tool_calls stop echo seed
    temperature top_p top_logprobs logprobs presence_penalty frequency_penalty logit_bias
    modalities audio reasoning reasoning_effort verbosity parallel_tool_calls encoding_format dimensions
    """.split()  # noqa: SIM905 - a list of them takes a line each
)
"""Members that a model does not read."""
_IMAGES = ("image_url", "image", "screenshot", "image_generation_call")
_SOUNDS = ("audio",)
_FILES = ("file",)
_OTHERS = ("video", "video_url")
_MEDIA = (*_IMAGES, *_SOUNDS, *_FILES, *_OTHERS)
_LISTS = (list, tuple)
_ACTION = "screenshot"
"""A step of a computer call, which asks for an image and holds none."""


def is_media(members: Mapping[str, Any]) -> bool:
    """Return whether a part of a message, or an item, is an image, a sound, a video or a file."""
    kind = members.get("type")
    return isinstance(kind, str) and kind.endswith(_MEDIA) and kind != _ACTION


def add_body(size: Size, body: Mapping[str, Any], *, is_form: bool = False) -> None:
    """Add all of a body that a model reads; of a form, only its texts."""
    model = body.get("model")
    for name, value in body.items():
        if name in _NO_PROMPT or is_mark(value):
            continue
        if name in _CONTENT:
            add_content(size, value, model)
        elif value is not None and not is_form:
            size.add_bytes(encode(value))


def add_content(size: Size, value: Any, model: object = None) -> None:
    """Add the texts and media in messages, input or a prompt, for the *model* that reads them."""
    if isinstance(value, str):
        size.add_text(value)
    elif isinstance(value, _LISTS):
        items = cast("Sequence[Any]", value)
        if items and isinstance(items[0], int):
            size.counted += len(items)
        else:
            for item in items:
                if item.__class__ is dict:
                    _add_members(size, item, model)
                else:
                    add_content(size, item, model)
    elif isinstance(value, dict | Mapping):
        _add_members(size, cast("Mapping[str, Any]", value), model)
    elif hasattr(value, "model_dump"):  # a message of an earlier answer
        _add_members(size, value.model_dump(exclude_unset=True), model)
    elif value is not None:
        size.counted += 1


def add_unseen(size: Size, body: Mapping[str, Any], *, is_run: bool = False) -> None:
    """Count what a request refers to and does not hold: earlier turns, a stored prompt, an assistant.

    A run reads its thread and its assistant, no more of them than its `max_prompt_tokens`.
    """
    size.unseen += sum(bool(body.get(name)) for name in ("previous_response_id", "conversation"))
    if members_of(body.get("prompt")).get("id"):
        size.unseen += 1
    if _has_references(body.get("input")):  # all of them are parts of what the provider keeps
        size.unseen += 1
    if is_run:
        most = body.get("max_prompt_tokens")
        if type(most) is int and most >= 0:
            size.spare += most
        else:
            size.unseen += 1


def _has_references(items: Any) -> bool:
    """Return whether the input has references to items that the provider keeps, which may lack a type."""
    if not isinstance(items, _LISTS):
        return False
    each = (members_of(item) for item in cast("Sequence[Any]", items))
    return any(
        "id" in one and one.get("type", "item_reference") == "item_reference" and "role" not in one
        for one in each
    )


def _add_members(size: Size, members: Mapping[str, Any], model: object) -> None:
    if "type" in members and is_media(members):
        _add_media(size, members, model)
        return
    if "role" in members:
        size.counted += MESSAGE_TOKENS
    for item in members.values():
        if type(item) is str:  # nearly all are
            size.add_text(item)
        else:
            add_content(size, item, model)


def _add_media(size: Size, members: Mapping[str, Any], model: object) -> None:
    kind: str = members["type"]
    if kind.endswith(_FILES):
        _add_file(size, {**members_of(members.get("file")), **members}, model)
    elif kind.endswith(_SOUNDS):
        _add_sound(size, members)
    elif kind.endswith(_IMAGES):
        inner = _members(members.get("image_url"))
        source = inner.get("url") if inner else members.get("image_url")
        for name in ("result", "url", "b64_json"):
            source = source or members.get(name)
        source = source or _members(members.get("source")).get("data")
        detail = members.get("detail") or inner.get("detail")
        size.add_media(*image_tokens(model, pixels_of(source), detail))
    else:
        size.counted += MEDIA_TOKENS
        size.unseen += 1


def _add_file(size: Size, members: Mapping[str, Any], model: object) -> None:
    found = document_size(members.get("file_data"), model)
    if found is None:
        size.counted += MEDIA_TOKENS
        size.unseen += 1
    else:
        size.add_media(*found)


def _add_sound(size: Size, members: Mapping[str, Any]) -> None:
    given = _members(members.get("input_audio")) or members
    encoded = encoded_in(given.get("data"))
    if encoded is None:  # at an address, or in an earlier answer
        size.counted += MEDIA_TOKENS
        size.unseen += 1
        return
    seconds = seconds_in(decoded(encoded))
    size.add_media(math.ceil(seconds * _LIKELY_SOUND_TOKENS), math.ceil(seconds * _MOST_SOUND_TOKENS))


def _members(value: Any) -> Mapping[str, Any]:
    """Return the members of a mapping or a model, empty where it is neither."""
    if hasattr(value, "model_dump"):
        return cast("Mapping[str, Any]", value.model_dump(exclude_unset=True))
    return members_of(value)
