"""Names for models, other targets, and circuits."""

from collections.abc import Iterator
from typing import Any

import pytest

from ai_client import (
    APIConnectionError,
    BadRequestError,
    ConfigError,
    InternalServerError,
)
from ai_client.control.concurrency import Concurrency
from ai_client.control.fallback import Fallback
from ai_client.control.record import call_record
from ai_client.testing import Upstream, sse
from tests.support.invoke import Invoke


@pytest.fixture
def second() -> Iterator[Upstream]:
    """Yield another upstream."""
    with Upstream() as upstream:
        yield upstream


def models(upstream: Upstream) -> list[str]:
    """Give the models that were asked for."""
    return [recorded.json()["model"] for recorded in upstream.requests]


def test_an_alias_names_a_model(invoke: Invoke, upstream: Upstream) -> None:
    """A caller names what it needs, the configuration says which model that is, and the answer says so too."""
    client = invoke.client(layers=[Fallback({"fast": "gpt-4o-mini"})])
    record = call_record(invoke.chat(client, model="fast"))
    assert models(upstream) == ["gpt-4o-mini"]
    assert record is not None
    assert (record.model, record.alias, record.target) == ("fast", "fast", "gpt-4o-mini")


@pytest.mark.parametrize(
    ("models", "alias"),
    [
        ({"gpt-5.5": ["other/gpt-5.5"]}, "gpt-5.5"),
        ({"gpt-5.5": ["gpt-4o-mini"]}, "gpt-5.5"),
        ({"gpt-5.5": ["gpt-5.5", "gpt-4o-mini"]}, None),
        ({"another": ["gpt-4o-mini"]}, None),
    ],
)
def test_a_model_is_an_alias_where_it_stands_for_another(
    invoke: Invoke, models: dict[str, list[str]], alias: str | None
) -> None:
    """What a caller asked for is noted as an alias where another model or another client is asked first."""
    other = invoke.client()
    client = invoke.client(layers=[Fallback(models, default=["gpt-5.5"], clients={"other": other})])
    record = call_record(invoke.chat(client, model="gpt-5.5"))
    assert record is not None
    assert record.alias == alias


def test_a_chain_of_models(invoke: Invoke, upstream: Upstream) -> None:
    """Where a model fails, the next of its chain answers."""
    client = invoke.client(layers=[Fallback({"smart": ["a", "fast"], "fast": ["b", "c"]})])
    upstream.reply(status=500)
    upstream.reply(status=429)
    completion = invoke.chat(client, model="smart")
    record = call_record(completion)
    assert models(upstream) == ["a", "b", "c"]
    assert record is not None
    assert (record.target, record.attempts) == ("c", 3)
    raw = invoke(
        client.chat.completions.with_raw_response.create,
        model="smart",
        messages=[{"role": "user", "content": "Hi"}],
    )
    assert raw.headers["x-ai-client-target"] == "a"


def test_a_default_follows_every_model(invoke: Invoke, upstream: Upstream) -> None:
    """With `default` each model has a target after itself."""
    client = invoke.client(layers=[Fallback(default=["spare"])])
    upstream.reply(status=503)
    invoke.chat(client, model="any")
    assert models(upstream) == ["any", "spare"]


def test_another_client_answers(invoke: Invoke, upstream: Upstream, second: Upstream) -> None:
    """A target may be a model at another client, also for streams, with the policies further in around both."""
    policy = Concurrency(1, max_queue=0)
    other = invoke.client(base_url=second.base_url)
    client = invoke.client(layers=[Fallback({"smart": ["a", "local/b/c"]}, clients={"local": other}), policy])
    upstream.always(status=500)
    record = call_record(invoke.chat(client, model="smart"))
    assert record is not None
    assert record.target == "local/b/c"
    stream = invoke.chat(client, model="smart", stream=True)
    assert policy.in_flight == 1
    assert len(invoke.collect(stream)) > 3
    assert policy.in_flight == 0
    assert models(second) == ["b/c", "b/c"]


