"""Attempts and the waits between them, on the wire."""

import email.utils
import logging
import socket
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from ai_client import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    BadRequestError,
    DeadlineExceededError,
    InternalServerError,
    RateLimitError,
)
from ai_client._call import retry
from ai_client.control.record import record_of
from ai_client.testing import Gate
from tests.support.invoke import CHAT, Invoke

NOW = {"retry-after-ms": "1"}


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    """Retry at once."""
    with retry.no_waiting():
        yield


def attempts(invoke: Invoke) -> list[str]:
    """Give the counts that the attempts carried."""
    return [request.headers["x-stainless-retry-count"] for request in invoke.upstream.requests]


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 529])
def test_transient_answers_are_tried_again(invoke: Invoke, status: int) -> None:
    """A transient status is tried again, each attempt counted in a header, until an answer comes."""
    invoke.upstream.reply(status=status, times=2)
    assert invoke(invoke.client().models.retrieve, "gpt-5.5").id == "gpt-5.5"
    assert attempts(invoke) == ["0", "1", "2"]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 413, 422])
def test_final_answers_are_not(invoke: Invoke, status: int) -> None:
    """An answer that would come again is not asked for again."""
    invoke.upstream.always(status=status)
    with pytest.raises(APIStatusError) as caught:
        invoke(invoke.client().models.retrieve, "m")
    assert caught.value.status_code == status
    assert attempts(invoke) == ["0"]


def test_attempts_are_bounded(invoke: Invoke) -> None:
    """After `max_retries` further attempts the last error is raised; a call may have its own number."""
    invoke.upstream.always(status=500)
    for retries in (0, 1, 4):
        invoke.upstream.requests.clear()
        before = len(invoke.upstream.requests)
        with pytest.raises(InternalServerError):
            invoke(invoke.client(max_retries=retries).models.retrieve, "m")
        assert len(invoke.upstream.requests) - before == retries + 1


@pytest.mark.parametrize("code", ["insufficient_quota", "billing_hard_limit_reached", "billing_not_active"])
@pytest.mark.parametrize("member", ["code", "type"])
def test_a_used_up_quota_is_final(invoke: Invoke, code: str, member: str) -> None:
    """Waiting does not fill an account: whatever the headers say, there is one attempt."""
    invoke.upstream.always(
        status=429, json={"error": {"message": "no", member: code}}, headers={"x-should-retry": "true"}
    )
    with pytest.raises(RateLimitError):
        invoke(invoke.client().models.retrieve, "m")
    assert attempts(invoke) == ["0"]


@pytest.mark.parametrize(("status", "said", "count"), [(400, "true", 3), (500, "false", 1)])
def test_the_server_may_decide(invoke: Invoke, status: int, said: str, count: int) -> None:
    """`x-should-retry` overrules the status."""
    invoke.upstream.always(status=status, headers={"x-should-retry": said})
    with pytest.raises(APIStatusError):
        invoke(invoke.client().models.retrieve, "m")
    assert len(attempts(invoke)) == count


