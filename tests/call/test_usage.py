"""Tokens, as answers report them."""

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from ai_client._call.report import from_report, outline_of, reported
from ai_client.control import Usage

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


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (
            {"model": "m", "usage": CHAT},
            Usage("reported", 100, 20, cached=30, reasoning=8, audio_input=5, audio_output=2, model="m"),
        ),
        ({"model": "m", "usage": RESPONSES}, Usage("reported", 100, 20, cached=30, reasoning=8, model="m")),
        (
            {"type": "response.completed", "response": {"model": "m", "usage": RESPONSES}},
            Usage("reported", 100, 20, cached=30, reasoning=8, model="m"),
        ),
        ({"usage": {"prompt_tokens": 7, "total_tokens": 12}}, Usage("reported", 7, 5)),
        ({"usage": {"completion_tokens": 5, "total_tokens": 12}}, Usage("reported", 7, 5)),
        ({"usage": {"completion_tokens": 5}}, None),
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
        ({"text": "hi", "usage": {"type": "duration", "seconds": 3}}, Usage("reported", seconds=3.0)),
        ({"text": "hi", "usage": {"type": "duration"}}, None),
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


MEMBERS = {
    "id": st.text(),
    "model": st.text() | st.none(),
    "choices": st.lists(st.fixed_dictionaries({"text": st.text(), "model": st.text()}), max_size=2),
    "type": st.sampled_from(["usage", "model", '"usage"', '{"model":"x"}']),
    "error": st.none() | st.fixed_dictionaries({"usage": st.just(CHAT), "model": st.just("no")}),
    "response": st.none() | st.fixed_dictionaries({"model": st.text(), "usage": st.just(RESPONSES)}),
    "usage": st.none() | st.just(CHAT) | st.just(RESPONSES),
}


@given(st.permutations(sorted(MEMBERS)), st.data(), st.booleans())
def test_usage_is_found_wherever_it_is(names: list[str], data: st.DataObject, compact: bool) -> None:
    """In whatever order an answer has its members, its end tells the same as the whole of it."""
    kept = data.draw(st.lists(st.sampled_from(names), unique=True))
    answer = {name: data.draw(MEMBERS[name]) for name in names if name in kept}
    encoded = json.dumps(
        answer, ensure_ascii=data.draw(st.booleans()), separators=(",", ":") if compact else None
    ).encode()
    outline = outline_of(encoded)
    holder = outline if "usage" in outline else outline.get("response") or {}
    assert reported(encoded) == from_report(holder.get("usage") or {}, holder.get("model"))


def test_only_the_end_of_an_answer_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it takes to read the usage does not grow with the answer."""
    sizes: list[int] = []

    def count(data: bytes) -> Any:
        sizes.append(len(data))
        return json.loads(data)

    monkeypatch.setattr("ai_client._call.report.from_json", count)
    vectors = [{"embedding": [0.25] * 1000}] * 100
    embeddings = {"data": vectors, "model": "e", "usage": {"prompt_tokens": 7, "total_tokens": 7}}
    completion = {"model": "m", "choices": [{"message": {"content": "x" * 100_000}}], "usage": CHAT}
    for answer in (embeddings, completion):
        found = reported(json.dumps(answer).encode())
        assert found is not None
        assert found.model == answer["model"]
    assert max(sizes) < 500
