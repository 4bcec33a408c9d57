"""Exceptions: which, with what, how they pickle and copy, and what they never show."""

import copy
import io
import logging
import pickle
import traceback
from pathlib import Path
from typing import Any

import openai
import pytest

import ai_client
from ai_client import (
    APIConnectionError,
    APIError,
    APIResponseValidationError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    BaseModel,
    ContentFilterFinishReasonError,
    DeadlineExceededError,
    InternalServerError,
    LengthFinishReasonError,
    OAuthError,
    OpenAIError,
    StreamError,
    omit,
)
from ai_client.testing import sse
from tests.support.invoke import CHAT, KEY, Invoke

PACKAGE = f"{Path(ai_client.__file__).parent}/"

PROMPT = "a very private question"
SECRET_CHAT = {"model": "m", "messages": [{"role": "user", "content": PROMPT}]}


def failed(invoke: Invoke, **reply: Any) -> Any:
    """Give the error of a call that the server answers so."""
    invoke.upstream.reply(**reply)
    with pytest.raises(OpenAIError) as caught:
        invoke(invoke.client(max_retries=0).chat.completions.create, **SECRET_CHAT)
    return caught.value


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in openai.__all__
        if isinstance(getattr(openai, name, None), type) and issubclass(getattr(openai, name), Exception)
    ],
)
def test_the_official_tree(name: str) -> None:
    """Every official exception has its twin, below twins of the same bases."""
    theirs = [cls.__name__ for cls in getattr(openai, name).__mro__]
    ours = [cls.__name__ for cls in getattr(ai_client, name).__mro__]
    assert ours == theirs


def test_what_a_status_error_tells(invoke: Invoke) -> None:
    """Message, code, param, type, body, id and response are the server's."""
    body = {"message": "no such model", "code": 17, "param": "model", "type": "invalid_request_error"}
    error = failed(invoke, status=404, json={"error": body}, headers={"x-request-id": "req_1"})
    assert type(error) is ai_client.NotFoundError
    assert str(error) == error.message == "Error code: 404 - no such model"
    assert (error.code, error.param, error.type) == ("17", "model", "invalid_request_error")
    assert (error.body, error.request_id, error.status_code) == (body, "req_1", 404)
    assert error.response.status_code == 404
    assert error.request.method == "POST"


@pytest.mark.parametrize(
    ("reply", "message", "body"),
    [
        ({"json": {"detail": "x"}}, "Error code: 502", {"detail": "x"}),
        ({"json": ["x"]}, "Error code: 502", ["x"]),
        ({"json": {"error": "x"}}, "Error code: 502", "x"),
        ({"json": {"error": {"message": 3}}}, "Error code: 502", {"message": 3}),
        (
            {"body": b"<html>bad</html>", "headers": {"content-type": "text/html"}},
            "Error code: 502 - the response is not JSON (text/html, 16 characters)",
            "<html>bad</html>",
        ),
        ({"body": b""}, "Error code: 502", ""),
    ],
)
def test_odd_bodies(invoke: Invoke, reply: dict[str, Any], message: str, body: object) -> None:
    """An error of an odd shape is told without quoting it."""
    error = failed(invoke, status=502, **reply)
    assert (str(error), error.body, type(error)) == (message, body, InternalServerError)


@pytest.mark.parametrize(
    ("body", "headers", "words"),
    [
        (b"<html>", {"content-type": "text/html"}, "text/html, 6 bytes. Is base_url right"),
        (b"", {}, "an empty body"),
        (b"not json", {"content-type": "text/plain"}, "text/plain, 8 bytes"),
        (b'{"cut', {}, "application/json, 5 bytes"),
    ],
)
def test_an_answer_that_is_no_json(invoke: Invoke, body: bytes, headers: dict[str, str], words: str) -> None:
    """A success without JSON names the place and what came, not its text."""
    error = failed(invoke, body=body, headers=headers)
    assert type(error) is APIResponseValidationError
    assert f"Expected JSON from POST {invoke.upstream.base_url}/chat/completions, got " in str(error)
    assert words in str(error)
    assert error.status_code == 200


