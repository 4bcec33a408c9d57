"""Where a call went, as its span and its measurements say: address, provider and model."""

from typing import Any, cast

import httpx
import pytest

from ai_client import (
    APIConnectionError,
    APIError,
    AsyncAzureOpenAI,
    AsyncOpenAI,
    AzureOpenAI,
    BudgetExceeded,
    OpenAI,
)
from ai_client._call.call import Call
from ai_client._call.labels import Labels
from ai_client._call.record import Record
from ai_client.control import Budget, Budgets, Fallback, Price, Prices
from ai_client.control.observability.otel.locations import location_of
from ai_client.stores import open_store
from ai_client.testing import Upstream
from tests.support.collector import Collector
from tests.support.invoke import KEY, Invoke
from tests.support.ports import free_port

DURATION = "gen_ai.client.operation.duration"


@pytest.mark.parametrize(
    ("address", "provider", "host", "port"),
    [
        ("https://api.openai.com/v1/", "openai", "api.openai.com", 443),
        ("https://eu.api.openai.com/v1/", "openai", "eu.api.openai.com", 443),
        ("https://acme.openai.azure.com/openai/", "azure.ai.openai", "acme.openai.azure.com", 443),
        (
            "https://acme.cognitiveservices.azure.com/openai/",
            "azure.ai.openai",
            "acme.cognitiveservices.azure.com",
            443,
        ),
        (
            "https://acme.services.ai.azure.com/openai/v1/",
            "azure.ai.openai",
            "acme.services.ai.azure.com",
            443,
        ),
        (
            "https://acme.services.ai.azure.com/models/",
            "azure.ai.inference",
            "acme.services.ai.azure.com",
            443,
        ),
        (
            "https://models.inference.ai.azure.com/",
            "azure.ai.inference",
            "models.inference.ai.azure.com",
            443,
        ),
        ("https://api.groq.com/openai/v1/", "groq", "api.groq.com", 443),
        ("https://api.deepseek.com/", "deepseek", "api.deepseek.com", 443),
        ("https://api.mistral.ai/v1/", "mistral_ai", "api.mistral.ai", 443),
        ("https://api.x.ai/v1/", "x_ai", "api.x.ai", 443),
        ("https://api.perplexity.ai/", "perplexity", "api.perplexity.ai", 443),
        ("https://api.anthropic.com/v1/", "anthropic", "api.anthropic.com", 443),
        ("https://api.cohere.ai/compatibility/v1/", "cohere", "api.cohere.ai", 443),
        ("https://api.moonshot.ai/v1/", "moonshot_ai", "api.moonshot.ai", 443),
        (
            "https://generativelanguage.googleapis.com/v1beta/openai/",
            "gcp.gemini",
            "generativelanguage.googleapis.com",
            443,
        ),
        (
            "https://us-central1-aiplatform.googleapis.com/v1/",
            "gcp.vertex_ai",
            "us-central1-aiplatform.googleapis.com",
            443,
        ),
        (
            "https://bedrock-runtime.us-west-2.amazonaws.com/openai/v1/",
            "aws.bedrock",
            "bedrock-runtime.us-west-2.amazonaws.com",
            443,
        ),
        ("https://files.s3.amazonaws.com/", "openai", "files.s3.amazonaws.com", 443),
        ("https://notgroq.com/", "openai", "notgroq.com", 443),
        ("https://groq.com.example.org/", "openai", "groq.com.example.org", 443),
        ("http://user:secret@localhost:11434/v1/?key=secret", "openai", "localhost", 11434),
        ("http://[::1]/v1/", "openai", "::1", 80),
        ("https://API.GROQ.COM:8443/", "groq", "api.groq.com", 8443),
    ],
)
def test_providers_by_address(address: str, provider: str, host: str, port: int) -> None:
    """The provider is the conventions' name for the one that has an address, and `openai` where they have none."""
    call = Call(cast("Any", None), "POST", "/chat/completions", None)
    record = Record(Labels())
    record.server = httpx.URL(address), None
    assert location_of(call, record, None) == (host, port, provider)


def test_a_provider_of_ones_own(invoke: Invoke, upstream: Upstream, collector: Collector) -> None:
    """`provider` names it, for all addresses or by their beginning, the longest first."""
    given: list[Any] = [
        "acme",
        {upstream.base_url.rpartition("/")[0]: "short", upstream.base_url: "long"},
        {"http://other.test": "other"},
    ]
    for provider in given:
        invoke.chat(invoke.client(layers=[collector.telemetry(provider=provider)]))
    assert [span.attributes["gen_ai.provider.name"] for span in collector.spans] == ["acme", "long", "openai"]
    tiers = ["openai.api.type" in span.attributes for span in collector.spans]
    assert tiers == [False, False, True]


def test_azure(invoke: Invoke, upstream: Upstream, collector: Collector) -> None:
    """A client of Azure's is one wherever its endpoint is."""
    upstream.reply(json={"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": []})
    client = invoke.client(
        AzureOpenAI if invoke.sync else AsyncAzureOpenAI,
        base_url=upstream.base_url,
        api_version="2024-10-21",
        layers=[collector.telemetry()],
    )
    invoke.chat(client)
    assert collector.span["gen_ai.provider.name"] == "azure.ai.openai"
    assert collector.span["openai.api.type"] == "chat_completions"


