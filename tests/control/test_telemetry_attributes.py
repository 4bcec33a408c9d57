"""Attributes and metrics by version of the conventions: each that is listed is recorded, and none that is not."""

import json
from typing import Any

import pytest
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes, openai_attributes
from opentelemetry.semconv._incubating.metrics import gen_ai_metrics

from ai_client import APIError, ConfigError, labels
from ai_client.control import Cache, Cost, Fallback, Price, Prices, Redaction, Telemetry
from ai_client.control.observability.conventions import (
    ATTRIBUTES,
    METRICS,
    RENAMED,
    VERSIONS,
    Version,
    name_in,
)
from ai_client.control.observability.otel.operations import operation_of
from ai_client.stores import open_store
from ai_client.testing import Upstream, sse
from tests.support.collector import Collector
from tests.support.invoke import CHAT, Invoke
from tests.support.response_scripts import response

USAGE = {
    "prompt_tokens": 100,
    "completion_tokens": 50,
    "total_tokens": 150,
    "prompt_tokens_details": {
        "cached_tokens": 20,
        "cache_write_tokens": 5,
        "audio_tokens": 10,
        "image_tokens": 4,
    },
    "completion_tokens_details": {"reasoning_tokens": 30, "audio_tokens": 7, "image_tokens": 3},
}
WHOLE: dict[str, Any] = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "m-2",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}],
    "usage": USAGE,
    "service_tier": "flex",
    "system_fingerprint": "fp_1",
}
CHUNK = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
EVENT = sse({**CHUNK, "choices": [{"index": 0, "delta": {"content": "x"}, "finish_reason": None}]})


def everything(invoke: Invoke, upstream: Upstream, collector: Collector, convention: Version) -> None:
    """Make calls that have all attributes between them."""
    telemetry = collector.telemetry(convention=convention, redaction=Redaction(content=True))
    store = open_store("memory://")
    prices = Prices({"*": Price(input=1000, output=1000)}, library=False)
    client = invoke.client(
        layers=[
            telemetry,
            Cache(scope="all", store=store),
            Fallback(models={"smart": "m"}, breaker=None),
            Cost(prices=prices, store=store),
        ]
    )
    upstream.reply(json=WHOLE)
    with labels(endpoint="/ask", tenant="acme"):
        invoke.chat(
            client,
            model="smart",
            max_tokens=1,
            temperature=0,
            top_p=1,
            top_k=5,
            frequency_penalty=0,
            presence_penalty=0,
            seed=1,
            stop="x",
            n=2,
            service_tier="flex",
            reasoning_effort="low",
            response_format={"type": "json_schema", "json_schema": {"name": "a"}},
            tools=[{"type": "function", "function": {"name": "f"}}],
        )
    upstream.reply(json=response(conversation={"id": "conv_1"}))
    invoke(
        client.responses.create,
        model="m",
        input="A",
        instructions="B",
        previous_response_id="resp_0",
        prompt={"id": "pmpt_1", "version": "2"},
    )
    upstream.reply(chunks=[EVENT, EVENT, sse({**CHUNK, "choices": [], "usage": USAGE}), sse("[DONE]")])
    invoke.collect(invoke(client.chat.completions.create, **CHAT, stream=True))
    plain = invoke.client(layers=[telemetry])
    upstream.reply(chunks=[EVENT, EVENT, sse("[DONE]")])
    invoke.collect(invoke(plain.chat.completions.create, **CHAT, stream=True))
    invoke(plain.embeddings.create, model="text-embedding-3-small", input="A", encoding_format="float")
    upstream.reply(status=400)
    with pytest.raises(APIError):
        invoke.chat(plain)
    invoke(plain.models.list)


def defined(convention: Version) -> set[str]:
    """Return the attributes that a version defines."""
    return {name for one in ATTRIBUTES if (name := name_in(convention, one)) is not None}


@pytest.mark.parametrize("convention", VERSIONS)
def test_every_attribute_of_the_list(
    invoke: Invoke, upstream: Upstream, collector: Collector, convention: Version
) -> None:
    """Spans and metrics have the attributes that are listed for their version, each of them, and no others."""
    everything(invoke, upstream, collector, convention)
    recorded = {name for span in collector.spans for name in span.attributes}
    assert recorded == defined(convention)
    shared = {name_in(convention, one) for one in ATTRIBUTES if one.measured} - {None}
    measured = {name for of in collector.metrics().values() for point in of for name in point.attributes}
    assert measured - {"gen_ai.token.type", "gen_ai.token.modality"} == shared


