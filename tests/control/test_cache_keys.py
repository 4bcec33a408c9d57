"""Which calls get each other's cached answers, and which never do."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from ai_client import ClientConfig, Credentials, labels, omit
from ai_client._process.assembly import Assembly
from ai_client.control import Cache, Fallback
from ai_client.control.record import call_record
from ai_client.stores import open_store
from ai_client.testing import Upstream
from tests.support.invoke import Invoke

CHAT: dict[str, Any] = {
    "model": "gpt-4o-mini",
    "messages": [{"role": "user", "content": "Hello"}],
    "temperature": 0,
}


@pytest.fixture
def other() -> Iterator[Upstream]:
    """Yield another server."""
    with Upstream() as upstream:
        yield upstream


def cached(invoke: Invoke, **options: Any) -> Any:
    """Make a client with a cache that all share."""
    return invoke.client(layers=[Cache(**{"scope": "all", "store": open_store(), **options})])


def ask(invoke: Invoke, client: Any, **more: Any) -> str | None:
    """Ask for a text, and return what the cache did."""
    answer = invoke(client.chat.completions.create, **{**CHAT, **more})
    if more.get("stream"):
        invoke.collect(answer)
    record = call_record(answer)
    return None if record is None else record.cache


ALIKE: list[dict[str, Any]] = [
    {"top_p": None},
    {"stop": None, "tools": None},
    {"extra_body": {"guided_json": None}},
    {"stream": False},
    {"stream": None},
    {"user": "u-1"},
    {"metadata": {"order": "1"}},
    {"prompt_cache_key": "k"},
    {"prompt_cache_retention": "24h"},
    {"safety_identifier": "s"},
    {"timeout": 17},
    {"extra_query": {"nothing": None}},
    {"extra_headers": {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}},
    {"extra_headers": {"tracestate": "a=b", "Baggage": "c=d", "B3": "0", "X-B3-TraceId": "1"}},
    {"extra_headers": {"x-request-id": "1", "X-Client-Request-Id": "2", "x-correlation-id": "3"}},
    {"extra_headers": {"x-datadog-trace-id": "1", "sentry-trace": "2", "X-Amzn-Trace-Id": "3"}},
    {"extra_headers": {"X-Stainless-Helper-Method": "chat.completions.parse", "Idempotency-Key": "1"}},
    {"extra_headers": {"User-Agent": omit}},
]


@pytest.mark.parametrize("more", ALIKE, ids="-".join)
def test_what_no_answer_depends_on_makes_no_difference(
    invoke: Invoke, upstream: Upstream, more: dict[str, Any]
) -> None:
    """Calls that differ in labels, traces, time limits and parameters that say nothing get the same answer."""
    client = cached(invoke)
    assert ask(invoke, client) == "miss"
    assert ask(invoke, client, **more) == "hit"
    assert ask(invoke, client.with_options(max_retries=1, timeout=9, deadline=60), **more) == "hit"
    assert len(upstream.requests) == 1


APART: list[dict[str, Any]] = [
    {"top_p": 1},
    {"stream": True},
    {"store": True},
    {"store": False},
    {"service_tier": "priority"},
    {"messages": [{"role": "user", "content": None}]},
    {"messages": [{"role": "user"}]},
    {"messages": [{"role": "user", "content": "Hello", "name": "u"}]},
    {"response_format": {"type": "json_object"}},
    {"extra_body": {"guided_json": {"default": None}}},
    {"extra_body": {"guided_json": {}}},
    {"extra_query": {"v": 1}},
    {"extra_query": {"v": [1, 2]}},
    {"extra_query": {"v": [2, 1]}},
    {"extra_headers": {"OpenAI-Beta": "x"}},
    {"extra_headers": {"openai-beta": "y"}},
    {"extra_headers": {"Authorization": "Bearer other"}},
    {"extra_headers": {"x-route": omit}},
    {"extra_headers": {"x-route": "b"}},
]


def test_what_answers_depend_on_makes_a_difference(invoke: Invoke, upstream: Upstream) -> None:
    """Calls that differ in any parameter, query or header that an answer may depend on get no answer of another."""
    client = invoke.client(default_headers={"x-route": "a"}, layers=[Cache("all", open_store())])
    calls: list[dict[str, Any]] = [{}, *APART]
    for found in ("miss", "hit"):
        assert [ask(invoke, client, **more) for more in calls] == [found] * len(calls)
    assert len(upstream.requests) == len(calls)


def test_what_is_ignored_can_be_changed(invoke: Invoke) -> None:
    """`ignore` adds members and headers to what is not compared, `distinguish` compares what by default is not."""
    client = cached(invoke, ignore=["seed_name", "X-Tenant-*"], distinguish=["user", "X-Request-ID"])
    assert ask(invoke, client) == "miss"
    assert ask(invoke, client, extra_body={"seed_name": 1}, extra_headers={"x-tenant-id": "t"}) == "hit"
    assert ask(invoke, client, metadata={"a": "b"}, extra_headers={"traceparent": "0"}) == "hit"
    assert ask(invoke, client, user="u") == "miss"
    assert ask(invoke, client, user="v") == "miss"
    assert ask(invoke, client, extra_headers={"x-request-id": "1"}) == "miss"


@pytest.mark.parametrize("scope", ["tenant", "user", "endpoint", ["tenant", "user"]])
def test_who_is_not_compared_in_a_request_is_kept_apart_by_scope(
    invoke: Invoke, upstream: Upstream, scope: Any
) -> None:
    """That `user` and `metadata` are not compared lets no answer across the scope: its labels always are."""
    client = cached(invoke, scope=scope)
    for tenant in ("a", "b"):
        with labels(tenant=tenant, user=f"user of {tenant}", endpoint=f"/{tenant}"):
            assert ask(invoke, client, user="one") == "miss"
            assert ask(invoke, client, user="another", metadata={"x": "y"}) == "hit"
    assert len(upstream.requests) == 2


def test_a_call_that_continues_a_conversation_is_never_cached(invoke: Invoke, upstream: Upstream) -> None:
    """Each call with `conversation` adds to what the next one depends on, so that none is answered by another."""
    client = cached(invoke, everything=True)
    for headers in ({}, {"cache-control": "max-age=60"}):
        for _ in range(2):
            invoke(
                client.responses.create,
                model="m",
                input="x",
                conversation="conv_1",
                temperature=0,
                extra_headers=headers,
            )
    assert len(upstream.requests) == 4


RESPONSE: dict[str, Any] = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "status": "completed",
    "model": "m",
    "output": [
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "Hi", "annotations": []}],
        }
    ],
    "metadata": {"order": "1"},
    "user": "u-1",
    "safety_identifier": None,
}
EVENTS: list[dict[str, Any]] = [
    {
        "type": "response.created",
        "sequence_number": 0,
        "response": {**RESPONSE, "status": "in_progress", "output": []},
    },
    {
        "type": "response.output_text.delta",
        "sequence_number": 1,
        "item_id": "msg_1",
        "output_index": 0,
        "content_index": 0,
        "delta": 'Hi "response"',
        "logprobs": [],
    },
    {"type": "response.completed", "sequence_number": 2, "response": RESPONSE},
]


@pytest.mark.parametrize("stream", [False, True])
def test_a_response_repeats_the_parameters_of_its_own_request(
    invoke: Invoke, upstream: Upstream, *, stream: bool
) -> None:
    """A cached response that repeats what requests may differ in repeats that of the request that it answers."""
    client = cached(invoke)
    if stream:
        events = [f"event: {event['type']}\r\ndata: {json.dumps(event)}\r\n\r\n".encode() for event in EVENTS]
        upstream.reply(chunks=events, headers={"content-type": "text/event-stream; charset=utf-8"})
    else:
        upstream.reply(json=RESPONSE)

    def respond(**more: Any) -> Any:
        answer = invoke(client.responses.create, model="m", input="x", temperature=0, stream=stream, **more)
        return invoke.collect(answer)[-1].response if stream else answer

    first = respond(metadata={"order": "1"}, user="u-1")
    second = respond(metadata={"order": "2"}, safety_identifier="s")
    third = respond(user="u-1", metadata={"order": "1"})
    assert len(upstream.requests) == 1
    assert (first.metadata, first.user, first.safety_identifier) == ({"order": "1"}, "u-1", None)
    assert (second.metadata, second.user, second.safety_identifier) == ({"order": "2"}, None, "s")
    assert third.to_dict() == first.to_dict()
    assert second.output_text == first.output_text == "Hi"
    assert respond().metadata == {}


class Answer(BaseModel):
    """The format of an answer."""

    number: int


def test_structured_outputs_share_by_their_schema(invoke: Invoke, upstream: Upstream) -> None:
    """A parsed answer comes from the cache for the same format of answers, and for no other."""

    class Other(BaseModel):
        text: str

    client = cached(invoke)
    upstream.always(content='{"number": 1}')
    for found in ("miss", "hit"):
        answer = invoke(client.chat.completions.parse, **CHAT, response_format=Answer)
        record = call_record(answer)
        assert record is not None
        assert record.cache == found
        assert answer.choices[0].message.parsed == Answer(number=1)
    upstream.always(content='{"text": "x"}')
    assert (
        invoke(client.chat.completions.parse, **CHAT, response_format=Other).choices[0].message.parsed.text
        == "x"
    )
    assert len(upstream.requests) == 2


def test_clients_of_different_addresses_share_nothing(
    invoke: Invoke, upstream: Upstream, other: Upstream
) -> None:
    """Two clients with one cache policy get each other's answers where they ask at the same address, and only there."""
    policy = Cache("all", open_store())
    here, same, there = (
        invoke.client(layers=[policy], base_url=url)
        for url in (upstream.base_url, upstream.base_url, other.base_url)
    )
    assert [ask(invoke, one) for one in (here, same, there, there)] == ["miss", "hit", "miss", "hit"]
    there.base_url = upstream.base_url
    assert ask(invoke, there) == "hit"
    there.organization = "another"
    assert ask(invoke, there) == "miss"