def test_strict_mode(invoke: Invoke) -> None:
    """An answer of the wrong shape is an error in strict mode, and an odd result else."""
    invoke.upstream.always(json={"id": 3})
    with pytest.raises(APIResponseValidationError, match="expected shape"):
        invoke(invoke.client(_strict_response_validation=True).models.retrieve, "m")
    assert invoke(invoke.client().models.retrieve, "m").id == 3


@pytest.mark.parametrize("status", [301, 302, 304])
def test_a_redirect_to_nowhere(invoke: Invoke, status: int) -> None:
    """A redirect without a place to go is an error of its status."""
    error = failed(invoke, status=status, body=b"")
    assert type(error) is APIStatusError
    assert error.status_code == status


def every_error(invoke: Invoke) -> list[OpenAIError]:
    """Give one of each kind, as they come about."""
    errors = [
        failed(invoke, status=status, json={"error": {"message": f"words and {KEY}", "code": "c"}})
        for status in (400, 401, 403, 404, 409, 418, 422, 429, 500)
    ]
    errors.append(failed(invoke, disconnect=True))
    errors.append(failed(invoke, body=b"x"))
    client = invoke.client(max_retries=0)
    invoke.upstream.reply(
        chunks=[sse({"id": "c"}), sse({"error": {"message": f"busy {PROMPT[:6]}", "code": "x"}})]
    )
    with pytest.raises(StreamError) as broken:
        invoke.collect(invoke(client.chat.completions.create, **SECRET_CHAT, stream=True))
    errors.append(broken.value)
    # The last ones: what has run out of time may yet arrive, and would take another's answer.
    invoke.upstream.always(never=True)
    for options in ({"timeout": 0.03}, {"deadline": 0.03}):
        with pytest.raises(APITimeoutError) as late:
            invoke(client.with_options(**options).chat.completions.create, **SECRET_CHAT)
        errors.append(late.value)
    return errors


def test_errors_pickle_and_copy(invoke: Invoke) -> None:
    """Every error survives pickling and copying with type, words and attributes."""
    for error in every_error(invoke):
        for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):  # noqa: S301 - ours
            assert type(twin) is type(error)
            assert str(twin) == str(error)
            assert isinstance(error, APIError)
            for name in ("message", "body", "code", "param", "type", "status_code", "request_id"):
                assert getattr(twin, name, None) == getattr(error, name, None), name
            assert (twin.request.method, str(twin.request.url)) == ("POST", str(error.request.url))
            if isinstance(error, APIStatusError):
                assert twin.response.status_code == error.status_code
                assert twin.response.headers["x-request-id"] == error.request_id


def test_the_kinds_are_what_the_test_thinks(invoke: Invoke) -> None:
    """The errors that the tests of pickling and secrets look at are of every kind."""
    kinds = {type(error).__name__ for error in every_error(invoke)}
    assert kinds >= {
        "APIConnectionError",
        "APITimeoutError",
        "DeadlineExceededError",
        "APIStatusError",
        "StreamError",
    }
    assert len(kinds) == 14


def test_finish_reason_errors_pickle() -> None:
    """The errors of structured answers keep their words and leave the answer behind."""

    class Completion(BaseModel):
        usage: str | None = None

    length = LengthFinishReasonError(completion=Completion(usage="3 tokens"))  # type: ignore[arg-type]
    assert str(length).endswith("length limit was reached - 3 tokens")
    for error in (length, ContentFilterFinishReasonError()):
        twin = pickle.loads(pickle.dumps(error))  # noqa: S301 - ours
        assert (type(twin), str(twin), twin.completion) == (type(error), str(error), None)


def test_the_key_is_nowhere(invoke: Invoke, caplog: pytest.LogCaptureFixture) -> None:
    """No error, traceback, pickle or log record at any level holds the key, even if the server says it."""
    caplog.set_level(logging.DEBUG)
    errors = every_error(invoke)
    for error in errors:
        shown = io.StringIO()
        traceback.print_exception(error, file=shown)
        chained = error.__cause__ or error.__context__
        for text in (
            str(error),
            repr(error),
            shown.getvalue(),
            repr(chained),
            repr(getattr(error, "body", "")),
        ):
            assert KEY not in text
            assert PROMPT not in text
        assert KEY.encode() not in pickle.dumps(error)
        assert PROMPT.encode() not in pickle.dumps(error)
    records = [record for record in caplog.records if not record.name.startswith("ai_client.testing")]
    assert any(record.name == "ai_client" for record in records)
    for record in records:
        assert KEY not in record.getMessage()
        assert PROMPT not in record.getMessage()