@pytest.mark.parametrize("convention", VERSIONS)
def test_every_metric_of_the_list(
    invoke: Invoke, upstream: Upstream, collector: Collector, convention: Version
) -> None:
    """The metrics are those that are listed for their version, with the conventions' units and buckets."""
    everything(invoke, upstream, collector, convention)
    expected = {one.text for one in METRICS if name_in(convention, one) is not None}
    if convention == "latest":
        expected = {name for one in expected for name in RENAMED.get(one, (one,))}
    metrics = collector.metrics()
    assert metrics.keys() == expected
    for name, points in metrics.items():
        bounds = getattr(points[0], "explicit_bounds", None)
        if bounds is not None:
            assert bounds[:2] == ((1, 4) if "token" in name else (0.01, 0.02)), name
            assert len(bounds) == 14


@pytest.mark.skipif(
    not hasattr(gen_ai_attributes, "GEN_AI_USAGE_REASONING_OUTPUT_TOKENS"),
    reason="an older release of theirs",
)
def test_names_are_those_of_the_conventions() -> None:
    """Each name that is not this package's own is in the package of the conventions, or newer than it."""
    known = {
        value
        for module in (gen_ai_attributes, openai_attributes, gen_ai_metrics)
        for value in vars(module).values()
        if isinstance(value, str)
    }
    newer = {"gen_ai.request.reasoning.level", "gen_ai.request.previous_response.id", "gen_ai.prompt.version"}
    newer |= {f"gen_ai.usage.{kind}_tokens" for kind in ("cache_write.input", "audio.input", "image.input")}
    newer |= {f"gen_ai.usage.{kind}.output_tokens" for kind in ("audio", "image")}
    ours = {name for one in (*ATTRIBUTES, *METRICS) for name in (one.text, *one.older.values())}
    general = {name for name in ours if not name.startswith(("ai_client.", "server.", "error."))}
    assert general - known == newer
    for line in ATTRIBUTES:
        assert line.about.endswith(".")


def test_tokens_of_the_latest(invoke: Invoke, upstream: Upstream, collector: Collector) -> None:
    """The newest conventions count tokens by modality, and 0 of an unknown one for a call that fails."""
    client = invoke.client(layers=[collector.telemetry(convention="latest")])
    upstream.reply(json=WHOLE)
    upstream.reply(status=400)
    invoke.chat(client)
    with pytest.raises(APIError):
        invoke.chat(client)
    metrics = collector.metrics()

    def counted(kind: str) -> dict[tuple[str, bool], int]:
        points = metrics[f"gen_ai.client.inference.usage.{kind}_tokens"]
        return {
            (point.attributes["gen_ai.token.modality"], "error.type" in point.attributes): point.value
            for point in points
        }

    assert counted("input") == {
        ("audio", False): 10,
        ("image", False): 4,
        ("unknown", False): 86,
        ("unknown", True): 0,
    }
    assert counted("output")["unknown", False] == 40
    assert counted("cache_read.input") == {("unknown", False): 20}
    assert counted("reasoning.output") == {("unknown", False): 30}
    (per_call,) = metrics["gen_ai.client.inference.operation.input_tokens"]
    assert (per_call.count, per_call.sum) == (1, 100)


def test_cost(invoke: Invoke, upstream: Upstream, collector: Collector) -> None:
    """What a call costs is an attribute and a counter, in USD, where the price is known."""
    prices = Prices({"m-2": Price(input=1000, output=2000)}, library=False)
    cost = Cost(prices=prices, store=open_store("memory://"))
    for policies in ([cost], [Cost(prices=Prices({}, library=False), store=open_store("memory://"))]):
        upstream.reply(json={**WHOLE, "usage": {"prompt_tokens": 1000, "completion_tokens": 500}})
        invoke.chat(invoke.client(layers=[collector.telemetry(), *policies]))
    priced, unpriced = (dict(span.attributes) for span in collector.spans)
    assert priced["ai_client.usd"] == 2.0
    assert "ai_client.usd" not in unpriced
    (point,) = collector.metrics()["ai_client.cost"]
    assert point.value == 2.0
    assert point.attributes["gen_ai.response.model"] == "m-2"


