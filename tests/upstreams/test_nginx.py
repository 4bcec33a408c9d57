"""Calls through nginx: what it holds back, compresses, retires and answers itself."""

import io
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from ai_client.testing import Gate, Reply, Upstream, sse
from tests.support.chat_scripts import texts
from tests.support.invoke import no_waiting
from tests.support.nginx import Nginx, behind_nginx
from tests.support.ports import free_port
from tests.upstreams.conftest import Caller

pytestmark = pytest.mark.slow

KEPT = "proxy_http_version 1.1; proxy_set_header Connection '';"
UNBUFFERED = f"{KEPT} proxy_buffering off;"
GZIP = "gzip on; gzip_min_length 0; gzip_types application/json text/event-stream; gzip_proxied any;"
WORDS = ["The", " answer", " is", " 42", "."]
EVENTS = [sse(chunk) for chunk in texts(WORDS)]
DONE = sse("[DONE]")

Start = Callable[..., Nginx]


@pytest.fixture
def start(upstream: Upstream, tmp_path: Path) -> Iterator[Start]:
    """Return what runs nginx before the upstream, with directives of the test."""
    with ExitStack() as stack:

        def start(directives: str = KEPT, target: str = upstream.url) -> Nginx:
            return stack.enter_context(behind_nginx(target, tmp_path, directives))

        yield start


def ask(content: str = "Hello", **more: Any) -> dict[str, Any]:
    """Return the keywords of a call with one message."""
    return {"model": "gpt-5.5", "messages": [{"role": "user", "content": content}], **more}


def said(chunks: list[Any]) -> str:
    """Return the text of a stream."""
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


@pytest.mark.parametrize("directives", [UNBUFFERED, UNBUFFERED + GZIP], ids=["plain", "gzip"])
def test_unbuffered(caller: Caller, start: Start, upstream: Upstream, directives: str) -> None:
    """Each event of a stream arrives before the next one is sent where nginx does not buffer, compressed or not."""
    gates = [Gate() for _ in EVENTS]
    pieces = [part for event, gate in zip(EVENTS, gates, strict=True) for part in (event, gate)]
    upstream.reply(chunks=[*pieces, DONE])
    client = caller.client(start(directives).base_url)
    stream = caller.invoke(client.chat.completions.create, **ask(stream=True))
    arrived = []
    for gate in gates:
        arrived.append(caller.invoke.next(stream))
        gate.set()
    assert caller.invoke.collect(stream) == []
    assert said(arrived) == "".join(WORDS)


@pytest.mark.parametrize(
    "directives", ["", KEPT, KEPT + GZIP, GZIP], ids=["closed", "kept", "kept, gzip", "closed, gzip"]
)
def test_buffered(caller: Caller, start: Start, upstream: Upstream, directives: str) -> None:
    """Whole and streamed answers are right where nginx buffers, compresses, or talks HTTP/1.0 to the upstream."""
    client = caller.client(start(directives).base_url)
    upstream.reply(chunks=[*EVENTS, DONE], path="/chat/completions")
    stream = caller.invoke(client.chat.completions.create, **ask(stream=True))
    assert said(caller.invoke.collect(stream)) == "".join(WORDS)
    long = "Grüße 🎈 " * 20_000
    upstream.reply(content=long, path="/chat/completions")
    assert caller.invoke(client.chat.completions.create, **ask()).choices[0].message.content == long
    texts = [str(number) for number in range(64)]
    given = caller.invoke(client.embeddings.create, model="text-embedding-3-small", input=texts)
    [direct] = caller.invoke(
        caller.client(upstream.base_url).embeddings.create, model="text-embedding-3-small", input=texts[-1:]
    ).data
    assert [item.index for item in given.data] == list(range(64))
    assert given.data[-1].embedding == direct.embedding


