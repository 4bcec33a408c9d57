"""Calls through litellm's proxy to the offline upstream."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import BaseModel

from ai_client._call.retry import retry_after
from ai_client.control.accounting.cost import Cost
from ai_client.control.pricing.prices import Prices
from ai_client.stores import open_store
from ai_client.testing import Upstream
from tests.support.invoke import no_waiting
from tests.support.servers import Served, serving
from tests.upstreams.conftest import Caller, interpreter

pytestmark = pytest.mark.slow

KEY = "sk-planted-0123456789abcdef"
UPSTREAM_KEY = "sk-of-the-upstream"
MODELS = ("gpt-5.5", "text-embedding-3-small")
ASK: dict[str, Any] = {"model": MODELS[0], "messages": [{"role": "user", "content": "Hello"}]}
TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


class City(BaseModel):
    """A city."""

    name: str
    population: int


@dataclass
class Proxy:
    """A running proxy and what is behind it."""

    upstream: Upstream
    served: Served


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """Run the proxy for all tests."""
    python = interpreter("litellm")
    with Upstream() as upstream:
        behind = {"api_base": upstream.base_url, "api_key": UPSTREAM_KEY}
        models = [
            {"model_name": name, "litellm_params": {"model": f"openai/{name}", **behind}} for name in MODELS
        ]
        settings = {
            "model_list": models,
            "litellm_settings": {"num_retries": 0},
            "router_settings": {"num_retries": 0, "disable_cooldowns": True},
            "general_settings": {"master_key": KEY},
        }
        path = tmp_path_factory.mktemp("litellm") / "config.yaml"
        path.write_text(json.dumps(settings))
        command = [
            "litellm.proxy.proxy_cli",
            "--config",
            str(path),
            "--host",
            "127.0.0.1",
            "--port",
            "{port}",
        ]
        with serving(
            *command, "--telemetry", "False", python=python, patience=300, LITELLM_LOCAL_MODEL_COST_MAP="True"
        ) as served:
            yield Proxy(upstream, served)


@pytest.fixture
def upstream(proxy: Proxy) -> Upstream:
    """Return what is behind the proxy, without the answers and requests of other tests."""
    proxy.upstream.reset()
    return proxy.upstream


@pytest.fixture
def base_url(proxy: Proxy) -> str:
    """Return the proxy's address."""
    return f"{proxy.served.url}/v1"


def said(chunks: list[Any]) -> str:
    """Return the text of a stream."""
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def test_chat(caller: Caller, base_url: str, upstream: Upstream) -> None:
    """A whole and a streamed answer have the same text and usage, and the upstream sees the proxy's key only."""
    client = caller.client(base_url)
    whole = caller.invoke(client.chat.completions.create, **ASK)
    options = {"stream": True, "stream_options": {"include_usage": True}}
    chunks = caller.invoke.collect(caller.invoke(client.chat.completions.create, **ASK, **options))
    assert said(chunks) == whole.choices[0].message.content != ""
    assert chunks[-1].usage.total_tokens == whole.usage.total_tokens > 0
    assert "stop" in [choice.finish_reason for chunk in chunks for choice in chunk.choices]
    assert {request.headers["authorization"] for request in upstream.requests} == {f"Bearer {UPSTREAM_KEY}"}


def test_tools(caller: Caller, base_url: str) -> None:
    """A tool call is the same whole and streamed."""
    client = caller.client(base_url)
    options = {"tools": [TOOL], "tool_choice": "required"}
    whole = caller.invoke(client.chat.completions.create, **ASK, **options)
    [call] = whole.choices[0].message.tool_calls
    assert (call.type, call.function.name) == ("function", "weather")
    assert set(json.loads(call.function.arguments)) == {"city"}
    with caller.invoke.within(client.chat.completions.stream(**ASK, **options)) as stream:
        caller.invoke.collect(stream)
        final = caller.invoke(stream.get_final_completion)
    assert final.choices[0].message.tool_calls[0].function.arguments == call.function.arguments


def test_structured(caller: Caller, base_url: str) -> None:
    """Structured output is parsed, of chat and responses, whole and streamed."""
    client = caller.client(base_url)
    found = [
        caller.invoke(client.chat.completions.parse, **ASK, response_format=City).choices[0].message.parsed,
        caller.invoke(client.responses.parse, model=MODELS[0], input="Hello", text_format=City).output_parsed,
    ]
    with caller.invoke.within(client.chat.completions.stream(**ASK, response_format=City)) as stream:
        caller.invoke.collect(stream)
        found.append(caller.invoke(stream.get_final_completion).choices[0].message.parsed)
    manager = client.responses.stream(model=MODELS[0], input="Hello", text_format=City)
    with caller.invoke.within(manager) as stream:
        caller.invoke.collect(stream)
        found.append(caller.invoke(stream.get_final_response).output_parsed)
    assert found == [City(name="name", population=1)] * 4


