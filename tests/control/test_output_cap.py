"""The cap on output tokens: whatever a request says about them, what is sent asks for no more."""

import json
from enum import Enum
from typing import Any

import pytest
from hypothesis import given, strategies as st
from pydantic import BaseModel

from ai_client import ConfigError, GuardrailError, not_given
from ai_client.control import Call
from ai_client.control.accounting.cost import Cost
from ai_client.control.guardrails import Guardrails
from ai_client.control.record import call_record
from ai_client.testing import Upstream
from tests.support.invoke import CHAT, Invoke
from tests.support.policies import sync_io

CAP = Guardrails(max_output_tokens=100)
JSON = {"headers": {"content-type": "application/json"}}


def sent(upstream: Upstream) -> Any:
    """Return the body that was sent last."""
    return upstream.requests[-1].json()


def limits(body: dict[str, Any]) -> dict[str, Any]:
    """Return the members of a body that bound its answer."""
    return {name: value for name, value in body.items() if name.startswith("max_")}


@pytest.mark.parametrize(
    ("asked", "out"),
    [
        (
            {"max_completion_tokens": 5, "max_tokens": 100_000},
            {"max_completion_tokens": 5, "max_tokens": 100},
        ),
        ({"max_tokens": 5, "max_completion_tokens": 101}, {"max_completion_tokens": 100, "max_tokens": 5}),
        ({"extra_body": {"max_tokens": 100_000}}, {"max_tokens": 100}),
        ({"max_tokens": 5, "extra_body": {"max_tokens": 100_000}}, {"max_tokens": 100}),
        (
            {"max_tokens": 5, "extra_body": {"max_output_tokens": 1000}},
            {"max_tokens": 5, "max_output_tokens": 100},
        ),
        ({"extra_body": {"max_new_tokens": 1000}}, {"max_completion_tokens": 100, "max_new_tokens": 100}),
        ({"max_tokens": "100000"}, {"max_tokens": 100}),
        ({"max_tokens": "50"}, {"max_tokens": "50"}),
        ({"max_tokens": 100.5}, {"max_tokens": 100}),
        ({"max_tokens": 50.0}, {"max_tokens": 50.0}),
        ({"max_tokens": float("inf")}, {"max_tokens": 100}),
        ({"max_tokens": -1}, {"max_tokens": 100}),
        ({"max_tokens": True}, {"max_tokens": 100}),
        ({"max_tokens": "inf"}, {"max_tokens": 100}),
        ({"max_tokens": None}, {"max_completion_tokens": 100, "max_tokens": None}),
        ({"max_tokens": not_given}, {"max_completion_tokens": 100}),
        ({"n": 50}, {"max_completion_tokens": 2}),
        ({"n": 2, "max_tokens": 50}, {"max_tokens": 50}),
        ({"n": 2, "max_tokens": 51}, {"max_tokens": 50}),
        ({"n": "50", "max_tokens": 5}, {"max_tokens": 2}),
        ({"n": None, "max_tokens": 100}, {"max_tokens": 100}),
        ({"n": 1, "extra_body": {"n": 20}, "max_tokens": 100}, {"max_tokens": 5}),
    ],
)
def test_every_limit_of_a_chat_is_capped(
    invoke: Invoke, upstream: Upstream, asked: dict[str, Any], out: dict[str, Any]
) -> None:
    """Each member that may bound the answer is lowered to the cap, which all answers to a call share."""
    upstream.always(json={"choices": []})
    invoke(invoke.client(layers=[CAP]).chat.completions.create, **CHAT, **asked)
    assert limits(sent(upstream)) == out


