"""JSON in the encodings in which it may come."""

import json
from typing import TYPE_CHECKING, Any, cast

from pydantic_core import from_json

from ..errors import InvalidResultError

if TYPE_CHECKING:
    import httpx


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


def load_answer(response: "httpx.Response") -> object:
    """Decode the JSON of an answer that was read, for who asks for just that.

    Raises:
        InvalidResultError: It is no JSON; also a `ValueError`.
    """
    try:
        return cast("object", load(response.content))
    except ValueError as error:
        raise InvalidResultError(response, None, message="The answer is not JSON.") from error


def as_utf8(data: bytes) -> bytes | None:
    """Encode JSON text anew that is in another encoding than plain UTF-8; `None` where it is in that, or in none."""
    encoding = json.detect_encoding(data)
    if encoding == "utf-8":
        return None
    try:
        return data.decode(encoding).encode()
    except UnicodeError:
        return None