def test_responses(caller: Caller, base_url: str) -> None:
    """A response has the same text whole and streamed, and its stream ends with what was used."""
    client = caller.client(base_url)
    whole = caller.invoke(client.responses.create, model=MODELS[0], input="Hello")
    events = caller.invoke.collect(
        caller.invoke(client.responses.create, model=MODELS[0], input="Hello", stream=True)
    )
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert "".join(deltas) == whole.output_text != ""
    assert events[-1].type == "response.completed"
    assert events[-1].response.usage.total_tokens == whole.usage.total_tokens > 0


def test_embeddings(caller: Caller, base_url: str, upstream: Upstream) -> None:
    """Vectors are those of the upstream, however they are asked for."""
    client = caller.client(base_url)
    asked = {"model": MODELS[1], "input": ["a", "b"]}
    direct = caller.invoke(caller.client(upstream.base_url).embeddings.create, **asked)
    for more in ({}, {"encoding_format": "float"}):
        through = caller.invoke(client.embeddings.create, **asked, **more)
        assert [item.embedding for item in through.data] == [item.embedding for item in direct.data]


def test_models(caller: Caller, base_url: str) -> None:
    """Models are listed and found, with what the proxy adds to them."""
    client = caller.client(base_url)
    assert [model.id for model in caller.invoke.collect(client.models.list())] == list(MODELS)
    model = caller.invoke(client.models.retrieve, MODELS[0])
    assert model.id == MODELS[0]
    assert model.mode == "chat"


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (400, "BadRequestError"),
        (401, "AuthenticationError"),
        (403, "PermissionDeniedError"),
        (404, "NotFoundError"),
        (409, "ConflictError"),
        (422, "UnprocessableEntityError"),
        (429, "RateLimitError"),
        (500, "InternalServerError"),
        (503, "InternalServerError"),
    ],
)
def test_errors_of_the_upstream(
    caller: Caller, base_url: str, upstream: Upstream, status: int, name: str
) -> None:
    """An error of the upstream has its class behind the proxy too, in a stream as well, and holds no key."""
    client = caller.client(base_url, max_retries=0)
    for stream in (False, True):
        upstream.reply(status=status, headers={"Retry-After": "7"})
        with pytest.raises(getattr(caller.errors, name)) as raised:
            caller.invoke(client.chat.completions.create, **ASK, stream=stream)
        assert raised.value.status_code == status
        assert f"told to answer {status}" in str(raised.value)
        assert KEY not in str(raised.value)
        if status == 429:
            assert retry_after(raised.value.response.headers) == 7


def test_errors_of_the_proxy(caller: Caller, base_url: str, upstream: Upstream) -> None:
    """What the proxy rejects by itself is an error of its status: a key, a model or a path that it does not know."""
    client = caller.client(base_url, max_retries=0)
    with pytest.raises(
        caller.errors.BadRequestError, match="No connected db"
    ):  # where it would look for keys
        caller.invoke(client.models.list, extra_headers={"Authorization": "Bearer wrong"})
    with pytest.raises(caller.errors.BadRequestError, match="nope"):
        caller.invoke(client.chat.completions.create, **{**ASK, "model": "nope"})
    with pytest.raises(caller.errors.NotFoundError):
        caller.invoke(client.get, "/nothing", cast_to=object)
    assert upstream.requests == []


def test_retries(caller: Caller, base_url: str, upstream: Upstream) -> None:
    """A transient failure behind the proxy is retried as a direct one is."""
    upstream.reply(status=500)
    with no_waiting():
        assert caller.invoke(caller.client(base_url).chat.completions.create, **ASK).choices
    assert len(upstream.requests) == 2


def test_broken_off(caller: Caller, base_url: str, upstream: Upstream) -> None:
    """A stream that breaks off behind the proxy ends with an error after what had come."""
    client = caller.client(base_url, max_retries=0)
    upstream.reply(close_after=900)
    stream = caller.invoke(client.chat.completions.create, **ASK, stream=True)
    arrived: list[Any] = []

    def read() -> None:
        while True:
            arrived.append(caller.invoke.next(stream))

    with pytest.raises(caller.errors.APIError):
        read()
    assert arrived


def test_cost(caller: Caller, base_url: str) -> None:
    """A whole and a streamed call cost each what the proxy says that the whole one costs."""
    cost = Cost(Prices({MODELS[0]: {"input": 5, "output": 30}}, library=False), open_store())
    client = caller.client(base_url, layers=[cost])
    raw = caller.invoke(client.chat.completions.with_raw_response.create, **ASK)
    told = float(raw.headers["x-litellm-response-cost"])
    caller.invoke.collect(caller.invoke(client.chat.completions.create, **ASK, stream=True))
    [row] = cost.report()
    assert row.calls == 2
    assert row.usd == pytest.approx(2 * told)