def test_the_key_is_in_no_local_of_ours(invoke: Invoke) -> None:
    """A tool that records the locals of a traceback finds no key in those of the package."""
    for error in every_error(invoke):
        recorded = traceback.TracebackException.from_exception(error, capture_locals=True)
        for frame in recorded.stack:
            if frame.filename.startswith(PACKAGE) and "/testing/" not in frame.filename:
                assert not [name for name, value in (frame.locals or {}).items() if KEY in value], frame


def test_a_redirect_to_another_origin_gets_no_credentials(invoke: Invoke) -> None:
    """Key, organization and custom headers stay with the origin that they were meant for; what is asked for goes on."""
    with ai_client.testing.Upstream() as other:
        invoke.upstream.reply(status=307, body=b"", headers={"location": f"{other.base_url}/models/gpt-5.5"})
        headers = {"Cookie": "c=1", "X-Api-Key": "k", "api-key": "k", "X-Custom": "c", "Accept": "a/b"}
        client = invoke.client(organization="org", project="proj")
        with pytest.raises(AuthenticationError):
            invoke(client.models.retrieve, "gpt-5.5", extra_headers=headers)
        (recorded,) = other.requests
    got = set(recorded.headers)
    assert recorded.headers["accept"] == "a/b"
    assert not got & {
        "authorization",
        "cookie",
        "x-api-key",
        "api-key",
        "openai-organization",
        "openai-project",
        "x-custom",
    }


def test_a_redirect_within_the_origin_keeps_them(invoke: Invoke) -> None:
    """Another path of the same origin gets key and body."""
    where = f"{invoke.upstream.base_url}/chat/completions"
    for status, method in ((307, "POST"), (308, "POST"), (303, "GET"), (302, "GET")):
        invoke.upstream.reply(status=status, body=b"", headers={"location": where})
        invoke.upstream.reply(json={})
        invoke(invoke.client().post, "/old", cast_to=object, body={"a": 1})
        recorded = invoke.upstream.requests[-1]
        assert recorded.headers["authorization"] == f"Bearer {KEY}"
        assert recorded.method == method
        assert recorded.body == (b'{"a":1}' if method == "POST" else b"")


def test_endless_redirects(invoke: Invoke) -> None:
    """A circle of redirects ends."""
    invoke.upstream.always(status=302, body=b"", headers={"location": "/v1/models/x"})
    with pytest.raises(APIConnectionError, match="TooManyRedirects"):
        invoke(invoke.client(max_retries=0).models.retrieve, "m")


def test_redirects_may_be_declined(invoke: Invoke) -> None:
    """A call that follows no redirects gets the redirect as an error."""
    invoke.upstream.reply(status=302, body=b"", headers={"location": "/v1/models/gpt-5.5"})
    with pytest.raises(APIStatusError, match="302"):
        invoke(invoke.client().get, "/models/m", cast_to=object, options={"follow_redirects": False})


def test_an_oauth_error_speaks_for_itself(invoke: Invoke) -> None:
    """A refused token exchange tells the OAuth code and description."""
    response = failed(invoke, status=401, json={}).response
    error = OAuthError(response=response, body={"error": "invalid_grant", "error_description": "expired"})
    twin = pickle.loads(pickle.dumps(error))  # noqa: S301 - ours
    assert (str(twin), twin.error, twin.status_code) == ("expired", "invalid_grant", 401)


def test_omit_reads_well() -> None:
    """The sentinels show what they are in messages."""
    assert repr(omit) == "omit"
    assert DeadlineExceededError.__mro__[1] is APITimeoutError


def test_the_chat_of_the_tests_is_answered(invoke: Invoke) -> None:
    """The upstream answers the calls that these tests let fail."""
    assert invoke(invoke.client().chat.completions.create, **CHAT).choices
