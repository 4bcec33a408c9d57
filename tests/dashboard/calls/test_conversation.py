"""The conversation of a call as text, of each API that has one, and of requests that have none."""

from typing import Any

from hypothesis import given, strategies as st

from ai_client.dashboard.calls.conversation import conversation_of

NAMES = [
    *("messages", "input", "content", "role", "type", "text", "choices", "output", "tool_calls", "message"),
    *(
        "function",
        "arguments",
        "name",
        "summary",
        "refusal",
        "prompt",
        "instructions",
        "output_text",
        "reasoning",
    ),
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.sampled_from(NAMES),
            inner,
        )
    ),
    max_leaves=30,
)


def said(request: Any, answer: Any) -> list[tuple[str, str]]:
    """Return who said what."""
    return [(turn.role, turn.text) for turn in conversation_of(request, answer)]


def test_chat() -> None:
    """Messages, parts of them, calls of tools and their results are said by whom they are of."""
    function = {"name": "weather", "arguments": '{"city": "Ulm"}'}
    request = {
        "messages": [
            {"role": "system", "content": "Be brief."},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is this?"},
                    {"type": "image_url", "image_url": {}},
                ],
            },
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"type": "function", "function": function}],
            },
            {"role": "tool", "tool_call_id": "x", "content": "12 degrees"},
        ]
    }
    answer = {"choices": [{"message": {"role": "assistant", "content": "A cat."}}]}
    assert said(request, answer) == [
        ("system", "Be brief."),
        ("user", "What is this?\n[image_url]"),
        ("tool call", 'weather({"city": "Ulm"})'),
        ("tool", "12 degrees"),
        ("assistant", "A cat."),
    ]
    assert [turn.answered for turn in conversation_of(request, answer)] == [False] * 4 + [True]


def test_responses() -> None:
    """Instructions, input items and output items of Responses are said, reasoning by its summary."""
    request = {
        "instructions": "Be brief.",
        "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "Hello"}]},
            {"type": "function_call_output", "call_id": "x", "output": "12"},
        ],
    }
    answer = {
        "output": [
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Thinking"}]},
            {"type": "function_call", "name": "weather", "arguments": "{}"},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hi"}]},
            {"type": "web_search_call", "id": "y"},
        ]
    }
    assert said(request, answer) == [
        ("instructions", "Be brief."),
        ("user", "Hello"),
        ("tool result", "12"),
        ("assistant, reasoning", "Thinking"),
        ("tool call", "weather({})"),
        ("assistant", "Hi"),
        ("assistant", "[web_search_call]"),
    ]
    assert said({"input": "Hello"}, {"output_text": "Hi"}) == [("user", "Hello"), ("assistant", "Hi")]


def test_the_text_of_a_stream() -> None:
    """The answer of a stream is its text, put together."""
    assert said({"messages": [{"role": "user", "content": "Hello"}]}, "Hi there") == [
        ("user", "Hello"),
        ("assistant", "Hi there"),
    ]


def test_other_calls_have_no_conversation() -> None:
    """A request without a prompt is no conversation, whatever its answer is."""
    assert said({"purpose": "batch"}, {"output": [{"type": "message", "content": "x"}]}) == []
    assert said(None, None) == []


@given(JSON, JSON)
def test_any_json_is_read(request: Any, answer: Any) -> None:
    """No request and no answer fails, and all that is said is text."""
    for turn in conversation_of(request, answer):
        assert isinstance(turn.text, str)
        assert isinstance(turn.role, str)
