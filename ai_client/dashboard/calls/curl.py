"""A call as a command of curl, for a POSIX shell."""

import json
import re
from collections.abc import Sequence
from typing import Any

_LONGEST_ARGUMENT = 100_000
"""Bytes of a body that is an argument of curl; Linux takes 128 KiB for each."""
_PLAIN = re.compile(r"[A-Za-z0-9_@%+=:,./\-]+")


def curl_command(url: str, body: Any, *, key_header: str, stream: bool) -> str:
    """Return the command that sends a JSON body, without any key.

    Args:
        url: The whole address.
        body: The body as JSON values.
        key_header: The header that authorizes it, with a variable of the shell in place of the key, such as
            `Authorization: Bearer $OPENAI_API_KEY`.
        stream: Whether the answer is streamed, and shown as it comes.
    """
    text = json_text(body)
    is_long = len(text.encode()) > _LONGEST_ARGUMENT
    words: Sequence[str] = (
        f"curl {'--no-buffer ' if stream else ''}{quoted(url)}",
        f'-H "{key_header}"',
        "-H 'Content-Type: application/json'",
        "--data-binary @-" if is_long else f"--data-raw {quoted(text)}",
    )
    command = " \\\n  ".join(words)
    # printf is a part of the shell, so that the limit of an argument does not hold for it
    return f"printf '%s' {quoted(text)} | {command}" if is_long else command


def json_text(value: Any) -> str:
    """Return a value as JSON in one line, in which everything that is not printable is escaped.

    So no character of it moves the cursor, changes the direction of the text, or ends the paste into a terminal.
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text if text.isprintable() else "".join(map(_escaped, text))


def quoted(text: str) -> str:
    """Return a text as one word of a POSIX shell that stands for the text itself."""
    if _PLAIN.fullmatch(text):
        return text
    return "'" + text.replace("'", "'\\''") + "'"


def _escaped(character: str) -> str:
    return character if character.isprintable() else json.dumps(character)[1:-1]
