"""Errors as HTTP answers, and items as server-sent events."""

import json
import logging
from typing import Any

import httpx
import pytest

import ai_client
from ai_client import BaseModel, ConfigError, OpenAIError, errors, web
from ai_client._answers import sse as _sse
from tests.support.invoke import KEY

REQUEST = httpx.Request("POST", "https://api.example.com/v1/chat/completions")


def status(number: int, /, *, headers: dict[str, str] | None = None, **error: str) -> errors.APIStatusError:
    """Make the error of an answer."""
    answer = httpx.Response(
        number, json={"error": error}, headers={"x-request-id": "req_1", **(headers or {})}, request=REQUEST
    )
    return errors.status_error(answer, answer.json())


def shown_for(error: Exception) -> web.HTTPError:
    """Give the answer for an error that has one."""
    shown = web.http_error(error)
    assert shown is not None
    return shown


@pytest.mark.parametrize(
    ("error", "expected", "kind"),
    [
        (status(429), 429, "rate_limit"),
        (errors.APITimeoutError(REQUEST), 504, "timeout"),
        (errors.StreamTimeoutError("silent", REQUEST), 504, "timeout"),
        (errors.APIConnectionError(request=REQUEST), 502, "connection_error"),
        (errors.StreamInterruptedError("broke", REQUEST), 502, "connection_error"),
        (errors.StreamError("odd", REQUEST, body=None), 502, "upstream_error"),
        (status(500), 502, "upstream_error"),
        (status(503), 502, "upstream_error"),
        (status(408), 504, "timeout"),
        (status(401), 500, "internal_error"),
        (status(403), 500, "internal_error"),
        (status(404, code="model_not_found"), 500, "internal_error"),
        (status(400, code="unknown_parameter"), 500, "internal_error"),
        (status(400, code="context_length_exceeded", message="Too long."), 400, "invalid_request"),
        (errors.ContentFilterFinishReasonError(), 400, "content_filter"),
        (errors.ClientClosedError("closed"), 503, "unavailable"),
        (errors.ConfigError("api_key: odd"), 500, "internal_error"),
    ],
)
def test_error_has_its_status(error: Exception, expected: int, kind: str) -> None:
    """Each error is answered with the status and the type of the table."""
    shown = shown_for(error)
    assert (shown.status, shown.type) == (expected, kind)
    assert set(shown.body["error"]) == {"type", "message", "request_id"}


def test_foreign_error_is_not_answered() -> None:
    """An exception that is not this package's is left to the framework."""
    assert web.http_error(ValueError("no")) is None


def test_rate_limit_says_when_to_come_back() -> None:
    """The upstream's `Retry-After` is passed on in whole seconds; without one it is a second."""
    assert shown_for(status(429, headers={"retry-after-ms": "2100"})).headers == {"retry-after": "3"}
    assert shown_for(status(429)).headers == {"retry-after": "1"}


def test_upstream_detail_is_for_the_log_alone(caplog: pytest.LogCaptureFixture) -> None:
    """A refused key is logged by status and request id, and what the upstream said reaches nobody."""
    error = status(401, message="Incorrect API key provided: sk-abc", code="invalid_api_key")
    with caplog.at_level(logging.ERROR, "ai_client"):
        shown = shown_for(error)
    assert "req_1" in caplog.text
    assert "sk-abc" not in caplog.text + json.dumps(shown.body)
    assert shown.request_id is None


def test_callers_own_mistake_is_explained() -> None:
    """A refusal of the caller's input says why, with the upstream's request id."""
    shown = shown_for(status(400, code="context_length_exceeded", message="Too long."))
    assert shown.body == {"error": {"type": "invalid_request", "message": "Too long.", "request_id": "req_1"}}


def test_error_with_a_status_says_itself_how_it_is_shown() -> None:
    """A policy's error carries its own status and waiting time."""

    class BudgetError(ai_client.OpenAIError):
        status = 402
        retry_after = 59.2

    shown = shown_for(BudgetError("The budget of the day is spent."))
    assert (shown.status, shown.type, shown.message) == (402, "budget", "The budget of the day is spent.")
    assert shown.headers == {"retry-after": "60"}


