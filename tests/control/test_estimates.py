"""Tokens that are estimated."""

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from ai_client import not_given
from ai_client._call.size import Size
from ai_client._call.usage import UNKNOWN
from ai_client.control import Call
from ai_client.control.pricing.estimates import from_events, input_tokens, size_of, size_of_prompt
from ai_client.types.chat import ChatCompletionMessage
from tests.support.policies import sync_io


def call(path: str = "/chat/completions", **body: Any) -> Call:
    """Describe a call."""
    return Call(sync_io(), "POST", path, None, body=body, timeout=not_given)


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
    assert size_of(call(**body)).answer(77) == expected


def test_embeddings_put_nothing_out() -> None:
    """A call that answers with vectors needs no output tokens."""
    assert size_of(call("/embeddings", input="x")).answer(77) == 0


def test_an_aborted_stream_is_estimated_from_its_text() -> None:
    """What came of a stream is counted, both of chat completions and of responses; nothing at all is unknown."""
    chat = [{"model": "m", "choices": [{"delta": {"role": "assistant", "content": "x" * 8}}]}] * 10
    responses = [{"type": "response.output_text.delta", "delta": "x" * 8}] * 10
    for events in (chat, responses):
        usage = from_events(call(messages=[]), [json.dumps(event).encode() for event in events])
        assert (usage.source, usage.output) == ("estimated", 20)
    assert from_events(call(), []) == UNKNOWN


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
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
    assert size_of(request).tokens(2) >= size_of(request).tokens(4)


TALK = [
    {"role": ("user", "assistant")[turn % 2], "content": "word " * 100 if turn % 3 else "Grüße, 世界 " * 30}
    for turn in range(20)
]


@pytest.mark.parametrize("per_token", [2, 4])
@pytest.mark.parametrize(
    "body",
    [
        {"messages": TALK},
        {"messages": [{**turn, "content": [{"type": "text", "text": turn["content"]}]} for turn in TALK]},
        {"input": TALK, "instructions": "Be brief. " * 20},
        {"input": "word " * 1000},
        {"prompt": ["word " * 1000] * 3},
        {"messages": TALK, "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}] * 9},
    ],
)
def test_the_size_of_a_request_tells_about_its_prompt(body: dict[str, Any], per_token: int) -> None:
    """What a prompt of texts is estimated at by the bytes that are sent is near to what its texts come to."""
    by_texts = size_of_prompt(body).tokens(per_token)
    by_bytes = size_of(call(**body, model="gpt-4o-mini", temperature=0.5)).tokens(per_token)
    assert 0.9 * by_texts <= by_bytes <= 1.4 * by_texts


@given(st.text(max_size=600))
def test_a_short_prompt_counts(text: str) -> None:
    """What may be used for a text is never estimated at less than the text itself, however short the request is."""
    size = Size()
    size.add_text(text)
    for path, body in (
        ("/embeddings", {"model": "m", "input": text}),
        ("/completions", {"model": "m", "prompt": text}),
        ("/responses", {"model": "m", "input": text}),
        ("/chat/completions", {"model": "m", "messages": [{"role": "user", "content": text}]}),
    ):
        around = 8 if path in {"/responses", "/chat/completions"} else 0
        assert size_of(call(path, **body)).tokens(2) >= size.tokens(2) + around


def test_tokens_that_are_counted_already() -> None:
    """A prompt of token ids has as many tokens as ids."""
    assert input_tokens(call("/embeddings", input=[5] * 30)) == 30
    assert input_tokens(call("/embeddings", input=[[5] * 30, [6] * 12])) == 42


def test_a_message_of_an_earlier_answer_counts() -> None:
    """A message that is a model counts by its text, beside plain ones and beside a picture."""
    message = ChatCompletionMessage(role="assistant", content="word " * 400)
    picture = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x/y.png"}}]}
    assert 490 <= input_tokens(call(messages=[message])) < 600
    assert 2000 <= input_tokens(call(messages=[message, picture])) < 2100


def test_a_prompt_that_can_be_read_once_is_sent_whole() -> None:
    """Counting a prompt that is an iterator leaves it whole, also where a policy changes the request then."""
    request = call(messages=(turn for turn in TALK), model="fast")
    assert input_tokens(request) > 100
    changed = request.with_members({"model": "gpt-4o-mini"})
    assert json.loads(request.encoded())["messages"] == TALK
    assert json.loads(changed.encoded()) == {"messages": TALK, "model": "gpt-4o-mini"}
