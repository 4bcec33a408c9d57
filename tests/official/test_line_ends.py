"""Streams whose lines end in any way, through the official client over ours, under a policy that sees each event."""

import pytest

from ai_client.control import Cost
from ai_client.interop import official
from ai_client.testing import Upstream, sse
from tests.support.chat_scripts import texts
from tests.support.invoke import CHAT, Invoke

PIECES = ["a", "b", "c"]
MARK = b"data: [DONE]"
ENDS = {"no mark": b"", "a mark": MARK + b"\n\n", "half a mark": MARK}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("size", [10**6, 1, 7])
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"], ids=["LF", "CRLF", "CR"])
def test_each_event_is_read_once(
    invoke: Invoke, upstream: Upstream, line_end: bytes, size: int, end: bytes
) -> None:
    """Each event arrives once, in whatever pieces, with and without a mark at the end."""
    body = (b"".join(map(sse, texts(PIECES))) + end).replace(b"\n", line_end)
    upstream.reply(
        chunks=[body[at : at + size] for at in range(0, len(body), size)],
        headers={"content-type": "text/event-stream"},
    )
    made = official(invoke.client(layers=[Cost()], max_retries=0))
    stream = invoke(made.chat.completions.create, **CHAT, stream=True)
    items = [item.choices[0].delta.content or "" for item in invoke.collect(stream) if item.choices]
    assert [text for text in items if text] == PIECES
