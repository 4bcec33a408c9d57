"""Streams of chat completions, well-formed and malformed, and where we read one otherwise than the official SDK."""

from tests.support.hostile.encoding import dumps
from tests.support.hostile.payloads import Data

Outcome = tuple[int, str]
"""How many items are read, and whether the stream was `whole` or ended in an `error`."""


def chunk(text: str, reason: str | None = None, **more: object) -> Data:
    """Return one chunk."""
    choice: Data = {"index": 0, "delta": {"content": text}, "finish_reason": reason}
    return {
        "id": "1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [choice],
        **more,
    }


def event(data: object, before: bytes = b"", *, end: bytes = b"\n") -> bytes:
    """Return one event; *before* are lines of its own."""
    text = data if isinstance(data, bytes) else dumps(data)
    return before + b"data: " + text + 2 * end


A, B, Z = chunk("Grüße 😀"), chunk("b"), chunk("", "stop")
DONE = event(b"[DONE]")
START = event(A) + event(B)
WHOLE = START + event(Z) + DONE
ERROR: Data = {"error": {"message": "It failed.", "type": "server_error", "param": None, "code": None}}
_LINES = WHOLE.split(b"\n")

WELL_FORMED: dict[str, bytes] = {
    "plain": WHOLE,
    "lines end with CR LF": WHOLE.replace(b"\n", b"\r\n"),
    "lines end with CR": WHOLE.replace(b"\n", b"\r"),
    "line ends mixed": event(A, end=b"\r\n") + event(B, end=b"\r") + event(Z) + DONE,
    "no space after the colon": WHOLE.replace(b"data: ", b"data:"),
    "two spaces after the colon": WHOLE.replace(b"data: {", b"data:  {"),
    "comments": b": hello\n\n" + event(A, b": a comment\n") + b":\n\n" + event(B) + event(Z) + DONE,
    "ids and times": event(A, b"id: 1\nretry: 100\n") + event(B, b"id\n") + event(Z, b"id: 3\n") + DONE,
    "unknown fields": event(A, b"color: red\nnonsense\n") + event(B) + event(Z) + DONE,
    "named events": event(A, b"event: chunk\n") + event(B, b"event: message\n") + event(Z) + DONE,
    "an empty name": event(A, b"event:\n") + event(Z) + DONE,
    "empty lines first": b"\n\n\n" + WHOLE,
    "empty lines between": START + b"\n\n\n" + event(Z) + DONE,
    "data of two lines": event(dumps(A).replace(b'{"id"', b'{\ndata: "id"')) + event(Z) + DONE,
    "data of two lines with CR LF": (
        event(dumps(A).replace(b'{"id"', b'{\ndata: "id"')) + event(Z) + DONE
    ).replace(b"\n", b"\r\n"),
    "spaces around JSON": event(b" \t" + dumps(A) + b"  ") + event(Z) + DONE,
    "the end mark twice": WHOLE + DONE,
    "events after the end mark": WHOLE + event(B),
    "nonsense after the end mark": WHOLE + b"\xff\x00 not an event",
    "the end mark without its space": START + event(Z) + b"data:[DONE]\n\n",
    "the end mark with more behind it": START + event(Z) + b"data: [DONE] bye\n\n",
    "the end mark with a name": START + event(Z) + b"event: done\ndata: [DONE]\n\n",
    "the end mark without a reason": START + DONE,
    "a reason without the end mark": START + event(Z),
    "an unterminated end mark": START + event(Z) + b"data: [DONE]",
    "an unterminated comment": START + event(Z) + b": bye",
    "line separators in text": event(chunk("a\u2028b\u2029c\u0085d\x0b")) + event(Z) + DONE,
    "escapes": event(dumps(A).replace("ü".encode(), b"\\u00fc")) + event(Z) + DONE,
    "an error that is null": event(chunk("a", error=None)) + event(Z) + DONE,
    "members nobody knows": event(chunk("a", obfuscation="xyz", more={"a": [1]})) + event(Z) + DONE,
    "the word error in text": event(chunk('{"error": {"message": "no"}}')) + event(Z) + DONE,
    "an unusual reason": START + event(chunk("", "because")) + DONE,
    "a chunk without choices": event({**A, "choices": []}) + event(Z) + DONE,
    "no usage": event({**Z, "usage": None}) + DONE,
    "a long line": event(chunk("x" * 200_000)) + event(Z) + DONE,
    "an error": START + event(ERROR),
    "an error with a name": START + event(ERROR, b"event: error\n"),
    "an error first": event(ERROR) + WHOLE,
    "an error without a message": START + event({"error": {"code": 1}}),
    "an error that is text": START + event({"error": "It failed."}),
    "no JSON": START + event(b"{nonsense") + event(Z) + DONE,
    "JSON that breaks off": START + event(dumps(B)[:20]) + event(Z) + DONE,
}
"""Read by both in the same way."""

DIFFERENT: dict[str, tuple[bytes, Outcome, Outcome, str]] = {
    "nothing": (b"", (0, "error"), (0, "whole"), "a stream without its end mark is not whole"),
    "comments alone": (
        b": ping\n\n",
        (0, "error"),
        (0, "whole"),
        "a stream without its end mark is not whole",
    ),
    "neither reason nor end mark": (
        START,
        (2, "error"),
        (2, "whole"),
        "a stream without its end mark is not whole",
    ),
    "an unterminated last event": (
        START + event(Z).rstrip(b"\n"),
        (2, "error"),
        (2, "whole"),
        "a stream without its end mark is not whole",
    ),
    "an unterminated event that breaks off": (
        START + b"data: " + dumps(B)[:20],
        (2, "error"),
        (2, "whole"),
        "a stream without its end mark is not whole",
    ),
    "a byte order mark": (
        b"\xef\xbb\xbf" + WHOLE,
        (3, "whole"),
        (2, "whole"),
        "a body may begin with one; the SDK takes it for a part of the first field's name",
    ),
    "a name without data": (
        b"event: ping\n\n" + WHOLE,
        (3, "whole"),
        (0, "error"),
        "an event without data is none; the SDK decodes its data as JSON",
    ),
    "an id without data": (
        b"id: 7\n\n" + WHOLE,
        (3, "whole"),
        (0, "error"),
        "an event without data is none; the SDK decodes its data as JSON",
    ),
    "half a surrogate pair": (
        event(dumps(chunk("here")).replace(b"here", b"a\\ud83d")) + event(Z) + DONE,
        (2, "whole"),
        (2, "whole"),
        "half a character is U+FFFD; the SDK gives a string that cannot be encoded",
    ),
    "bytes that are no text in a name": (
        START + b"event: \xff\n" + event(Z) + DONE,
        (3, "whole"),
        (2, "error"),
        "names say nothing about chunks; the SDK decodes every line",
    ),
}
"""Bodies, what we read of them and what the SDK reads, and why we do otherwise."""
