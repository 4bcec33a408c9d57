"""Rules about calls, and shortened conversations."""

from typing import Any

import pytest
from hypothesis import given, strategies as st

from ai_client import ConfigError, DeadlineExceededError, GuardrailError, labels
from ai_client.control.guardrails import Guardrails, Rules
from ai_client.control.pricing.estimates import message_tokens
from ai_client.control.record import call_record
from ai_client.control.trim import trim_messages
from ai_client.testing import Upstream
from ai_client.web import http_error
from tests.support.invoke import Invoke


def sent(upstream: Upstream) -> dict[str, Any]:
    """Give the body that went out last."""
    body: dict[str, Any] = upstream.requests[-1].json()
    return body


def test_models_are_allowed_by_name(invoke: Invoke, upstream: Upstream) -> None:
    """A model that is not allowed is refused before anything is sent, as the caller's fault."""
    client = invoke.client(layers=[Guardrails(allowed_models=["gpt-4o*", "fast"])])
    invoke.chat(client, model="gpt-4o-mini")
    with pytest.raises(GuardrailError, match="'o9' is not allowed") as caught:
        invoke.chat(client, model="o9")
    assert len(upstream.requests) == 1
    assert caught.value.param == "model"
    shown = http_error(caught.value)
    assert shown is not None
    assert shown.status == 400


@pytest.mark.parametrize(
    ("asked", "out"),
    [
        ({}, {"max_completion_tokens": 100}),
        ({"max_completion_tokens": 50}, {"max_completion_tokens": 50}),
        ({"max_completion_tokens": 500}, {"max_completion_tokens": 100}),
        ({"max_tokens": 500}, {"max_tokens": 100}),
    ],
)
def test_output_is_capped(
    invoke: Invoke, upstream: Upstream, asked: dict[str, int], out: dict[str, int]
) -> None:
    """A call gets the cap where it says nothing or more, under the name that it uses."""
    invoke.chat(invoke.client(layers=[Guardrails(max_output_tokens=100)]), **asked)
    body = sent(upstream)
    assert {name: value for name, value in body.items() if name.startswith("max_")} == out


def test_defaults_fill_gaps(invoke: Invoke, upstream: Upstream) -> None:
    """A default is sent where the caller gives nothing, and not with calls that make no text."""
    client = invoke.client(layers=[Guardrails(defaults={"temperature": 0, "seed": 1})])
    invoke.chat(client, temperature=1)
    assert (sent(upstream)["temperature"], sent(upstream)["seed"]) == (1, 1)
    invoke(client.embeddings.create, model="text-embedding-3-small", input="x")
    assert "seed" not in sent(upstream)


def test_endpoints_have_their_own_rules(invoke: Invoke, upstream: Upstream) -> None:
    """The rules of an endpoint go over those of all, and keep what they do not say."""
    rules = Guardrails(
        max_output_tokens=100,
        allowed_models=["gpt-4o-mini"],
        endpoints={"/long": {"max_output_tokens": 1000}, "/free": Rules(allowed_models=["*"])},
    )
    client = invoke.client(layers=[rules])
    with labels(endpoint="/long"):
        invoke.chat(client)
        assert sent(upstream)["max_completion_tokens"] == 1000
        with pytest.raises(GuardrailError):
            invoke.chat(client, model="other")
    with labels(endpoint="/free"):
        invoke.chat(client, model="other")
        assert sent(upstream)["max_completion_tokens"] == 100


def test_a_large_prompt_is_refused_or_trimmed(invoke: Invoke, upstream: Upstream) -> None:
    """A prompt beyond the bound is refused, or loses its oldest turns."""
    messages = [{"role": "system", "content": "Be brief."}]
    messages += [{"role": "user", "content": f"{number} " + "word " * 50} for number in range(20)]
    with pytest.raises(GuardrailError, match="500 are allowed"):
        invoke.chat(invoke.client(layers=[Guardrails(max_input_tokens=500)]), messages=messages)
    invoke.chat(invoke.client(layers=[Guardrails(max_input_tokens=500, on_large="trim")]), messages=messages)
    out = sent(upstream)["messages"]
    assert out[0] == messages[0]
    assert out[1:] == messages[-len(out) + 1 :]
    assert 2 < len(out) < 10


def test_times_are_capped(invoke: Invoke) -> None:
    """A call waits no longer than the rules allow, and is over by its deadline."""
    seen: list[Any] = []

    async def see(call: Any, proceed: Any) -> Any:
        seen.append(call)
        return await proceed(call)

    client = invoke.client(layers=[Guardrails(timeout=5, deadline=7), see])
    invoke.chat(client)
    assert seen[0].timeout == 5
    assert seen[0].deadline is not None


def test_a_deadline_ends_a_call(invoke: Invoke, upstream: Upstream) -> None:
    """A call that is not over by its deadline ends with an error that says so."""
    upstream.reply(never=True)
    with pytest.raises(DeadlineExceededError):
        invoke.chat(invoke.client(layers=[Guardrails(deadline=0.05)]))