@pytest.mark.parametrize(
    ("asked", "out"),
    [
        ({"prompt": "x"}, 100),
        ({"prompt": "x", "n": 4}, 25),
        ({"prompt": "x", "best_of": 10, "n": 2}, 10),
        ({"prompt": ["x", "y", "z"], "max_tokens": 50}, 33),
        ({"prompt": [["x"], ["y"]], "n": 5}, 10),
        ({"prompt": [1, 2, 3, 4], "max_tokens": 90}, 90),
        ({"prompt": [[1, 2], [3, 4]], "max_tokens": 90}, 50),
    ],
)
def test_completions_share_the_cap(
    invoke: Invoke, upstream: Upstream, asked: dict[str, Any], out: int
) -> None:
    """Completions multiply by `n`, by `best_of` and by the prompts of the call."""
    upstream.always(json={"choices": []})
    invoke(invoke.client(layers=[CAP]).completions.create, model="gpt-3.5-turbo-instruct", **asked)
    assert sent(upstream)["max_tokens"] == out


def test_prompts_that_can_be_read_once_are_counted(invoke: Invoke, upstream: Upstream) -> None:
    """Prompts from a generator share the cap as those of a list, and are all sent."""
    upstream.always(json={"choices": []})
    create = invoke.client(layers=[CAP]).completions.create
    invoke(create, model="m", prompt=(text for text in ("x", "y", "z", "w")))
    assert sent(upstream)["max_tokens"] == 25
    assert sent(upstream)["prompt"] == ["x", "y", "z", "w"]


@pytest.mark.parametrize("asked", [{"n": 101}, {"n": 10**30}, {"n": "many"}, {"n": -3}, {"n": [50]}])
def test_more_answers_than_tokens_are_refused(
    invoke: Invoke, upstream: Upstream, asked: dict[str, Any]
) -> None:
    """A call that asks for more answers than the cap has tokens, or for a number that is none, is refused."""
    with pytest.raises(GuardrailError) as caught:
        invoke(invoke.client(layers=[CAP]).chat.completions.create, **CHAT, **asked)
    assert caught.value.param == "n"
    assert not upstream.requests


@pytest.mark.parametrize(
    ("asked", "out"),
    [({}, 100), ({"max_output_tokens": 99}, 99), ({"max_output_tokens": 101}, 100)],
)
def test_responses_are_capped(invoke: Invoke, upstream: Upstream, asked: dict[str, Any], out: int) -> None:
    """Responses have one limit, which the cap bounds, also where they are asked for below `beta`."""
    client = invoke.client(layers=[CAP])
    for responses in (client.responses, client.beta.responses):
        invoke(responses.create, model="gpt-5.5", input="Hi", **asked)
        assert sent(upstream)["max_output_tokens"] == out


def test_runs_of_assistants_are_capped(invoke: Invoke, upstream: Upstream) -> None:
    """A run bills what it writes: it gets the cap as a chat does."""
    upstream.always(json={"id": "run_1", "object": "thread.run", "status": "queued"})
    client = invoke.client(layers=[CAP])
    for asked, out in (({}, 100), ({"max_completion_tokens": 1000}, 100), ({"max_completion_tokens": 9}, 9)):
        invoke(client.beta.threads.runs.create, "thread_1", assistant_id="asst_1", **asked)
        assert sent(upstream)["max_completion_tokens"] == out
        invoke(client.beta.threads.create_and_run, assistant_id="asst_1", **asked)
        assert sent(upstream)["max_completion_tokens"] == out


@pytest.mark.parametrize(("most", "out"), [(100, 100), (100_000, "inf")])
def test_realtime_sessions_that_are_prepared_are_capped(
    invoke: Invoke, upstream: Upstream, most: int, out: Any
) -> None:
    """A session that is prepared over HTTP bounds each of its responses; one of transcriptions has no such bound."""
    upstream.always(json={"value": "ek_1", "expires_at": 1, "session": {}})
    client = invoke.client(layers=[Guardrails(max_output_tokens=most)])
    secrets = client.realtime.client_secrets
    session = {"type": "realtime", "model": "gpt-realtime", "max_output_tokens": "inf"}
    expected = 4096 if out == "inf" else out
    invoke(secrets.create, session=session)
    assert sent(upstream)["session"] == {**session, "max_output_tokens": expected}
    invoke(secrets.create, session={"type": "realtime"})
    assert sent(upstream)["session"] == {"type": "realtime", "max_output_tokens": expected}
    invoke(secrets.create, session={"type": "transcription"})
    assert sent(upstream)["session"] == {"type": "transcription"}
    invoke(client.realtime.calls.accept, "rtc_1", type="realtime", max_output_tokens=50)
    assert sent(upstream)["max_output_tokens"] == min(50, most)
    invoke(client.post, "/realtime/sessions", cast_to=object, body={"max_response_output_tokens": "inf"})
    assert sent(upstream)["max_response_output_tokens"] == expected


