"""JSON in the encodings in which it may come."""

import json
from typing import Any

from pydantic_core import from_json


def load(data: bytes) -> Any:
    """Decode JSON in UTF-8, or in UTF-16 or UTF-32, with or without a byte order mark.

    Raises:
        ValueError: It is no JSON.
    """
    try:
        return from_json(data)
    except ValueError:
        utf8 = as_utf8(data)
        if utf8 is None:
            raise
    return from_json(utf8)


def as_utf8(data: bytes) -> bytes | None:
    """Encode JSON text anew that is in another encoding than plain UTF-8; `None` where it is in that, or in none."""
    encoding = json.detect_encoding(data)
    if encoding == "utf-8":
        return None
    try:
        return data.decode(encoding).encode()
    except UnicodeError:
        return None