def test_the_record_survives_a_deadline_of_the_client(invoke: Invoke) -> None:
    """A client's own deadline does not hide from the result what is known of its call."""
    completion = invoke.chat(invoke.client(layers=[Guardrails(timeout=5)], deadline=60))
    assert call_record(completion) is not None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"timeout": 0}, "timeout must be more than 0"),
        ({"on_large": "cut"}, "'refuse' or 'trim'"),
        ({"endpoints": {"/x": {"max": 1}}}, "endpoints: /x: rules are allowed_models"),
    ],
)
def test_a_senseless_rule_is_refused(options: dict[str, Any], message: str) -> None:
    """Rules that make no sense fail where they are made."""
    with pytest.raises(ConfigError, match=message):
        Guardrails(**options)


TEXT = st.text(max_size=40)


@st.composite
def conversations(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Give conversations with instructions, turns and tool calls with their answers."""
    messages: list[dict[str, Any]] = []
    for number in range(draw(st.integers(0, 12))):
        kind = draw(st.sampled_from(["system", "developer", "user", "assistant", "tools", "items"]))
        if kind == "tools":
            calls = [{"id": f"{number}-{call}"} for call in range(draw(st.integers(1, 3)))]
            messages.append({"role": "assistant", "content": None, "tool_calls": calls})
            messages += [
                {"role": "tool", "tool_call_id": call["id"], "content": draw(TEXT)} for call in calls
            ]
        elif kind == "items":
            messages.append({"type": "reasoning", "id": str(number)})
            messages.append({"type": "function_call", "call_id": str(number), "arguments": draw(TEXT)})
            messages.append({"type": "function_call_output", "call_id": str(number), "output": draw(TEXT)})
        else:
            messages.append({"role": kind, "content": draw(TEXT)})
    return messages


@given(conversations(), st.integers(0, 200), st.sampled_from(["last", "first"]))
def test_trimming(messages: list[dict[str, Any]], limit: int, keep: Any) -> None:
    """What is kept fits, is in order, has all instructions and the newest turn, and no half of a tool call."""
    try:
        kept = trim_messages(messages, limit, keep=keep)
    except GuardrailError:
        assert sum(map(message_tokens, messages)) > limit
        return
    assert sum(map(message_tokens, kept)) <= limit
    positions = [next(index for index, one in enumerate(messages) if one is item) for item in kept]
    assert positions == sorted(positions)
    fixed = [item for item in messages if item.get("role") in {"system", "developer"}]
    assert [item for item in kept if item.get("role") in {"system", "developer"}] == fixed
    turns = [item for item in messages if item not in fixed]
    if turns:
        assert kept[-1] is turns[-1] or any(item is turns[-1] for item in kept)
    for name in ("tool_call_id", "call_id"):
        answered = {item[name] for item in kept if name in item}
        expected = {item[name] for item in messages if name in item}
        halves = [[item for item in kept if item.get(name) == one] for one in answered]
        whole = [[item for item in messages if item.get(name) == one] for one in answered]
        assert halves == whole
        assert answered <= expected
    for item in kept:
        for call in item.get("tool_calls", ()):
            assert any(other.get("tool_call_id") == call["id"] for other in kept)


def test_what_fits_is_left_alone() -> None:
    """A conversation that fits comes back as it is, in a new list."""
    messages = [{"role": "user", "content": "Hi"}]
    assert trim_messages(messages, 100) == messages
    assert trim_messages(iter(messages), 100, count=len) == messages


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/embeddings", {"input": ["word " * 100, "word " * 100]}),
        ("/embeddings", {"input": [[5] * 300, [6] * 300]}),
        ("/moderations", {"input": ["word " * 400, "x"]}),
        ("/completions", {"prompt": ["word " * 400, "x"]}),
        ("/images/generations", {"prompt": "word " * 400}),
        ("/responses", {"input": "word " * 400}),
    ],
)
def test_what_is_no_conversation_is_never_trimmed(
    invoke: Invoke, upstream: Upstream, path: str, body: dict[str, Any]
) -> None:
    """Inputs that are each answered, and single texts, are refused where they are too large, and never shortened."""
    client = invoke.client(layers=[Guardrails(max_input_tokens=200, on_large="trim")])
    with pytest.raises(GuardrailError, match="200 are allowed"):
        invoke(client.post, path, cast_to=object, body={"model": "m", **body})
    assert not upstream.requests


def test_a_form_is_measured_by_its_texts(invoke: Invoke, upstream: Upstream) -> None:
    """The prompt of a form counts, and its files and other fields do not."""
    upstream.always(json={"created": 1, "data": []})
    client = invoke.client(layers=[Guardrails(max_input_tokens=200)])
    invoke(client.images.edit, model="gpt-image-1", image=b"x" * 5000, prompt="word " * 20)
    with pytest.raises(GuardrailError):
        invoke(client.images.edit, model="gpt-image-1", image=b"x", prompt="word " * 400)
    assert len(upstream.requests) == 1