@pytest.mark.parametrize("header", [{"retry-after": "121"}, {"retry-after-ms": "120001"}])
def test_a_long_wait_is_reported_not_waited_for(invoke: Invoke, header: dict[str, str]) -> None:
    """A server that asks for more than two minutes gets no second attempt now."""
    invoke.upstream.always(status=429, headers=header)
    with pytest.raises(RateLimitError):
        invoke(invoke.client().models.retrieve, "m")
    assert attempts(invoke) == ["0"]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9.0),
        ({"retry-after": "later"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": ""}, None),
        ({"llm_provider-retry-after": "7"}, 7.0),
        ({"llm_provider-retry-after": "7", "retry-after": "9"}, 9.0),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    """Milliseconds come before seconds, the gateway's own wait before its provider's, and nonsense is no wait."""
    assert retry.retry_after(httpx.Headers(headers)) == seconds


def test_retry_after_as_a_date() -> None:
    """A date is a wait until then."""
    date = email.utils.formatdate(time.time() + 60, usegmt=True)
    for headers in (
        {"retry-after": date},
        {"retry-after": date, "llm_provider-retry-after": "7"},
        {"llm_provider-retry-after": date},
    ):
        seconds = retry.retry_after(httpx.Headers(headers))
        assert seconds is not None
        assert 55 < seconds <= 60


def test_the_wait_is_random_below_a_growing_ceiling() -> None:
    """Full jitter: anything from nothing to a ceiling that doubles from 0.5 to 8 seconds."""
    error = APIConnectionError(request=httpx.Request("GET", "http://x"))
    for taken, ceiling in ((0, 0.5), (1, 1.0), (2, 2.0), (4, 8.0), (50, 8.0)):
        waits = [retry.delay(error, taken) for _ in range(300)]
        assert 0 <= min(waits) < ceiling / 4
        assert ceiling * 3 / 4 < max(waits) <= ceiling


def test_a_connection_that_breaks_is_tried_again(invoke: Invoke) -> None:
    """A server that hangs up without an answer is asked again."""
    invoke.upstream.reply(disconnect=True, times=2)
    assert invoke(invoke.client().chat.completions.create, **CHAT).choices
    assert attempts(invoke) == ["0", "1", "2"]


def test_no_server_at_all(invoke: Invoke) -> None:
    """Where nobody listens, the error names the place and what failed, with its cause."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        with pytest.raises(
            APIConnectionError, match=r"Connection error: GET http.*models/m failed"
        ) as caught:
            invoke(invoke.client(base_url=url).models.retrieve, "m")
    assert isinstance(caught.value.__cause__, httpx.ConnectError)
    assert caught.value.body is None
    assert str(caught.value.request.url) == f"{url}/models/m"


def test_a_silent_server(invoke: Invoke) -> None:
    """A server that does not answer in time is an `APITimeoutError` after every attempt."""
    invoke.upstream.always(never=True)
    with pytest.raises(APITimeoutError, match="Request timed out"):
        invoke(invoke.client(timeout=0.2, max_retries=1).models.retrieve, "m")
    invoke.upstream.wait_for(lambda: attempts(invoke) == ["0", "1"])


def test_the_deadline_ends_a_silent_call(invoke: Invoke) -> None:
    """A call without an answer is over with its deadline, however long the timeout."""
    invoke.upstream.always(never=True)
    client = invoke.client(timeout=60).with_options(deadline=0.3)
    with pytest.raises(DeadlineExceededError, match="deadline has passed: GET http") as caught:
        invoke(client.models.retrieve, "m")
    assert isinstance(caught.value, APITimeoutError)
    assert len(attempts(invoke)) <= 1  # a busy machine may not get to the first in time
    assert invoke(client.with_options(deadline=None).copy, timeout=1).deadline is None


def test_the_deadline_ends_a_dripping_body(invoke: Invoke) -> None:
    """A body that never pauses for long still ends with the deadline."""
    invoke.upstream.always(chunks=[b" ", 0.01] * 1000, headers={"content-type": "application/json"})
    with pytest.raises(DeadlineExceededError):
        invoke(invoke.client(deadline=0.3).models.retrieve, "m")
    assert len(attempts(invoke)) <= 1


def test_no_attempt_begins_that_the_deadline_would_cut(invoke: Invoke) -> None:
    """Where the wait would reach the deadline, the last error is raised at once."""
    invoke.upstream.always(status=500, headers={"retry-after": "30"})
    with pytest.raises(InternalServerError):
        invoke(invoke.client(deadline=20).models.retrieve, "m")
    assert attempts(invoke) == ["0"]


def test_the_deadline_is_each_calls_own(invoke: Invoke) -> None:
    """A later call, and a later page, has its own deadline."""
    gate = Gate()
    client = invoke.client(deadline=5)
    for _ in range(2):
        invoke(client.models.retrieve, "gpt-5.5")
    invoke.upstream.always(never=True)
    with pytest.raises(DeadlineExceededError):
        invoke(client.copy(deadline=0.05).models.retrieve, "m")
    gate.set()


def test_what_is_final_for_the_caller_is_not_hidden_by_a_deadline(invoke: Invoke) -> None:
    """An error that comes in time is that error."""
    invoke.upstream.reply(status=400)
    with pytest.raises(BadRequestError):
        invoke(invoke.client(deadline=5).models.retrieve, "m")


def test_every_attempt_is_logged(invoke: Invoke, caplog: pytest.LogCaptureFixture) -> None:
    """Attempts are logged with their number, what failed and what follows, without the prompt."""
    caplog.set_level(logging.DEBUG, logger="ai_client")
    invoke.upstream.reply(status=503)
    invoke.upstream.reply(disconnect=True)
    invoke(invoke.client().chat.completions.create, **CHAT)
    lines = [record.getMessage() for record in caplog.records if record.name == "ai_client"]
    assert lines[0].startswith("POST /chat/completions: attempt 1 of 3 failed (status 503), next in ")
    assert lines[1].startswith(
        "POST /chat/completions: attempt 2 of 3 failed (RemoteProtocolError, may have been sent)"
    )
    assert lines[2] == "POST /chat/completions: attempt 3 answered 200"


def test_the_last_failure_is_logged(invoke: Invoke, caplog: pytest.LogCaptureFixture) -> None:
    """What is not tried again says so."""
    caplog.set_level(logging.INFO, logger="ai_client")
    invoke.upstream.reply(status=404)
    with pytest.raises(APIStatusError):
        invoke(invoke.client().models.retrieve, "m")
    (record,) = [record for record in caplog.records if record.name == "ai_client"]
    assert record.getMessage() == "GET /models/m: attempt 1 of 3 failed (status 404), no further attempt"


def test_a_policy_may_forbid_retries(invoke: Invoke) -> None:
    """A layer that holds a retry budget is asked before each further attempt."""
    asked: list[int] = []

    async def layer(call: Any, proceed: Any) -> Any:
        record_of(call).may_retry = lambda: not asked.append(1) and len(asked) < 2
        return await proceed(call)

    invoke.upstream.always(status=500)
    with pytest.raises(InternalServerError):
        invoke(invoke.client(max_retries=5, layers=[layer]).models.retrieve, "m")
    assert attempts(invoke) == ["0", "1"]