def test_a_dead_upstream_is_passed_over(invoke: Invoke, upstream: Upstream, second: Upstream) -> None:
    """A target that cannot be reached is passed over."""
    upstream.stop()
    other = invoke.client(base_url=second.base_url)
    client = invoke.client(layers=[Fallback({"m": ["a", "other/a"]}, clients={"other": other})])
    invoke.chat(client, model="m")
    assert models(second) == ["a"]
    upstream.start()


def test_the_callers_own_fault_is_not_passed_on(invoke: Invoke, upstream: Upstream) -> None:
    """A failure that is not among the chosen ones ends the call."""
    client = invoke.client(layers=[Fallback({"m": ["a", "b"]})])
    upstream.reply(status=400)
    with pytest.raises(BadRequestError):
        invoke.chat(client, model="m")
    assert models(upstream) == ["a"]
    chosen = invoke.client(layers=[Fallback({"m": ["a", "b"]}, on=["not_found"])])
    upstream.reply(status=500)
    with pytest.raises(InternalServerError):
        invoke.chat(chosen, model="m")
    upstream.reply(status=404)
    invoke.chat(chosen, model="m")
    assert models(upstream) == ["a", "a", "a", "b"]


@pytest.mark.parametrize(
    "head",
    [
        {"disconnect": True},
        {"chunks": [b""], "headers": {"content-type": "text/event-stream"}, "close_after": 0},
        {
            "chunks": [sse({"error": {"message": "overloaded", "code": 503}})],
            "headers": {"content-type": "text/event-stream"},
        },
        {"json": {"error": {"message": "no stream today"}}},
    ],
)
def test_a_stream_moves_on_before_its_first_token(
    invoke: Invoke, upstream: Upstream, head: dict[str, Any]
) -> None:
    """A stream that fails at its head is served by the next target, and the failed one is let go of."""
    policy = Concurrency(1, max_queue=0)
    client = invoke.client(layers=[Fallback({"m": ["a", "b"]}), policy])
    upstream.reply(**head)
    stream = invoke.chat(client, model="m", stream=True)
    assert len(invoke.collect(stream)) > 3
    record = call_record(stream)
    assert record is not None
    assert record.target == "b"
    assert policy.in_flight == 0


def test_a_stream_does_not_move_on_after_its_first_token(invoke: Invoke, upstream: Upstream) -> None:
    """Once something was said, a failure is the caller's."""
    client = invoke.client(layers=[Fallback({"m": ["a", "b"]})])
    upstream.reply(close_after=700)
    stream = invoke.chat(client, model="m", stream=True)
    with pytest.raises(APIConnectionError):
        invoke.collect(stream)
    assert models(upstream) == ["a"]


def test_a_stream_that_was_read_ahead_is_whole(invoke: Invoke) -> None:
    """Looking at the head of a stream takes nothing from it."""
    plain = invoke.collect(invoke.chat(invoke.client(), model="m", stream=True))
    looked = invoke.collect(invoke.chat(invoke.client(layers=[Fallback()]), model="m", stream=True))
    assert [chunk.choices for chunk in plain] == [chunk.choices for chunk in looked]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"models": {"a": "b", "b": "a"}}, "a -> b -> a leads back to itself"),
        ({"models": {"a": []}}, "'a' has no target"),
        ({"on": ["weather"]}, "'weather' is no failure"),
    ],
)
def test_a_senseless_chain_is_refused(options: dict[str, Any], message: str) -> None:
    """Chains that make no sense fail where they are made."""
    with pytest.raises(ConfigError, match=message):
        Fallback(**options)


def test_a_client_of_the_other_kind_is_refused(invoke: Invoke, upstream: Upstream) -> None:
    """A sync client cannot stand in for an async one, nor the other way round."""
    from ai_client import AsyncOpenAI, OpenAI

    cls: Any = AsyncOpenAI if invoke.sync else OpenAI
    other = cls(base_url=upstream.base_url, api_key="any")
    client = invoke.client(layers=[Fallback({"m": "other/a"}, clients={"other": other})])
    with pytest.raises(ConfigError, match="'other' must be an"):
        invoke.chat(client, model="m")
