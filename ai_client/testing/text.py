"""The built-in texts of the upstream: long enough to watch a stream, and a function of the request alone."""

import re
from typing import Any
from zlib import crc32

from ai_client.testing.shapes import is_list, is_object

_OPENINGS = (
    "Happy to help!",
    "Good question.",
    "Thank you for asking.",
    "Let me see.",
)

_BODY = (
    "This answer comes from the offline upstream that ships with ai_client, so it costs nothing and needs no "
    "network. It is made from your request and from nothing else: ask the same thing again and you will read "
    "the same words. Each word travels as an event of its own, as a real model would send it, so you can "
    "build and test a chat page with it. Give the client a key and the base URL of a real API, and "
    "everything around it stays as it is."
)

_TOKEN = re.compile(r"\s*\S+|\s+$")


def answer(prompt: str, index: int = 0) -> str:
    """Return the text that answers *prompt*; *index* is that of the choice."""
    opening = _OPENINGS[(crc32(prompt.encode(errors="replace")) + index) % len(_OPENINGS)]
    asked = " ".join(prompt.split())
    if len(asked) > 120:  # noqa: PLR2004 -- about a line of the page
        asked = asked[:119].rstrip() + "…"
    quoted = f" You wrote: “{asked}”." if asked else ""
    return f"{opening}{quoted} {_BODY}"


def tokens(text: str) -> list[str]:
    """Split a text into the chunks in which it is streamed: words with the space before them."""
    return _TOKEN.findall(text)


def count(text: str) -> int:
    """Estimate the tokens of a prompt: one per four characters."""
    return (len(text) + 3) // 4


def plain(content: Any) -> str:
    """Return the text of a message's content, which is a string or a list of parts."""
    if isinstance(content, str):
        return content
    parts = content if is_list(content) else []
    return " ".join(str(part["text"]) for part in parts if is_object(part) and "text" in part)