@pytest.mark.parametrize("directives", ["", KEPT, UNBUFFERED], ids=["closed", "kept", "unbuffered"])
def test_broken_off(caller: Caller, start: Start, upstream: Upstream, directives: str) -> None:
    """A stream whose upstream dies is an error after what arrived, though nginx may end its body in order."""
    client = caller.client(start(directives).base_url)
    upstream.reply(chunks=[*EVENTS, DONE], close_after=len(b"".join(EVENTS[:3])))
    stream = caller.invoke(client.chat.completions.create, **ask(stream=True))
    arrived: list[Any] = []

    def read() -> None:
        while True:
            arrived.append(caller.invoke.next(stream))

    with pytest.raises(caller.errors.APIConnectionError):
        read()
    assert said(arrived) == "The answer"


def test_upstream_down(caller: Caller, start: Start) -> None:
    """A 502 in HTML is the error of its status, whose message is no markup, after the retries."""
    client = caller.client(start(target=f"http://127.0.0.1:{free_port()}").base_url, max_retries=1)
    with no_waiting(), pytest.raises(caller.errors.InternalServerError) as raised:
        caller.invoke(client.chat.completions.create, **ask())
    assert raised.value.status_code == 502
    assert "502" in str(raised.value)
    assert "<" not in str(raised.value)
    assert "<center><h1>502 Bad Gateway</h1></center>" in raised.value.response.text


def test_upstream_slow(caller: Caller, start: Start, upstream: Upstream) -> None:
    """A 504 of nginx, which gave the upstream up, is retried and the answer of the next attempt counts."""
    upstream.reply(never=True)
    client = caller.client(start(f"{KEPT} proxy_read_timeout 300ms;").base_url)
    with no_waiting():
        answer = caller.invoke(client.chat.completions.create, **ask())
    assert answer.choices[0].message.content
    assert len(upstream.requests) == 2


def test_rejected_body(caller: Caller, start: Start, upstream: Upstream) -> None:
    """A body that nginx rejects unread is the error of its 413, of any size, and the next call is served."""
    client = caller.client(start(f"{KEPT} client_max_body_size 64k;").base_url, max_retries=0)
    for size in (70_000, 1_000_000, 30_000_000):
        with pytest.raises(caller.errors.APIStatusError) as raised:
            caller.invoke(client.chat.completions.create, **ask("x" * size))
        assert raised.value.status_code == 413
        assert "<" not in str(raised.value)
        with pytest.raises(caller.errors.APIStatusError) as raised:
            caller.invoke(client.files.create, file=("a.bin", io.BytesIO(bytes(size))), purpose="assistants")
        assert raised.value.status_code == 413
        assert caller.invoke(client.chat.completions.create, **ask()).choices
    assert len(upstream.requests) == 3


def test_small_heads(caller: Caller, start: Start, upstream: Upstream) -> None:
    """Calls fit where a head may have lines of 1 kB; a longer line is the error of its 400, then calls go on."""
    limits = "client_header_buffer_size 1k; large_client_header_buffers 4 1k;"
    client = caller.client(start(KEPT + limits).base_url, max_retries=0)
    for number in range(3):
        assert caller.invoke(client.chat.completions.create, **ask(f"{number}")).choices
        with pytest.raises(caller.errors.BadRequestError) as raised:
            caller.invoke(client.chat.completions.create, **ask(extra_headers={"X-Long": "x" * 2000}))
        assert "<" not in str(raised.value)
    assert len(upstream.requests) == 3


def test_large_head_of_an_answer(caller: Caller, start: Start, upstream: Upstream) -> None:
    """An answer whose head nginx cannot hold is its 502, which is retried."""
    upstream.reply(headers={"X-Long": "x" * 9000})
    with no_waiting():
        client = caller.client(start(f"{KEPT} proxy_buffer_size 4k;").base_url)
        assert caller.invoke(client.chat.completions.create, **ask()).choices
    assert len(upstream.requests) == 2


def test_rate_limit(caller: Caller, start: Start, upstream: Upstream) -> None:
    """A 429 in HTML is a rate limit error without markup."""
    upstream.reply(
        Reply(status=429, body=b"<html><h1>429</h1></html>", headers={"Content-Type": "text/html"})
    )
    client = caller.client(start().base_url, max_retries=0)
    with pytest.raises(caller.errors.RateLimitError) as raised:
        caller.invoke(client.chat.completions.create, **ask())
    assert "<" not in str(raised.value)
