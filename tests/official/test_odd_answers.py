"""Answers that are no JSON, read by the official client over ours: an error of the SDK, and never another library's."""

import pickle
from typing import Any

import httpx
import httpx2
import openai
import pytest

from ai_client.interop import official
from ai_client.testing import Upstream
from tests.support.invoke import CHAT, Invoke

NO_JSON = {
    "empty": b"",
    "cut off": b'{"id": "c", "choi',
    "no text": b'{"id": "\xff\xfe"}',
    "too deep": b"[" * 100_000,
}


@pytest.mark.parametrize("body", NO_JSON.values(), ids=NO_JSON)
def test_an_answer_that_is_no_json(invoke: Invoke, upstream: Upstream, body: bytes) -> None:
    """However an answer is read, that it is no JSON is the SDK's error about answers, and a `ValueError` as before."""
    completions = official(invoke.client(max_retries=0)).chat.completions
    upstream.always(body=body)

    def read_later() -> Any:
        with invoke.within(completions.with_streaming_response.create(**CHAT)) as answer:
            return invoke(answer.parse)

    reads = [
        lambda: invoke(completions.create, **CHAT),
        lambda: invoke(completions.with_raw_response.create, **CHAT).parse(),
        read_later,
    ]
    for read in reads:
        with pytest.raises(openai.APIResponseValidationError, match="not JSON") as caught:
            read()
        assert isinstance(caught.value, ValueError)
        assert caught.value.status_code == 200
    assert upstream.connections_opened == 1


def test_a_raw_answer_is_stored_as_one_of_the_http_library(invoke: Invoke) -> None:
    """The response below a raw answer can be pickled, and comes back as the HTTP library's own."""
    raw = invoke(official(invoke.client()).chat.completions.with_raw_response.create, **CHAT)
    stored = pickle.loads(pickle.dumps(raw.http_response))  # noqa: S301 - our own
    assert type(stored) in {httpx.Response, httpx2.Response}
    assert isinstance(raw.http_response, type(stored))
    assert (stored.status_code, stored.json()) == (200, raw.http_response.json())
