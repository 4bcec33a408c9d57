"""Tokens, reported and estimated."""

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from ai_client._request import not_given
from ai_client.control.call import Call
from ai_client.control.usage import UNKNOWN, Usage, from_events, input_tokens, output_tokens, reported
from tests.control.support import blocking_io

CHAT = {
    "prompt_tokens": 100,
    "completion_tokens": 20,
    "total_tokens": 120,
    "prompt_tokens_details": {"cached_tokens": 30, "audio_tokens": 5},
    "completion_tokens_details": {"reasoning_tokens": 8, "audio_tokens": 2},
}
RESPONSES = {
    "input_tokens": 100,
    "output_tokens": 20,
    "total_tokens": 120,
    "input_tokens_details": {"cached_tokens": 30},
    "output_tokens_details": {"reasoning_tokens": 8},
}


def call(path: str = "/chat/completions", **body: Any) -> Call:
    """Describe a call."""
    return Call(blocking_io(), "POST", path, None, body=body, timeout=not_given)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (
            {"model": "m", "usage": CHAT},
            Usage("reported", 100, 20, 30, reasoning=8, audio_input=5, audio_output=2, model="m"),
        ),
        ({"model": "m", "usage": RESPONSES}, Usage("reported", 100, 20, 30, reasoning=8, model="m")),
        (
            {"type": "response.completed", "response": {"model": "m", "usage": RESPONSES}},
            Usage("reported", 100, 20, 30, reasoning=8, model="m"),
        ),
        (
            {"data": [], "model": "e", "usage": {"prompt_tokens": 7, "total_tokens": 7}},
            Usage("reported", 7, 0, model="e"),
        ),
        (
            {
                "usage": {
                    "total_tokens": 50,
                    "input_tokens": 10,
                    "output_tokens": 40,
                    "input_tokens_details": {"image_tokens": 4},
                }
            },
            Usage("reported", 10, 40, image_input=4),
        ),
        ({"text": "hi", "usage": {"type": "duration", "seconds": 3}}, None),
        ({"model": "m", "usage": None}, None),
        ({"model": "m"}, None),
        ({"usage": {"prompt_tokens": "many"}}, None),
    ],
)
def test_reported_usage(answer: dict[str, Any], expected: Usage | None) -> None:
    """Usage is read from the answer of each endpoint, and is `None` where none is reported."""
    assert reported(json.dumps(answer).encode()) == expected


def test_what_is_not_json_reports_nothing() -> None:
    """A body that is no JSON object reports no usage and raises nothing."""
    assert reported(b'"usage" {') is None
    assert reported(b'["usage"]') is None


def test_media_count_flat() -> None:
    """A picture in a prompt does not count by the length of its base64 text."""
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 1_000_000}}
    assert input_tokens(call(messages=[{"role": "user", "content": [picture]}])) < 2000


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"max_tokens": 10}, 10),
        ({"max_completion_tokens": 10, "n": 3}, 30),
        ({"max_output_tokens": 10}, 10),
        ({}, 77),
        ({"max_tokens": None}, 77),
    ],
)
def test_output_tokens(body: dict[str, Any], expected: int) -> None:
    """The most an answer may have is the request's own limit for each choice, else the default."""
    assert output_tokens(call(**body), 77) == expected


def test_embeddings_put_nothing_out() -> None:
    """A call that answers with vectors needs no output tokens."""
    assert output_tokens(call("/embeddings", input="x")) == 0


def test_an_aborted_stream_is_estimated_from_its_text() -> None:
    """What came of a stream is counted, both of chat completions and of responses; nothing at all is unknown."""
    chat = [{"model": "m", "choices": [{"delta": {"role": "assistant", "content": "x" * 8}}]}] * 10
    responses = [{"type": "response.output_text.delta", "delta": "x" * 8}] * 10
    for events in (chat, responses):
        usage = from_events(call(messages=[]), [json.dumps(event).encode() for event in events])
        assert (usage.source, usage.output) == ("estimated", 20)
    assert from_events(call(), []) == UNKNOWN


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_estimates_never_fail(value: Any) -> None:
    """Whatever a caller sends as a prompt, its estimate is a number and not negative."""
    assert input_tokens(call(messages=value, input=value)) >= 0


@given(st.text())
def test_the_wary_estimate_is_the_larger(text: str) -> None:
    """What is set aside for a text is never less than what it is taken to have used."""
    request = call(input=text)
    assert input_tokens(request, 2) >= input_tokens(request, 4)
