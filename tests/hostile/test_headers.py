"""Headers of an answer may hold any bytes: what cannot be read counts as not said."""

from typing import Any

import pytest

from ai_client import OpenAIError
from ai_client._call.retry import retry_after
from ai_client.control.accounting.rate_limit import RateLimits
from ai_client.control.accounting.rates.headers import LONGEST, seconds_until
from ai_client.errors import RateLimitError, RateLimitExceeded
from ai_client.lib._polling import _proposed
from ai_client.web import http_error
from tests.support.hostile.wire import Wire
from tests.support.invoke import CHAT, Invoke, no_waiting

VALUES = [
    b"",
    b" ",
    b"Fri, 29 Nov 99999 10:00:00 GMT",
    b"Fri, 29 Nov 0000 10:00:00 GMT",
    b"Fri, 99 Foo 2020 10:00:00 GMT",
    b"Fri, 31 Feb 2030 99:99:99 GMT",
    b"Fri, 29 Nov 2030 10:00:00 +999999999999",
    b"Mon, " + b"9" * 5000 + b" Nov 2030 10:00:00 GMT",
    b"9" * 400,
    b"9" * 5000,
    b"-" + b"9" * 400,
    b"1e999",
    b"-1e308",
    b"1e308",
    b"nan",
    b"inf",
    b"-inf",
    b"1_0",
    b"0x10",
    b"1.2.3s",
    b"..s",
    b"1h" * 1000,
    b"9" * 400 + b"d",
    b"\xff\xfe\x80",
    b"\xef\xbc\x91",
    b"\xd9\xa1",
    b"\xb2",
    b"true, false",
    b"TRUE",
    b",;=\"'\\",
    b"\t\x0b\x1c",
]
NAMES = [
    b"Retry-After",
    b"retry-after-ms",
    b"x-should-retry",
    b"x-ratelimit-remaining-requests",
    b"x-ratelimit-limit-requests",
    b"x-ratelimit-reset-requests",
    b"x-ratelimit-remaining-tokens",
    b"x-ratelimit-limit-tokens",
    b"x-ratelimit-reset-tokens",
    b"openai-poll-after-ms",
    b"x-request-id",
    b"Date",
    b"Content-Type",
    b"openai-processing-ms",
    b"Set-Cookie",
]
OK = b'{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[]}'


def answer(status: int, headers: list[tuple[bytes, bytes]]) -> bytes:
    """Encode an answer of that status with these headers and the usual ones."""
    usual = [(b"Content-Type", b"application/json"), (b"Content-Length", b"%d" % len(OK))]
    names = {name for name, _ in headers}
    pairs = [*(pair for pair in usual if pair[0] not in names), *headers]
    return b"HTTP/1.1 %d X\r\n%b\r\n%b" % (status, b"".join(b"%b: %b\r\n" % pair for pair in pairs), OK)


@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value[:30]))
def test_any_header_of_any_answer(invoke: Invoke, wire: Wire, value: bytes) -> None:
    """Each header that is read, with a strange value, alone and beside usual ones, ends in a result or in our error."""
    sound = {
        b"x-ratelimit-limit-requests": b"100",
        b"x-ratelimit-remaining-requests": b"1",
        b"x-ratelimit-reset-requests": b"1ms",
    }
    client = invoke.client(base_url=wire.base_url, max_retries=1)
    for name in NAMES:
        for status in (200, 429):
            others = [pair for pair in sound.items() if pair[0] != name] if name.startswith(b"x-rate") else []
            wire.play([answer(status, [*others, (name, value)])], [answer(200, [])])
            copy = client.with_options(layers=[RateLimits()])
            check(outcome(invoke, copy))
            check(outcome(invoke, copy))


def outcome(invoke: Invoke, client: Any) -> Any:
    """Give the result of a call, or the error of ours that it ended in."""
    try:
        with no_waiting():
            return invoke(client.chat.completions.create, **CHAT)
    except OpenAIError as error:
        return error


def check(result: Any) -> None:
    """Check that a result is whole, or that an error can be shown."""
    if not isinstance(result, OpenAIError):
        assert result.id == "c"
        return
    shown = http_error(result)
    assert shown is not None
    assert shown.headers.get("retry-after", "1").isdigit()
    if isinstance(result, RateLimitExceeded):
        assert result.retry_after is not None
        assert 0 <= result.retry_after <= LONGEST


@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value[:30]))
def test_what_is_read(value: bytes) -> None:
    """Each reader gives a finite number of seconds, or none."""
    text = value.decode("latin-1")
    for name in ("retry-after", "retry-after-ms"):
        after = retry_after({name: text})
        assert after is None or abs(after) < float("inf")
    told = seconds_until(text, 1_800_000_000.0)
    assert told is None or 0 <= told < float("inf")
    assert 0 <= _proposed(text) <= 300


def test_an_upstream_that_names_no_end_is_asked_again(invoke: Invoke, wire: Wire) -> None:
    """However long an upstream says it will have no room, its model is asked again after an hour at the latest."""
    wire.play([answer(429, [(b"Retry-After", b"1e30")])])
    client = invoke.client(base_url=wire.base_url, layers=[RateLimits()])
    with pytest.raises(RateLimitError):
        invoke(client.chat.completions.create, **CHAT)
    with pytest.raises(RateLimitExceeded) as caught:
        invoke(client.chat.completions.create, **CHAT)
    assert 0 < (caught.value.retry_after or 0) <= LONGEST


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1s", 1.0), ("6m0s", 360.0), ("20ms", 0.02), ("1d2h", 93_600.0), ("3", 3.0), ("1.5s", 1.5), ("", None)],
)
def test_durations(text: str, seconds: float | None) -> None:
    """Durations as the API writes them are read as before."""
    assert seconds_until(text, 1e9) == (None if seconds is None else pytest.approx(seconds))
