"""The HTTP library's request of a usual call, which is made when somebody looks."""

from typing import Any

import httpx
import pytest

from ai_client import OpenAI
from ai_client._call.call import Call
from ai_client._exchange.bounds import EXTENSION
from ai_client._http.library import DEADLINE
from ai_client._pool.message import message_of
from tests.support.hostile.wire import Wire
from tests.support.invoke import CHAT, Invoke

OPTIONS: list[dict[str, Any]] = [
    {},
    {"organization": "org", "project": "proj", "default_headers": {"x-a": "1", "X-B": "caf"}},
    {"default_headers": {"User-Agent": "other", "host": "named"}},
    {"base_url": "http://[::1]:8080/v1?of=base"},
    {"base_url": "https://example.com"},
    {"timeout": httpx.Timeout(3, connect=None)},
    {"max_response_bytes": 5},
    {"default_headers": {"Content-Length": "7"}},
    {"base_url": "http://user:word@example.com/v1"},
    {"default_query": {"of": "client"}},
]


@pytest.mark.parametrize("number", range(len(OPTIONS)))
@pytest.mark.parametrize("follow", [None, False])
def test_a_lazy_request_is_as_one_made_at_once(number: int, follow: bool | None) -> None:
    """What a pool sends, and what somebody sees who looks, are as of a request that the HTTP library made at once."""
    options: dict[str, Any] = {"api_key": "key", "base_url": "http://host/v1", **OPTIONS[number]}
    with OpenAI(**options) as client:
        for content in (b"{}", b"x" * 1000):
            call = Call(client.io, "POST", "/chat/completions", object, body=content, follow_redirects=follow)
            lazily = client._build(call, content, 0, client._authorization(call))
            prepared = client._prepared
            assert prepared is not None
            made = lazily.made
            shown = lazily.request
            if made is not None:
                continue  # it was made at once
            extensions = dict(shown.extensions)
            at_once = httpx.Request(
                "POST",
                client._url(call),
                headers=list(prepared.pairs.values()),
                content=content,
                extensions=extensions,
            )
            assert shown.headers.raw == at_once.headers.raw
            assert shown.headers.encoding == at_once.headers.encoding
            assert (shown.method, shown.url, shown.content) == (at_once.method, at_once.url, at_once.content)
            assert (EXTENSION in extensions) is ("max_response_bytes" in OPTIONS[number])
            sent, expected = lazily.message, message_of(at_once, client._library)
            for name in ("method", "origin", "target", "headers", "content", "timeouts", "deadline"):
                assert getattr(sent, name) == getattr(expected, name)


def test_a_request_is_seen_as_it_was_sent(invoke: Invoke) -> None:
    """The headers that a raw response shows of its request are those on the wire, in order and case."""
    with Wire() as wire:
        wire.play([b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"])
        client = invoke.client(base_url=wire.base_url, deadline=60.0, default_headers={"X-Case": "1"})
        raw = invoke(client.chat.completions.with_raw_response.create, **CHAT)
        (request,) = wire.requests
    shown = [(name.decode(), value.decode()) for name, value in raw.http_request.headers.raw]
    host = [pair for pair in shown if pair[0].lower() == "host"]
    assert request.headers == [*host, *(pair for pair in shown if pair not in host)]
    assert raw.http_request.content == request.body
    assert raw.http_request.extensions[DEADLINE] > 0
