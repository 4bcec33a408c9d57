"""Names of failures: which failure each is, and what choosing it does."""

from typing import Any, get_args

import httpx
import pytest

from ai_client import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    BudgetExceeded,
    CircuitOpen,
    ClientClosedError,
    ConfigError,
    DeadlineExceededError,
    GuardrailError,
    OpenAIError,
    QueueFull,
    RateLimitExceeded,
    StoreError,
    StreamError,
    UnknownPriceError,
)
from ai_client.control.fallback import Fallback
from ai_client.control.fallback.failures import DEFAULT_FAILURES, FAILURES, Choice, Failure, failure_of
from ai_client.errors import status_error
from ai_client.testing import Recorded, Reply, Upstream
from tests.support.invoke import Invoke

REQUEST = httpx.Request("POST", "https://api.invalid/v1/chat/completions")


def status(number: int, **members: Any) -> APIStatusError:
    """Give the error of an answer."""
    response = httpx.Response(number, json={"error": members}, request=REQUEST)
    return status_error(response, members)


STATUSES = {
    400: "bad_request",
    401: "auth",
    402: "quota",
    403: "auth",
    404: "not_found",
    405: "bad_request",
    408: "timeout",
    409: "conflict",
    413: "context_length",
    422: "bad_request",
    429: "rate_limit",
    451: "bad_request",
    500: "server_error",
    503: "server_error",
    529: "server_error",
}
TOO_LONG = (
    "This model's maximum context length is 8192 tokens, however you requested 9000 tokens.",
    "Input tokens exceed the configured limit of 272000 tokens.",
    "prompt is too long: 209303 tokens > 200000 maximum",
    "The input (4100 tokens) is longer than the model's context length (4096 tokens).",
    "Prompt contains 40000 tokens, too large for model with 32768 maximum context length",
    "the request exceeds the available context size. try increasing the context size",
    "Your input exceeds the context window of this model.",
    "Too many input tokens.",
)


@pytest.mark.parametrize(("code", "kind"), STATUSES.items())
def test_statuses_have_names(code: int, kind: Failure) -> None:
    """Every status of a failure has a name."""
    assert failure_of(status(code, message="no")) == kind


@pytest.mark.parametrize("said", TOO_LONG)
@pytest.mark.parametrize("code", [400, 422])
def test_a_request_that_is_too_long(said: str, code: int) -> None:
    """A request that is too long for the model is known by what servers say of it, where they have no code for it."""
    assert failure_of(status(code, message=said)) == "context_length"
    assert failure_of(status(429, message=said)) == "rate_limit"


@pytest.mark.parametrize(
    ("members", "code", "kind"),
    [
        ({"code": "context_length_exceeded"}, 400, "context_length"),
        ({"type": "exceed_context_size_error", "code": 400}, 400, "context_length"),
        ({"code": "insufficient_quota"}, 429, "quota"),
        ({"type": "insufficient_quota"}, 403, "quota"),
        ({"code": "billing_not_active"}, 429, "quota"),
        ({"code": "content_filter"}, 400, "content_filter"),
        ({"code": "content_policy_violation"}, 400, "content_filter"),
        ({"code": "rate_limit_exceeded"}, 413, "rate_limit"),
        ({"type": {"odd": "shape"}, "code": [1]}, 500, "server_error"),
        ({"type": ["odd"]}, 400, "bad_request"),
    ],
)
def test_codes_go_before_statuses(members: dict[str, Any], code: int, kind: Failure) -> None:
    """What the server calls a failure goes before its status, whatever the shape of that."""
    assert failure_of(status(code, **members)) == kind


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (APIConnectionError(request=REQUEST), "connection"),
        (APITimeoutError(REQUEST), "timeout"),
        (StreamError("no", REQUEST, body={"code": "server_error"}), "server_error"),
        (StreamError("no", REQUEST, body={"code": 429}), "rate_limit"),
        (StreamError("no", REQUEST, body={"code": "context_length_exceeded"}), "context_length"),
        (BudgetExceeded(""), "budget"),
        (UnknownPriceError(""), "unpriced"),
        (RateLimitExceeded("", limit=1), "own_rate_limit"),
        (RateLimitExceeded(""), "rate_limit"),
        (QueueFull(""), "queue_full"),
        (DeadlineExceededError(REQUEST), None),
        (CircuitOpen(""), None),
        (ClientClosedError(""), None),
        (ConfigError(""), None),
        (GuardrailError(""), None),
        (StoreError(""), None),
    ],
)
def test_other_errors_have_names(error: OpenAIError, kind: Failure | None) -> None:
    """An error without an answer has a name where a target failed or refused the call, and none otherwise."""
    assert failure_of(error) == kind


def test_every_failure_is_described() -> None:
    """Each name has a description, and the usual choice is of them."""
    assert set(FAILURES) == set(get_args(Failure))
    assert set(DEFAULT_FAILURES) < set(FAILURES)


def test_the_usual_choice_is_what_another_target_may_mend() -> None:
    """By default the failures lead on that are transient or concern one target, not those of the request."""
    choice = Choice(DEFAULT_FAILURES)
    leading = {code for code in STATUSES if choice.includes(status(code))}
    assert leading == {402, 408, 409, 429, 500, 503, 529}


@pytest.mark.parametrize("code", [400, 401, 404, 408, 409, 413, 422, 429, 500, 503])
def test_a_status_can_be_chosen(invoke: Invoke, upstream: Upstream, code: int) -> None:
    """A status in `on` leads to the next target, another one does not."""

    def answer(recorded: Recorded) -> Reply:
        return Reply(status=code if recorded.json()["model"] == "a" else 200)

    upstream.always(answer)
    for chosen, sent in ((418, ["a"]), (code, ["a", "a", "b"])):
        client = invoke.client(layers=[Fallback({"m": ["a", "b"]}, on=[chosen], breaker=None)])
        if chosen == code:
            invoke.chat(client, model="m")
        else:
            with pytest.raises(APIStatusError):
                invoke.chat(client, model="m")
        assert [recorded.json()["model"] for recorded in upstream.requests] == sent


@pytest.mark.parametrize(
    ("on", "message"),
    [
        (["sever_error"], r"fallback\.on\[0\]: 'sever_error' is no failure\. Did you mean 'server_error'\?"),
        (["timeout", "Quota"], r"fallback\.on\[1\]: 'Quota' .* Did you mean 'quota'\?"),
        (["weather"], r"fallback\.on\[0\]: 'weather' .* from 400 to 599, or of connection, timeout"),
        ([200], r"fallback\.on\[0\]: 200 is no status of a failure. Choose one from 400 to 599"),
        ([True], r"fallback\.on\[0\]: True is no failure"),
        ("timeout", r"fallback\.on: expected a list of failures, such as \['timeout'\]"),
    ],
)
def test_a_senseless_choice_is_refused(on: Any, message: str) -> None:
    """What is no failure is refused where the policy is made, with the nearest name."""
    with pytest.raises(ConfigError, match=message):
        Fallback(on=on)
