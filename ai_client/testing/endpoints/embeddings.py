"""Embeddings: unit vectors derived from a digest of the input."""

import base64
import math
from array import array
from hashlib import shake_128
from typing import Any

from ai_client.testing import text
from ai_client.testing.reply import Reply, dumps
from ai_client.testing.request import Refused, Request
from ai_client.testing.shapes import is_list

_DIMENSIONS = {"text-embedding-3-large": 3072}
_DEFAULT_DIMENSIONS = 1536


def create(request: Request) -> Reply:
    """Answer `POST /embeddings`, with floats or base64 of little-endian 32-bit floats."""
    model = request.model
    request.require("input")
    data = request.data
    inputs = _inputs(data["input"])
    dimensions = request.number_of("dimensions") or _DIMENSIONS.get(model, _DEFAULT_DIMENSIONS)
    encode = _base64 if data.get("encoding_format") == "base64" else list[float]
    items = [
        {"object": "embedding", "index": index, "embedding": encode(vector(item, dimensions))}
        for index, item in enumerate(inputs)
    ]
    total = sum(text.count(item) if isinstance(item, str) else len(item) for item in inputs)
    usage = {"prompt_tokens": total, "total_tokens": total}
    return Reply(json={"object": "list", "data": items, "model": model, "usage": usage})


def vector(item: str | list[int], dimensions: int) -> "array[float]":
    """Return the unit vector of an input; equal inputs have equal vectors."""
    seed = item.encode(errors="replace") if isinstance(item, str) else dumps(item)
    values = array("h", shake_128(seed).digest(2 * dimensions))
    length = math.hypot(*values) or 1.0
    return array("f", [value / length for value in values])


def _inputs(given: Any) -> list[Any]:
    if isinstance(given, str):
        return [given]
    if not is_list(given) or not given:
        raise Refused(400, "'input' must be a string or a list that is not empty.", param="input")
    return [given] if isinstance(given[0], int) else given


def _base64(values: "array[float]") -> str:
    return base64.b64encode(values.tobytes()).decode()