def chain(invoke: Invoke, other: Upstream, **options: Any) -> Fallback:
    """Return a fallback from a model here to one at another upstream."""
    cls = OpenAI if invoke.sync else AsyncOpenAI
    client = invoke.client(cls, base_url=other.base_url, api_key=KEY)
    return Fallback(
        models={"smart": ["gpt-4o-mini", "other/llama"]}, clients={"other": client}, breaker=None, **options
    )


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_after_a_fallback(invoke: Invoke, upstream: Upstream, collector: Collector, stream: bool) -> None:
    """Address, provider and model are those of the target that served, and the failed attempts are events."""
    with Upstream() as other:
        names = {upstream.base_url: "first", other.base_url: "groq"}
        policies = [collector.telemetry(provider=names), chain(invoke, other)]
        upstream.reply(status=500)
        answer = invoke.chat(invoke.client(layers=policies), model="smart", stream=stream)
        if stream:
            invoke.collect(answer)
        port = int(other.base_url.rpartition(":")[2].partition("/")[0])
    (span,) = collector.spans
    found = span.attributes
    assert span.name == "chat llama"
    assert (found["server.port"], found["gen_ai.provider.name"]) == (port, "groq")
    assert (found["gen_ai.request.model"], found["ai_client.alias"]) == ("llama", "smart")
    assert found["ai_client.target"] == "other/llama"
    assert "openai.api.type" not in found
    (event,) = span.events
    about = {"error.type": "InternalServerError", "http.response.status_code": 500, "target": "gpt-4o-mini"}
    assert about.items() <= dict(event.attributes).items()
    (duration,) = collector.metrics()[DURATION]
    assert (duration.attributes["server.port"], duration.attributes["gen_ai.provider.name"]) == (port, "groq")
    assert duration.attributes["gen_ai.request.model"] == "llama"
    assert "error.type" not in duration.attributes


def test_where_every_target_fails(invoke: Invoke, upstream: Upstream, collector: Collector) -> None:
    """A call that no target serves has the address and the model of the one whose failure it raises."""
    with Upstream() as other:
        names = {upstream.base_url: "first", other.base_url: "second"}
        policies = [collector.telemetry(provider=names), chain(invoke, other)]
        upstream.reply(status=500)
        other.reply(status=503)
        with pytest.raises(APIError):
            invoke.chat(invoke.client(layers=policies), model="smart")
    assert collector.span["gen_ai.provider.name"] == "first"
    assert collector.span["gen_ai.request.model"] == "gpt-4o-mini"
    assert collector.span["error.type"] == "InternalServerError"


def test_a_refused_connection(invoke: Invoke, collector: Collector) -> None:
    """A call that reaches nobody has the address that it was for, in its span and its duration."""
    port = free_port()
    client = invoke.client(base_url=f"http://127.0.0.1:{port}/v1", layers=[collector.telemetry()])
    with pytest.raises(APIConnectionError):
        invoke.chat(client)
    (duration,) = collector.metrics()[DURATION]
    for found in (collector.span, dict(duration.attributes)):
        assert (found["server.address"], found["server.port"]) == ("127.0.0.1", port)
        assert found["error.type"] == "APIConnectionError"


def test_a_target_that_a_budget_refuses(invoke: Invoke, upstream: Upstream, collector: Collector) -> None:
    """A call that a policy refuses was for the target's address, though nothing was sent."""
    with Upstream() as other:
        names = {upstream.base_url: "first", other.base_url: "second"}
        prices = Prices({"llama": Price(input=1000, output=1000)}, library=False)
        budget = Budget(usd=0.000001)
        budgets = Budgets([budget], store=open_store("memory://"), prices=prices)
        client = invoke.client(OpenAI if invoke.sync else AsyncOpenAI, base_url=other.base_url)
        fallback = Fallback(models={"smart": "other/llama"}, clients={"other": client}, breaker=None)
        with pytest.raises(BudgetExceeded):
            invoke.chat(
                invoke.client(layers=[collector.telemetry(provider=names), fallback, budgets]), model="smart"
            )
        assert other.requests == []
    assert collector.span["gen_ai.provider.name"] == "second"
    assert collector.span["ai_client.attempts"] == 0


def test_an_address_of_a_call_alone(invoke: Invoke, collector: Collector) -> None:
    """A call to a whole address is one to that address, whose path is no operation."""
    with Upstream() as other:
        other.reply(json={"id": "c", "choices": []})
        client = invoke.client(layers=[collector.telemetry()])
        address = f"{other.base_url}/chat/completions"
        invoke(client.post, address, cast_to=object, body={"model": "gpt-4o", "messages": []})
        port = int(other.base_url.rpartition(":")[2].partition("/")[0])
    assert collector.span["server.port"] == port
    assert collector.span["gen_ai.operation.name"] == "chat"