def test_what_has_no_limit_is_sent_as_it_is(invoke: Invoke, upstream: Upstream) -> None:
    """A call that has no limit of output tokens to ask for gets none."""
    client = invoke.client(layers=[CAP])
    invoke(client.embeddings.create, model="text-embedding-3-small", input="x")
    assert limits(sent(upstream)) == {}
    upstream.always(json={"created": 1, "data": []})
    invoke(client.images.generate, model="gpt-image-1", prompt="x", n=3)
    assert limits(sent(upstream)) == {}


@pytest.mark.parametrize(
    "path",
    [
        "/chat/completions",
        "chat/completions",
        "/chat/completions/",
        "/chat/completions?a=b",
        "//chat/completions",
        "/openai/deployments/x/chat/completions?api-version=1",
    ],
)
def test_a_path_of_its_own_is_no_way_around(invoke: Invoke, upstream: Upstream, path: str) -> None:
    """The endpoint is known however its path is written."""
    upstream.always(json={"choices": []})
    client = invoke.client(layers=[CAP])
    invoke(client.post, path, cast_to=object, body={**CHAT, "max_tokens": 1000})
    assert sent(upstream)["max_tokens"] == 100


class Asked(BaseModel):
    """A body that is a model."""

    model: str
    messages: list[dict[str, str]]
    max_tokens: int = 1000


@pytest.mark.parametrize(
    "given",
    [
        {"content": json.dumps({**CHAT, "max_tokens": 1000, "n": 2}).encode()},
        {"content": b"\n " + json.dumps({**CHAT, "max_tokens": 1000, "n": 2}).encode()},
        {"body": Asked(**CHAT, max_tokens=1000)},
    ],
)
def test_what_is_sent_counts(invoke: Invoke, upstream: Upstream, given: dict[str, Any]) -> None:
    """A body in bytes or a model is held to the same rules, by what is sent of it, and keeps its other members."""
    upstream.always(json={"choices": []})
    client = invoke.client(layers=[CAP])
    invoke(client.post, "/chat/completions", cast_to=object, **given, options=JSON)
    body = sent(upstream)
    assert body["max_tokens"] * body.get("n", 1) == 100
    assert {name: body[name] for name in CHAT} == CHAT
    with pytest.raises(GuardrailError, match="is not allowed here"):
        invoke(
            invoke.client(layers=[Guardrails(allowed_models=["o9"])]).post,
            "/chat/completions",
            cast_to=object,
            **given,
            options=JSON,
        )


@pytest.mark.parametrize("content", [b"\x1f\x8b\x08 packed", iter([b"{}"]), b'["x"]', b'{"model": '])
@pytest.mark.parametrize("rules", [CAP, Guardrails(allowed_models=["*"]), Guardrails(max_input_tokens=10)])
def test_a_body_that_cannot_be_read_is_refused(
    invoke: Invoke, upstream: Upstream, rules: Guardrails, content: Any
) -> None:
    """A call that writes text is refused where its body cannot be checked; other bodies pass."""
    client = invoke.client(layers=[rules])
    with pytest.raises(GuardrailError, match="cannot be checked"):
        invoke(client.post, "/chat/completions", cast_to=object, content=content)
    assert not upstream.requests
    upstream.always(json={})
    invoke(client.post, "/uploads", cast_to=object, content=b"\x1f\x8b\x08 packed")
    assert upstream.requests[-1].body == b"\x1f\x8b\x08 packed"