def test_an_alias_that_leads_elsewhere_has_other_answers(
    invoke: Invoke, upstream: Upstream, other: Upstream
) -> None:
    """The answer to an alias is that of the targets which it stands for now: models, clients and their addresses."""
    store = open_store()

    def client(models: Any, address: str = other.base_url, default: Any = (), **more: Any) -> Any:
        further = invoke.client(base_url=address)
        fallback = Fallback(models=models, default=default, clients={"far": further}, **more)
        return invoke.client(layers=[Cache("all", store), fallback])

    clients = [
        client({"fast": "small"}),
        client({"fast": "large"}),
        client({"fast": ["small", "large"]}),
        client({"fast": ["large", "small"]}),
        client({"fast": "small"}, default=["large"]),
        client({"fast": "far/small"}),
        client({"fast": "far/small"}, address=upstream.base_url),
        client({"fast": "middle", "middle": "smallest"}),
    ]
    first = [ask(invoke, one, model="fast") for one in clients]
    assert first == [
        "miss",
        "miss",
        "miss",
        "miss",
        "hit",
        "miss",
        "miss",
        "miss",
    ]  # one chain is there twice
    assert [ask(invoke, one, model="fast") for one in clients] == ["hit"] * len(clients)
    assert ask(invoke, client({"fast": "small"}, retries=1), model="fast") == "hit"


