"""Tokens of images that are made and edited, by what the models of the images API are known to count."""

import re
from collections.abc import Mapping
from typing import Any

from .image_size import Pixels

PICTURE_TOKENS = 6500
"""Output tokens per image, at most, of models that make no larger ones."""
_PARTIAL_TOKENS = 100
"""Output tokens per partial image of a stream."""
_FAITHFUL_TOKENS = 6240
"""Input tokens that an image has beside its tiles where its details are kept."""
_BASE, _TILE = 65, 129
_SIDES = {"low": 16, "medium": 48, "high": 96}
"""Of a model that makes images of any size: tokens along the longer side, by quality."""
_LARGEST = Pixels(2880, 2880)
_MOST_PIXELS = _LARGEST.width * _LARGEST.height
_SIZE = re.compile(r"(\d{1,5})x(\d{1,5})")
_FREE_SIZES = re.compile(r"gpt-image-(?:[2-9]|\d\d)")
_KEEPS_DETAILS = re.compile(r"gpt-image-(?:[2-9]|\d\d)|chatgpt-image")


def picture_tokens(body: Mapping[str, Any]) -> int:
    """Return the most output tokens of one image, by model, size and quality as a request names them."""
    partial = body.get("partial_images")
    more = _PARTIAL_TOKENS * partial if type(partial) is int and partial > 0 else 0
    if _FREE_SIZES.match(str(body.get("model"))) is None:
        return PICTURE_TOKENS + more
    pixels = _pixels(body.get("size")) or _LARGEST
    side = _SIDES.get(str(body.get("quality")), _SIDES["high"])
    long, short = max(pixels), min(pixels)
    across = (2 * side * short + long) // (2 * long)
    area = 2_000_000 + min(long * short, _MOST_PIXELS)
    return -(-side * across * area // 4_000_000) + more


def given_tokens(body: Mapping[str, Any], pixels: Pixels | None, unknown: int) -> int:
    """Return the most input tokens of an image to edit; without its details, *unknown* where its size is unknown."""
    tokens = unknown
    if pixels is not None:
        long, short = max(pixels), min(pixels)
        up, down = min(((1, 1), (2048, long), (512, short)), key=lambda scale: scale[0] / scale[1])
        tokens = _BASE + _TILE * -(-long * up // (512 * down)) * -(-short * up // (512 * down))
    kept = body.get("input_fidelity") == "high" or _KEEPS_DETAILS.match(str(body.get("model"))) is not None
    return tokens + _FAITHFUL_TOKENS if kept else tokens


def _pixels(size: object) -> Pixels | None:
    match = _SIZE.fullmatch(size) if isinstance(size, str) else None
    pixels = None if match is None else Pixels(int(match[1]), int(match[2]))
    return pixels if pixels is not None and min(pixels) > 0 else None
