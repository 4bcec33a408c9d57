"""Audio and images: expected usage before a call, and estimated usage where the response reports no tokens."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from ..._call.call import Call
from ..._call.report import outline_of
from ..._call.size import BYTES_PER_TOKEN, WARY_BYTES_PER_TOKEN
from ..._call.usage import MOST_SECONDS, Usage
from ..._params.upload_objects import uploaded
from ..asked import count_in
from .billed import PICTURES
from .estimates import text_tokens
from .image_size import Pixels, pixels_in, pixels_of
from .image_tokens import MEDIA_TOKENS
from .pictures import given_tokens, picture_tokens
from .sound import SOUND_BYTES

_SPEECH = "/audio/speech"
_HEARD = ("/audio/transcriptions", "/audio/translations")
CHARACTERS_PER_SECOND = 15
"""Speed of speech, for estimates of actual usage."""
WARY_CHARACTERS_PER_SECOND = 8
"""Speed of slow speech, for upper bounds before a call."""
SPEECH_TOKENS = 21
"""Output tokens per second of generated speech."""
SOUND_TOKENS = 17
"""Input tokens per second of audio in a request."""
TEXT_TOKENS = 4
"""Output tokens per second of transcribed audio."""
LONGEST_SOUND = 1500
"""Seconds assumed for a recording of unknown size."""
_PCM_BYTES = 48_000


def expected(call: Call) -> Usage:
    """Estimate the most that a call to an audio or image endpoint should use."""
    body = call.members()
    if call.path.endswith(_SPEECH):
        return _spoken(body, WARY_BYTES_PER_TOKEN, WARY_CHARACTERS_PER_SECOND)
    if call.path.endswith(_HEARD):
        seconds = -(-sum(map(_size, _uploads(call))) // SOUND_BYTES)
        sound = seconds * SOUND_TOKENS
        return Usage(
            "estimated",
            sound + text_tokens(str(body.get("prompt") or "")),
            seconds * TEXT_TOKENS,
            audio_input=sound,
            seconds=seconds,
        )
    count = _count(body)
    given = sum(given_tokens(body, _pixels(file), MEDIA_TOKENS) for file in _uploads(call))
    into = given + text_tokens(str(body.get("prompt") or ""), WARY_BYTES_PER_TOKEN)
    made = picture_tokens(body) * count
    return Usage("estimated", into, made, image_input=given, image_output=made, images=count)


def used(call: Call, content: bytes | None, size: int) -> Usage | None:
    """Estimate the usage of a media response that reports none.

    Args:
        call: The call.
        content: The response body, where it is available.
        size: Its size in bytes.

    Returns:
        `None` where there is nothing to estimate from.
    """
    body = call.members()
    if call.path.endswith(_SPEECH):
        spoken = _spoken(body, BYTES_PER_TOKEN, CHARACTERS_PER_SECOND)
        if body.get("response_format") not in {"wav", "pcm"}:
            return spoken
        tokens = -(-size * SPEECH_TOKENS // _PCM_BYTES)
        return replace(spoken, output=tokens, audio_output=tokens)
    if content is None:
        return None
    if call.path.endswith(_HEARD):
        seconds = _duration(content)
        return Usage("estimated", seconds=seconds) if seconds else None
    if call.path.endswith(PICTURES):
        return Usage("estimated", images=max(1, content.count(b'"b64_json"'), content.count(b'"url"')))
    return None


def _duration(content: bytes) -> float:
    """Return the `duration` in seconds of a transcription, 0 where it reports none."""
    said: Any = outline_of(content).get("duration")
    try:
        seconds = float(said)
    except (TypeError, ValueError, OverflowError):
        return 0.0
    return seconds if 0 < seconds <= MOST_SECONDS else 0.0


def _spoken(body: Mapping[str, Any], bytes_per_token: int, characters_per_second: int) -> Usage:
    text = str(body.get("input") or "")
    tokens = -(-len(text) * SPEECH_TOKENS // characters_per_second)
    into = text_tokens(text + str(body.get("instructions") or ""), bytes_per_token)
    return Usage("estimated", into, tokens, audio_output=tokens, characters=len(text))


def _count(body: Mapping[str, Any]) -> int:
    return max(1, count_in(body.get("n")) or 1)


def _uploads(call: Call) -> list[Any]:
    """Return the uploads of a call, or images that it names; one of unknown size where they can be read only once."""
    files: Any = call.files
    if files is None:
        named: Any = call.members().get("images")
        return list(cast("Sequence[Any]", named)) if isinstance(named, list | tuple) else []
    if isinstance(files, Mapping):
        return list(cast("Mapping[str, Any]", files).values())
    return [file for _, file in cast("list[Any]", files)] if isinstance(files, list) else [None]


def _pixels(file: Any) -> Pixels | None:
    """Return the size of an image to edit, `None` where it is not at hand."""
    if isinstance(file, Mapping):
        return pixels_of(cast("Mapping[str, Any]", file).get("image_url"))
    content: Any = uploaded(cast("Any", file[1]) if isinstance(file, tuple) else file).content
    return pixels_in(bytes(content)) if isinstance(content, bytes | bytearray) else None


def _size(file: Any) -> int:
    """Return the bytes of an upload; those of the longest assumed recording where they are unknown without reading."""
    content: Any = uploaded(cast("Any", file[1]) if isinstance(file, tuple) else file).content
    if isinstance(content, bytes | bytearray):
        return len(content)
    try:
        return os.stat(content if isinstance(content, str | Path) else content.fileno()).st_size  # noqa: PTH116 - a number too
    except (AttributeError, OSError, ValueError):
        return LONGEST_SOUND * SOUND_BYTES