def test_a_cached_answer_says_so(invoke: Invoke, collector: Collector) -> None:
    """A cached answer has its id and reasons, no tokens and no cost, and is measured apart from what was sent."""
    client = invoke.client(layers=[collector.telemetry(), Cache(scope="all", store=open_store("memory://"))])
    for _ in range(2):
        invoke.chat(client, temperature=0)
    missed, hit = (dict(span.attributes) for span in collector.spans)
    assert (missed["ai_client.cache"], hit["ai_client.cache"]) == ("miss", "hit")
    assert (missed["ai_client.attempts"], hit["ai_client.attempts"]) == (1, 0)
    for name in (
        "gen_ai.response.id",
        "gen_ai.response.model",
        "gen_ai.response.finish_reasons",
        "server.address",
    ):
        assert hit[name] == missed[name]
    assert not [name for name in hit if name.startswith("gen_ai.usage")]
    metrics = collector.metrics()
    durations = {
        one.attributes["ai_client.cache"]: one.count for one in metrics["gen_ai.client.operation.duration"]
    }
    assert durations == {"miss": 1, "hit": 1}
    assert {one.attributes["ai_client.cache"] for one in metrics["gen_ai.client.token.usage"]} == {"miss"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"temperature": 1}, {"gen_ai.request.temperature": 1.0}),
        ({"max_completion_tokens": 7}, {"gen_ai.request.max_tokens": 7}),
        ({"stop": ["a", "b"]}, {"gen_ai.request.stop_sequences": ("a", "b")}),
        ({"n": 3}, {"gen_ai.request.choice.count": 3}),
        ({"service_tier": "priority"}, {"openai.request.service_tier": "priority"}),
        ({"response_format": {"type": "json_object"}}, {"gen_ai.output.type": "json"}),
        ({"response_format": {"type": "text"}}, {"gen_ai.output.type": "text"}),
        ({"modalities": ["text", "audio"]}, {"gen_ai.output.type": "speech"}),
    ],
    ids=str,
)
def test_parameters(
    invoke: Invoke, collector: Collector, given: dict[str, Any], expected: dict[str, Any]
) -> None:
    """A parameter has the attribute, the type and the value that the conventions want."""
    invoke.chat(invoke.client(layers=[collector.telemetry()]), **given)
    found = collector.span
    for name, value in expected.items():
        assert (found[name], type(found[name])) == (value, type(value))


@pytest.mark.parametrize(
    "given", [{"n": 1}, {"service_tier": "auto"}, {"stop": None}, {"user": "u"}], ids=str
)
def test_parameters_that_say_nothing(invoke: Invoke, collector: Collector, given: dict[str, Any]) -> None:
    """A parameter at its default, or unknown to the conventions, has no attribute."""
    client = invoke.client(layers=[collector.telemetry()])
    invoke.chat(client)
    invoke.chat(client, **given)
    first, second = (set(span.attributes) for span in collector.spans)
    assert first == second


def test_an_encoding_that_the_client_chose(invoke: Invoke, collector: Collector) -> None:
    """The encoding in which vectors are fetched by default is no request of the caller's."""
    client = invoke.client(layers=[collector.telemetry()])
    invoke(client.embeddings.create, model="text-embedding-3-small", input="A", dimensions=3)
    invoke(client.embeddings.create, model="text-embedding-3-small", input="A", encoding_format="base64")
    default, asked = (dict(span.attributes) for span in collector.spans)
    assert "gen_ai.request.encoding_formats" not in default
    assert default["gen_ai.embeddings.dimension.count"] == 3
    assert asked["gen_ai.request.encoding_formats"] == ("base64",)
    assert "gen_ai.usage.output_tokens" not in asked


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("POST", "/chat/completions", "chat"),
        ("POST", "/responses", "chat"),
        ("POST", "/completions", "text_completion"),
        ("POST", "/embeddings", "embeddings"),
        ("POST", "/images/generations", "generate_content"),
        ("POST", "/audio/speech", "generate_content"),
        ("POST", "/audio/transcriptions", "generate_content"),
        ("POST", "/videos", "generate_content"),
        ("POST", "/moderations", "moderations"),
        ("POST", "/vector_stores/vs_a/search", "retrieval"),
        ("POST", "/assistants", "create_agent"),
        ("POST", "/threads/thread_a/runs", "invoke_agent"),
        ("POST", "/responses/resp_a/cancel", "responses_cancel"),
        ("POST", "/responses/input_tokens", "responses_input_tokens"),
        ("GET", "/chat/completions", "chat_completions"),
        ("GET", "/responses/resp_a", "responses"),
        ("GET", "/models/whisper", "models"),
        ("GET", "/files/secretname/content?after=x", "files_content"),
        ("POST", "/alice/notes", "call"),
    ],
)
def test_operations(method: str, path: str, expected: str) -> None:
    """An operation is the conventions' own, or the known words of its path, never an id or a name."""
    assert operation_of(method, path) == expected