def test_defaults_are_held_to_the_rules(invoke: Invoke, upstream: Upstream) -> None:
    """What a default adds is checked as what the caller says."""
    rules = Guardrails(
        max_output_tokens=100, defaults={"max_tokens": 5000, "n": 4}, allowed_models=["gpt-5.5"]
    )
    invoke(invoke.client(layers=[rules]).chat.completions.create, **CHAT)
    assert limits(sent(upstream)) == {"max_tokens": 25}
    rules = Guardrails(defaults={"model": "o9"}, allowed_models=["gpt-5.5"])
    with pytest.raises(GuardrailError, match="'o9'"):
        invoke(invoke.client(layers=[rules]).post, "/responses", cast_to=object, body={"input": "Hi"})


class Model(Enum):
    """Names that are members of an enumeration."""

    BIG = "o9"


def test_a_model_is_checked_as_it_is_sent(invoke: Invoke, upstream: Upstream) -> None:
    """A model that is no text until it is sent is checked by that text; so is the model of a prepared session."""
    upstream.always(json={"value": "ek_1", "expires_at": 1, "session": {}})
    client = invoke.client(layers=[Guardrails(allowed_models=["gpt-*"])])
    with pytest.raises(GuardrailError, match="'o9'"):
        invoke(client.chat.completions.create, model=Model.BIG, messages=CHAT["messages"])
    with pytest.raises(GuardrailError, match="'o9'"):
        invoke(client.realtime.client_secrets.create, session={"type": "realtime", "model": "o9"})
    invoke(client.realtime.client_secrets.create, session={"type": "realtime", "model": "gpt-realtime"})
    assert len(upstream.requests) == 1


def test_one_text_is_no_list_of_models() -> None:
    """Allowed models in one text, of which each letter would be a pattern, fail where they are given."""
    with pytest.raises(ConfigError, match="allowed_models"):
        Guardrails(allowed_models="gpt-5*")
    with pytest.raises(ConfigError, match="allowed_models"):
        Guardrails(endpoints={"/x": {"allowed_models": "*"}})


def test_an_answer_that_the_cap_shortens_is_told_apart(invoke: Invoke) -> None:
    """The record says whether the application bounds the answer, or its caller."""
    client = invoke.client(layers=[CAP, Cost()])
    for asked, capped in (({"max_tokens": 5}, False), ({"max_tokens": 500}, True), ({"n": 2}, True)):
        record = call_record(invoke(client.chat.completions.create, **CHAT, **asked))
        assert record is not None
        assert record.output_capped is capped


NUMBER = (
    st.none()
    | st.booleans()
    | st.integers(-10, 10**6)
    | st.floats(allow_nan=False)
    | st.integers(-10, 10**6).map(str)
    | st.text(max_size=3)
)


@given(
    st.sampled_from(["/chat/completions", "/completions", "/responses", "/threads/runs"]),
    st.dictionaries(
        st.sampled_from(["max_tokens", "max_completion_tokens", "max_output_tokens", "n", "best_of"]), NUMBER
    ),
    st.integers(1, 500),
)
def test_nothing_passes_the_cap(path: str, asked: dict[str, Any], most: int) -> None:
    """Whatever is asked, what goes on asks for at most the cap, however leniently it is read, or is refused."""
    call = Call(sync_io(), "POST", path, None, body={"model": "m", "prompt": "x", "input": "x", **asked})
    try:
        body = Guardrails(max_output_tokens=most).applied(call).members()
    except GuardrailError:
        return
    answers = max(float(body.get(name) or 1) for name in ("n", "best_of"))
    bounds = {name: value for name, value in body.items() if name.startswith("max_") and value is not None}
    assert bounds
    for value in bounds.values():
        assert 0 <= float(value) * max(1.0, answers) <= most
