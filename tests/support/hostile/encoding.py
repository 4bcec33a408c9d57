"""Events as bytes, in every dialect of servers."""

import json
from typing import Literal

from tests.support.hostile.payloads import Data

Dialect = Literal["lf", "crlf", "cr", "tight", "chatty", "wordy"]
DIALECTS: tuple[Dialect, ...] = ("lf", "crlf", "cr", "tight", "chatty", "wordy")
"""How events are written: their line ends, without spaces, between comments, with ids, or with data of two lines."""


def dumps(data: object) -> bytes:
    """Encode as JSON, with characters of several bytes as they are."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()


def encode_event(data: Data | bytes, name: str | None, dialect: Dialect) -> bytes:
    """Encode one event in a dialect."""
    payload = data if isinstance(data, bytes) else dumps(data)
    lines = [] if name is None else [b"event: " + name.encode()]
    if dialect == "wordy" and payload.startswith(b"{"):
        lines += [b"data: {", b"data: " + payload[1:]]
    else:
        lines.append(b"data: " + payload)
    if dialect == "chatty":
        lines = [b": ping", b"", b"id: 7", b"retry: 10", *lines, b"unknown: x", b":"]
    if dialect == "tight":
        lines = [line.replace(b": ", b":", 1) for line in lines]
    end = {"crlf": b"\r\n", "cr": b"\r"}.get(dialect, b"\n")
    return b"".join(line + end for line in (*lines, b""))