def test_what_is_fetched_again_is_not_counted_again(
    invoke: Invoke, upstream: Upstream, collector: Collector
) -> None:
    """A response that is retrieved has no tokens, as they were counted when it was made."""
    usage = {"input_tokens": 5, "output_tokens": 6, "total_tokens": 11}
    upstream.reply(json=response(usage=usage))
    invoke(invoke.client(layers=[collector.telemetry()]).responses.retrieve, "resp_1")
    assert collector.span["gen_ai.response.id"] == "resp_1"
    assert "gen_ai.usage.input_tokens" not in collector.span
    assert "gen_ai.client.token.usage" not in collector.metrics()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"status": "completed"}, ("stop",)),
        ({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, ("length",)),
        ({"status": "incomplete"}, ("error",)),
        ({"status": "failed", "error": {"code": "server_error", "message": "x"}}, ("error",)),
        ({"status": "queued"}, None),
    ],
)
def test_reasons_of_responses(
    invoke: Invoke, upstream: Upstream, collector: Collector, answer: dict[str, Any], expected: Any
) -> None:
    """The reason of a response is its status in the words of the conventions; one under way has none yet."""
    upstream.reply(json=response(**answer))
    invoke(invoke.client(layers=[collector.telemetry()]).responses.create, model="m", input="A")
    assert collector.span.get("gen_ai.response.finish_reasons") == expected


def test_conversations(invoke: Invoke, upstream: Upstream, collector: Collector) -> None:
    """A conversation or a thread that a request names is the conversation of its span."""
    client = invoke.client(layers=[collector.telemetry()])
    upstream.always(json=response())
    for given in ("conv_1", {"id": "conv_2"}):
        invoke(client.responses.create, model="m", input="A", conversation=given)
    invoke(client.post, "/threads/thread_1/runs", cast_to=object, body={"assistant_id": "a"})
    invoke(client.post, "/threads/runs", cast_to=object, body={"assistant_id": "a"})
    found = [span.attributes.get("gen_ai.conversation.id") for span in collector.spans]
    assert found == ["conv_1", "conv_2", "thread_1", None]


@pytest.mark.parametrize("options", [{"convention": "0.1"}, {"max_content": 0}, {"max_content": -1}])
def test_options_that_are_refused(options: dict[str, Any]) -> None:
    """An unknown version and a bound of nothing are refused at the start."""
    with pytest.raises(ConfigError, match=r"^telemetry: "):
        Telemetry(**options)


def test_stop_sequences_are_redacted(invoke: Invoke, collector: Collector) -> None:
    """Words of the caller's among the parameters are redacted."""
    redaction = Redaction(patterns=["email"])
    invoke.chat(invoke.client(layers=[collector.telemetry(redaction=redaction)]), stop=["ann@example.org"])
    assert collector.span["gen_ai.request.stop_sequences"] == ("[redacted]",)


def test_attributes_of_odd_types_are_left_out(
    invoke: Invoke, upstream: Upstream, collector: Collector
) -> None:
    """What is neither text nor number where the conventions want one is left out, and long texts are cut."""
    client = invoke.client(layers=[collector.telemetry()])
    upstream.reply(json={**WHOLE, "id": "i" * 100_000, "choices": [WHOLE["choices"][0]] * 1000})
    invoke.chat(client, seed=2**70, temperature="hot", top_p=True, max_tokens=[1], stop=[1, "x"])
    odd = {"id": 7, "model": ["m"], "choices": {"a": 1}, "service_tier": {}, "usage": "x"}
    upstream.reply(json={**odd, "system_fingerprint": 1.5})
    invoke(client.post, "/chat/completions", cast_to=object, body={"model": "m", "messages": []})
    first, second = (dict(span.attributes) for span in collector.spans)
    assert len(first["gen_ai.response.id"]) == 1024
    assert len(first["gen_ai.response.finish_reasons"]) == 128
    assert first["gen_ai.request.stop_sequences"] == ("x",)
    for name in ("seed", "temperature", "top_p", "max_tokens"):
        assert f"gen_ai.request.{name}" not in first
    assert "gen_ai.response.model" not in second


def test_bodies_in_bytes(invoke: Invoke, upstream: Upstream, collector: Collector) -> None:
    """A request whose body is bytes has the attributes and the messages of what they say."""
    client = invoke.client(layers=[collector.telemetry(redaction=Redaction(content=True))])
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "temperature": 0.5}
    upstream.reply(json=WHOLE)
    invoke(client.post, "/chat/completions", cast_to=object, content=json.dumps(body).encode())
    assert collector.span["gen_ai.request.model"] == "m"
    assert collector.span["gen_ai.request.temperature"] == 0.5
    assert "Hi" in collector.span["gen_ai.input.messages"]