def test_table_is_extended_by_class() -> None:
    """A registered rule holds for a class and for what derives from it."""

    class QuotaError(ai_client.OpenAIError):
        pass

    class TightQuotaError(QuotaError):
        pass

    web.shown_as(QuotaError)(lambda error: web.HTTPError(418, "quota", str(error)))
    assert shown_for(TightQuotaError("none left")).status == 418


class Item(BaseModel):
    """An item of a stream."""

    text: str
    note: str | None = None


@pytest.mark.parametrize(
    ("item", "data"),
    [
        (Item(text="hé"), '{"text":"hé"}'),
        ({"text": "a"}, '{"text":"a"}'),
        ([1, 2], "[1,2]"),
        ("plain", "plain"),
        (" two\nlines", " two\nlines"),
        ("three\r\nmore\rlines", "three\nmore\nlines"),
        ("", ""),
    ],
)
def test_event_reads_as_it_was_written(item: Any, data: str) -> None:
    """The data of an encoded event is the item's, whatever line breaks it has."""
    encoded = web.encode_event(item)
    assert [found.decode() for found, _ in _sse.SSEDecoder().feed(encoded)] == [data]
    assert encoded.endswith(b"\n\n")


def test_error_in_mid_stream_is_an_event() -> None:
    """An error after the first event is sent as an event named `error` with the usual body."""
    encoded = web.encode_event(errors.APITimeoutError(REQUEST))
    assert encoded.startswith(b"event: error\ndata: ")
    assert json.loads(encoded.partition(b"data: ")[2])["error"]["type"] == "timeout"


def test_unknown_error_in_mid_stream_says_nothing() -> None:
    """An application's own error is sent without its text."""
    assert b"secret" not in web.encode_event(RuntimeError("secret"))


HIDDEN = [
    (OpenAIError("Missing credentials. Set OPENAI_API_KEY."), "Missing credentials. Set OPENAI_API_KEY."),
    (ConfigError("timeout: must be a number."), "timeout: must be a number."),
    (RuntimeError("no such table"), "no such table"),
    (errors.StoreError("the disk is full"), "the disk is full"),
    (errors.APITimeoutError(REQUEST), "Request timed out"),
    (errors.APIConnectionError(message="It broke off.", request=REQUEST), "It broke off."),
    (errors.StreamError("Half a stream.", REQUEST, body=None), "Half a stream."),
    (errors.DeadlineExceededError(REQUEST), "deadline has passed"),
]


def refuse() -> None:
    """Fail with a key in the message."""
    raise ValueError(f"refused: {KEY}")


def raised(error: Exception) -> Exception:
    """Give an error with a traceback and a cause that holds a key."""
    try:
        try:
            refuse()
        except ValueError as cause:
            raise error from cause
    except type(error) as caught:
        return caught
    raise AssertionError


@pytest.mark.parametrize(("error", "said"), HIDDEN, ids=lambda value: type(value).__name__)
def test_what_is_not_shown_is_logged(caplog: pytest.LogCaptureFixture, error: Exception, said: str) -> None:
    """An error whose text the application's clients do not see is logged by class and text, with its traceback."""
    caplog.set_level(logging.INFO, "ai_client")
    encoded = web.encode_event(raised(error))
    assert said.encode() not in encoded
    (record,) = caplog.records
    assert f"{type(error).__name__}: " in record.getMessage()
    assert said in record.getMessage()
    assert record.exc_info is not None
    assert record.exc_info[1] is error
    text = logging.Formatter().format(record)
    assert "in raised" in text
    assert "ValueError: refused: [redacted]" in text
    assert KEY not in text + repr(record.args)


def test_what_the_server_said_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The text of an answer may quote a prompt, and stays out of the log, causes included."""
    caplog.set_level(logging.INFO, "ai_client")
    web.encode_event(raised(OpenAIError("It failed.")).with_traceback(None))
    web.encode_event(status(503, message="You asked: planted prompt"))
    error = OpenAIError("It failed.")
    error.__cause__ = status(400, message="You asked: planted prompt")
    web.encode_event(error)
    assert "planted" not in caplog.text
    assert "It failed." in caplog.text


def test_a_circle_of_causes_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """Errors that are each other's cause end the log line all the same."""
    first, second = OpenAIError("first"), OpenAIError("second")
    first.__cause__, second.__cause__ = second, first
    web.encode_event(first)
    assert caplog.text.count("OpenAIError: second") == 1