def test_an_alias_to_a_client_by_options_follows_them(
    invoke: Invoke, upstream: Upstream, other: Upstream
) -> None:
    """Where the options of a further client change, its answers do, and it is not built to find that out."""
    store = open_store()

    def found(address: str, count: int) -> list[str | None]:
        controls = {
            "store": store,
            "cache": {"scope": "all"},
            "models": {"fast": ["near", "far/m"]},
            "fallback": {"clients": {"far": {"base_url": address, "api_key": "k"}}},
        }
        config = ClientConfig.make({"base_url": upstream.base_url, "api_key": "k", "controls": controls})
        client = invoke(lambda: Assembly(config).client(sync=invoke.sync))
        seen = [ask(invoke, client, model="fast") for _ in range(count)]
        assert client._built_by_layers() == []
        invoke(client.close)
        return seen

    assert found(other.base_url, 2) == ["miss", "hit"]
    assert found(upstream.base_url, 2) == ["miss", "hit"]
    assert found(other.base_url, 1) == ["hit"]


def test_a_further_client_that_cannot_be_made_harms_no_call(invoke: Invoke) -> None:
    """Where a function that makes a further client fails, calls that do not need it are served and cached."""

    def broken(sync: bool) -> Any:
        del sync
        raise LookupError("planted")

    fallback = Fallback(models={"fast": ["near", "far/m"]}, clients={"far": broken})
    client = invoke.client(layers=[Cache("all", open_store()), fallback])
    assert [ask(invoke, client, model="fast") for _ in range(2)] == ["miss", "hit"]


def test_what_a_target_served_for_an_account_is_kept_by_nobody(invoke: Invoke, other: Upstream) -> None:
    """An answer that a further client gave for the account of a tenant there is no answer for other tenants."""
    far = invoke.client(
        base_url=other.base_url,
        credentials=lambda labels: Credentials(api_key=f"key-of-{labels.tenant}-0123456789"),
    )
    fallback = Fallback(models={"fast": "far/m"}, clients={"far": far})
    client = invoke.client(layers=[Cache("all", open_store()), fallback])
    for tenant in ("a", "b", "a"):
        with labels(tenant=tenant):
            assert ask(invoke, client, model="fast") == "miss"
    keys = [recorded.headers["authorization"] for recorded in other.requests]
    assert keys == [f"Bearer key-of-{tenant}-0123456789" for tenant in ("a", "b", "a")]


def test_a_body_in_bytes_is_compared_by_what_it_says(invoke: Invoke, upstream: Upstream) -> None:
    """A body that is given as bytes gets the answer to the same request, and is never cached in a conversation."""
    client = cached(invoke, ignore=["content-type"])

    def post(path: str, **body: Any) -> None:
        invoke(
            client.post,
            path,
            cast_to=dict[str, Any],
            content=json.dumps(body).encode(),
            options={"headers": {"content-type": "application/json"}},
        )

    ask(invoke, client)
    post("/chat/completions", **CHAT, user="u")
    assert len(upstream.requests) == 1
    for _ in range(2):
        post("/responses", model="m", input="x", conversation="conv_1", temperature=0)
    assert len(upstream.requests) == 3


def test_a_body_that_is_no_json_is_sent_as_it_is(invoke: Invoke, upstream: Upstream) -> None:
    """Bytes that are no JSON, in a call that asks for the cache, are sent and not cached."""
    client = cached(invoke)
    upstream.always(json={"ok": True})
    for _ in range(2):
        invoke(
            client.post,
            "/anything",
            cast_to=dict[str, Any],
            content=b"\xff no JSON",
            options={"headers": {"cache-control": "max-age=60", "content-type": "application/octet-stream"}},
        )
    assert len(upstream.requests) == 2
