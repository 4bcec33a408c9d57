"""Answers kept for equal calls."""

import asyncio
import json
import random
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from ai_client import APIStatusError, AsyncOpenAI, ConfigError, InternalServerError, OpenAI, QueueFull, labels
from ai_client.control import Call, Next, Reply
from ai_client.control.accounting.cost import Cost
from ai_client.control.cache.key import cache_key, canonical
from ai_client.control.cache.policy import Cache
from ai_client.control.concurrency import Concurrency
from ai_client.control.pricing.prices import Prices
from ai_client.control.record import call_record
from ai_client.stores import open_store
from ai_client.testing import Gate, Upstream
from tests.support.invoke import Invoke
from tests.support.policies import Clock, running_redis, sync_io


def cached(invoke: Invoke, **options: Any) -> Any:
    """Make a client with a cache that all share."""
    return invoke.client(layers=[Cache(**{"scope": "all", "store": open_store(), **options})])


def embed(invoke: Invoke, client: Any) -> Any:
    """Ask for an embedding."""
    return invoke(client.embeddings.create, model="text-embedding-3-small", input="x", dimensions=2)


def how(result: Any) -> str | None:
    """Say what the cache did for a result."""
    record = call_record(result)
    return None if record is None else record.cache


def test_an_equal_call_is_answered_from_the_cache(invoke: Invoke, upstream: Upstream) -> None:
    """The second of two equal calls does not go out, and its result is the same and says so."""
    client = cached(invoke)
    first = invoke.chat(client, temperature=0)
    second = invoke.chat(client, temperature=0.0)
    assert len(upstream.requests) == 1
    assert first.to_dict() == second.to_dict()
    assert (how(first), how(second)) == ("miss", "hit")
    assert second._request_id == first._request_id


def test_the_raw_response_shows_the_hit(invoke: Invoke) -> None:
    """A raw response from the cache has the headers of the first, and one that marks it."""
    client = cached(invoke)
    create = client.embeddings.with_raw_response.create
    first = invoke(create, model="text-embedding-3-small", input="x", dimensions=2)
    second = invoke(create, model="text-embedding-3-small", input="x", dimensions=2)
    assert "x-ai-client-cache" not in first.headers
    assert second.headers["x-ai-client-cache"] == "hit"
    assert second.request_id == first.request_id
    assert second.content == first.content


@pytest.mark.parametrize(
    "options", [{}, {"temperature": 0.7}, {"temperature": False}, {"temperature": 0, "seed": 1, "n": 2}]
)
def test_only_calls_that_repeat_are_cached(
    invoke: Invoke, upstream: Upstream, options: dict[str, Any]
) -> None:
    """A text that would come out different each time is not kept, one with temperature 0 or a seed is."""
    client = cached(invoke)
    invoke.chat(client, **options)
    invoke.chat(client, **options)
    repeats = "seed" in options or options.get("temperature") == 0
    assert len(upstream.requests) == (1 if repeats else 2)


def test_everything_can_be_cached(invoke: Invoke, upstream: Upstream) -> None:
    """With `everything` any text is kept."""
    client = cached(invoke, everything=True)
    invoke.chat(client)
    invoke.chat(client)
    assert len(upstream.requests) == 1


def test_a_call_says_what_it_wants(invoke: Invoke, upstream: Upstream, clock: Clock) -> None:
    """`cache-control` asks for an answer of some age, for a new one, or for none to be kept; it is not sent."""
    client = cached(invoke)
    client.io.now = clock

    def ask(control: str) -> str | None:
        return how(invoke.chat(client, extra_headers={"Cache-Control": control}))

    assert ask("no-store") is None
    assert ask("max-age=60") == "miss"
    assert ask("max-age=60") == "hit"
    clock.now += 61
    assert ask("max-age=60") == "miss"
    assert ask("no-cache, max-age=60") == "miss"
    assert all("cache-control" not in recorded.headers for recorded in upstream.requests)


@pytest.mark.parametrize(
    "options",
    [
        {"organization": "other"},
        {"project": "other"},
        {"default_headers": {"x-route": "secret"}},
        {"default_query": {"version": 2}},
        {"base_url": "elsewhere"},
    ],
)
def test_a_copy_that_asks_elsewhere_has_its_own_answers(
    invoke: Invoke, upstream: Upstream, options: dict[str, Any]
) -> None:
    """A copy of a client with another address, owner, header or query is not answered with what the original was."""
    if "base_url" in options:
        options = {"base_url": f"{upstream.base_url}?region=2"}
    policy = Cache("all", open_store())
    client = invoke.client(layers=[policy])
    same, other = client.with_options(timeout=5), client.with_options(**options)
    found = [how(embed(invoke, one)) for one in (client, same, other, other, client)]
    assert found == ["miss", "hit", "miss", "hit", "hit"]
    assert how(embed(invoke, client.with_options(**options))) == "hit"
    assert "secret" not in repr(other._layers)


def test_answers_expire(invoke: Invoke, upstream: Upstream, clock: Clock) -> None:
    """After its time an answer is fetched again."""
    client = cached(invoke, ttl=60)
    client.io.now = clock
    invoke.chat(client, seed=1)
    clock.now += 59
    invoke.chat(client, seed=1)
    clock.now += 1
    invoke.chat(client, seed=1)
    assert len(upstream.requests) == 2


def test_a_stale_answer_is_better_than_none(invoke: Invoke, upstream: Upstream, clock: Clock) -> None:
    """With `stale_if_error` an old answer is given while the upstream is down, and says that it is old."""
    client = cached(invoke, ttl=60, stale_if_error=600)
    client.io.now = clock
    invoke.chat(client, seed=1)
    clock.now += 100
    upstream.reply(status=500)
    assert how(invoke.chat(client, seed=1)) == "stale"
    assert how(invoke.chat(client, seed=1)) == "miss"
    clock.now += 660
    upstream.reply(status=500)
    with pytest.raises(InternalServerError):
        invoke.chat(client, seed=1)


@pytest.mark.parametrize("status", [400, 403, 404, 422, 428, 429, 430, 499, 500, 503])
def test_an_old_answer_stands_in_for_an_upstream_that_is_down(
    invoke: Invoke, upstream: Upstream, clock: Clock, status: int
) -> None:
    """An answer is old from the end of its time on, and given where the upstream cannot serve, not where it refuses."""
    client = cached(invoke, ttl=60, stale_if_error=600)
    client.io.now = clock
    invoke.chat(client, seed=1)
    upstream.always(status=status)
    clock.now += 59
    assert how(invoke.chat(client, seed=1)) == "hit"
    clock.now += 1
    if status == 429 or status >= 500:
        assert how(invoke.chat(client, seed=1)) == "stale"
    else:
        with pytest.raises(APIStatusError):
            invoke.chat(client, seed=1)
    assert len(upstream.requests) == 2


def test_errors_are_not_cached(invoke: Invoke, upstream: Upstream) -> None:
    """A failure is not kept."""
    client = cached(invoke)
    upstream.reply(status=500)
    with pytest.raises(InternalServerError):
        invoke.chat(client, seed=1)
    assert how(invoke.chat(client, seed=1)) == "miss"


def test_a_large_answer_is_not_kept(invoke: Invoke, upstream: Upstream) -> None:
    """An answer beyond `max_body` is fetched each time, whole or streamed."""
    client = cached(invoke, max_body=100)
    for _ in range(2):
        invoke.chat(client, seed=1)
        invoke.collect(invoke.chat(client, seed=1, stream=True))
    assert len(upstream.requests) == 4


def read_bytes(invoke: Invoke, client: Any) -> list[bytes]:
    """Read a stream as it comes over the wire."""
    create = client.chat.completions.with_streaming_response.create
    body: dict[str, Any] = {
        "model": "m",
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": True,
        "extra_body": {"seed": 1},
    }
    if invoke.sync:
        with create(**body) as response:
            return list(response.iter_bytes())

    async def read() -> list[bytes]:
        async with create(**body) as response:
            return [chunk async for chunk in response.iter_bytes()]

    result: list[bytes] = invoke(read)
    return result


def test_a_cached_stream_is_byte_identical(invoke: Invoke, upstream: Upstream) -> None:
    """A stream from the cache has the bytes of the first, in the same chunks, and the same items."""
    client = cached(invoke)
    assert read_bytes(invoke, client) == read_bytes(invoke, client)
    assert len(upstream.requests) == 1
    first = invoke.chat(client, seed=1, stream=True)
    items = invoke.collect(first)
    again = invoke.chat(client, seed=1, stream=True)
    assert invoke.collect(again) == items
    assert (how(first), how(again)) == ("miss", "hit")
    assert len(upstream.requests) == 2


def test_a_stream_that_was_left_is_not_kept(invoke: Invoke, upstream: Upstream) -> None:
    """Only a stream that was read to its end is kept."""
    client = cached(invoke)
    stream = invoke.chat(client, seed=1, stream=True)
    invoke.collect(stream, 3)
    invoke(stream.close)
    invoke.collect(invoke.chat(client, seed=1, stream=True))
    assert len(upstream.requests) == 2


def test_the_usage_chunk_stays_hidden(invoke: Invoke) -> None:
    """Usage that was asked for on the way out is hidden from a caller of the cached stream too."""
    store = open_store()
    client = invoke.client(layers=[Cache("all", store), Cost(Prices(library=False), store)])
    first = invoke.collect(invoke.chat(client, seed=1, stream=True))
    again = invoke.collect(invoke.chat(client, seed=1, stream=True))
    assert first == again != []
    assert all(chunk.choices for chunk in again)


def test_a_hit_costs_nothing(invoke: Invoke) -> None:
    """A call from the cache is not counted again."""
    store = open_store()
    cost = Cost(Prices({"gpt-4o-mini": {"input": 1, "output": 1}}, library=False), store)
    client = invoke.client(layers=[Cache("all", store), cost])
    invoke.chat(client, seed=1)
    record = call_record(invoke.chat(client, seed=1))
    assert record is not None
    assert record.usd == 0
    assert sum(row.calls for row in cost.report()) == 1


def test_an_equal_call_is_not_waited_for_for_ever(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch, *, sync: bool
) -> None:
    """A call that waited too long for an equal one goes out itself."""
    monkeypatch.setattr("ai_client.control.cache.policy._FLIGHT_TIMEOUT", 0.05)
    gate = Gate()
    upstream.reply(gate=gate)
    policy = Cache("all", open_store())
    options: dict[str, Any] = {"base_url": upstream.base_url, "api_key": "any", "layers": [policy]}
    ask: dict[str, Any] = {"model": "text-embedding-3-small", "input": "x", "dimensions": 2}

    async def main() -> None:
        async with AsyncOpenAI(**options) as client:
            first = asyncio.create_task(client.embeddings.create(**ask))
            await upstream.wait_for_async(lambda: upstream.in_flight == 1)
            try:
                async with asyncio.timeout(60):
                    await client.embeddings.create(**ask)
            finally:
                gate.set()
            await first

    if not sync:
        asyncio.run(main())
    else:
        with OpenAI(**options) as client, ThreadPoolExecutor(2) as pool:
            first = pool.submit(client.embeddings.create, **ask)
            upstream.wait_for(lambda: upstream.in_flight == 1)
            try:
                pool.submit(client.embeddings.create, **ask).result(60)
            finally:
                gate.set()
            first.result(60)
    assert len(upstream.requests) == 2


def test_a_thousand_equal_calls_go_out_once(upstream: Upstream) -> None:
    """Of 1,000 tasks that ask the same at once, one goes upstream, and all get its answer."""
    gate = Gate()
    upstream.always(gate=gate)
    policy = Cache("all", open_store())

    async def main() -> list[Any]:
        async with AsyncOpenAI(base_url=upstream.base_url, api_key="any", layers=[policy]) as client:
            calls = [
                asyncio.create_task(
                    client.embeddings.create(model="text-embedding-3-small", input="x", dimensions=2)
                )
                for _ in range(1000)
            ]
            await upstream.wait_for_async(lambda: upstream.in_flight == 1)
            gate.set()
            return await asyncio.gather(*calls)

    results = asyncio.run(main())
    assert len(upstream.requests) == 1
    assert len({json.dumps(result.to_dict()) for result in results}) == 1
    assert sorted(str(how(result)) for result in results) == ["miss"] + ["shared"] * 999
    assert not policy._flights()


def test_threads_share_a_flight_too(upstream: Upstream) -> None:
    """Of 20 threads that ask the same at once, one goes upstream."""
    gate = Gate()
    upstream.always(gate=gate)
    policy = Cache("all", open_store())
    with (
        OpenAI(base_url=upstream.base_url, api_key="any", layers=[policy]) as client,
        ThreadPoolExecutor(20) as pool,
    ):
        calls = [
            pool.submit(client.embeddings.create, model="text-embedding-3-small", input="x", dimensions=2)
            for _ in range(20)
        ]
        upstream.wait_for(lambda: upstream.in_flight == 1)
        while sum(len(flight.waiters) for flight in list(policy._flights().values())) < 19:
            pass
        gate.set()
        assert len({call.result().to_json() for call in calls}) == 1
    assert len(upstream.requests) == 1


def test_equal_calls_wait_in_one_queue_together(upstream: Upstream) -> None:
    """Who waits for a call that finds no place in time is refused with it, and does not wait in the queue after it."""
    asked: list[Call] = []

    async def note(call: Call, proceed: Next) -> Reply:
        asked.append(call)
        return await proceed(call)

    gate = Gate()
    upstream.reply(gate=gate)
    layers: list[Any] = [Cache("all", open_store()), note, Concurrency(1, queue_timeout=0.05)]

    async def main() -> None:
        async with AsyncOpenAI(base_url=upstream.base_url, api_key="any", layers=layers) as client:
            held = asyncio.create_task(client.embeddings.create(model="text-embedding-3-small", input="y"))
            await upstream.wait_for_async(lambda: upstream.in_flight == 1)
            asked.clear()
            calls = [client.embeddings.create(model="text-embedding-3-small", input="x") for _ in range(10)]
            errors = await asyncio.gather(*calls, return_exceptions=True)
            gate.set()
            await held
            assert {type(error) for error in errors} == {QueueFull}
            assert len({id(error) for error in errors}) == 10
            assert len(asked) == 1

    asyncio.run(main())


def test_a_failure_is_shared_and_a_cancellation_is_not(upstream: Upstream) -> None:
    """Who waits for a call that fails gets its failure; where it is cancelled, the next one goes out."""
    policy = Cache("all", open_store())
    gate = Gate()

    async def main() -> None:
        async with AsyncOpenAI(
            base_url=upstream.base_url, api_key="any", layers=[policy], max_retries=0
        ) as client:

            def ask() -> Any:
                return client.embeddings.create(model="text-embedding-3-small", input="x", dimensions=2)

            upstream.reply(status=500, gate=gate)
            calls = [asyncio.create_task(ask()) for _ in range(10)]
            await upstream.wait_for_async(lambda: upstream.in_flight == 1)
            gate.set()
            errors = await asyncio.gather(*calls, return_exceptions=True)
            assert {type(error) for error in errors} == {InternalServerError}
            assert len({id(error) for error in errors}) == 10
            assert len(upstream.requests) == 1
            held = Gate()
            upstream.reply(gate=held)
            calls = [asyncio.create_task(ask()) for _ in range(10)]
            await upstream.wait_for_async(lambda: len(upstream.requests) == 2)
            calls[0].cancel()
            await asyncio.gather(*calls, return_exceptions=True)
            assert [call.cancelled() for call in calls] == [True] + [False] * 9
            assert len(upstream.requests) == 3
            held.set()

    asyncio.run(main())


@pytest.fixture(params=["sqlite", "redis"])
def shared_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address of an empty store that processes can share, of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/s.db"
    import redis

    url: str = request.getfixturevalue("redis_server").url
    with redis.Redis.from_url(url) as connection:
        connection.flushall()
    return url


@pytest.mark.slow
def test_processes_share_a_flight_too(shared_url: str, upstream: Upstream) -> None:
    """Of 4 processes that ask the same at once, on both clients, one goes upstream, and all get its answer."""
    gate = Gate()
    upstream.always(gate=gate)
    command = [sys.executable, "-m", "tests.support.asker", shared_url, upstream.base_url]
    processes = [
        subprocess.Popen([*command, kind], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for kind in ("sync", "async", "sync", "async")
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "asking\n"
    upstream.wait_for(lambda: upstream.in_flight == 1)
    gate.set()
    said = [process.communicate(timeout=30)[0].split() for process in processes]
    assert len(upstream.requests) == 1
    assert sorted(how for how, _ in said) in (
        ["miss", "shared", "shared", "shared"],
        ["hit", "miss", "shared", "shared"],  # who was late to ask
        ["hit", "hit", "miss", "shared"],
        ["hit", "hit", "hit", "miss"],
    )
    assert len({digest for _, digest in said}) == 1


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_killed_leader_holds_nobody_up(kind: str, shared_url: str, upstream: Upstream) -> None:
    """Where a process is killed while it asks, one that waits for its answer asks within seconds, and all get that."""
    gate = Gate()
    upstream.always(gate=gate)
    command = [sys.executable, "-m", "tests.support.asker", shared_url, upstream.base_url, kind]
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    leader, *followers = processes
    try:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write("go\n")
            process.stdin.flush()
            assert process.stdout.readline() == "asking\n"
            upstream.wait_for(lambda: len(upstream.requests) == 1)
        leader.kill()
        upstream.wait_for(lambda: len(upstream.requests) == 2, timeout=60)
        gate.set()
        said = [process.communicate(timeout=60)[0].split() for process in followers]
    finally:
        gate.set()
        for process in processes:
            process.kill()
            process.communicate()
    assert len(upstream.requests) == 2
    assert sorted(how for how, _ in said) == ["miss", "shared"]
    assert len({digest for _, digest in said}) == 1


def test_a_flight_of_a_process_that_died_is_taken_over(invoke: Invoke, clock: Clock, tmp_path: Path) -> None:
    """Where who asks has died, another asks once its lease has expired."""
    from ai_client.stores import Hold

    store = open_store(f"sqlite:///{tmp_path}/s.db")
    client = invoke.client(layers=[Cache("all", store)])
    client.io.now = clock
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock.now += seconds

    client.io.sleep = sleep
    keys: list[str] = []
    admit = store.backend.admit

    def first_of_another(ticket: str, holds: Any, takes: Any, now: float, expires: float) -> Any:
        if not keys:
            keys.append(holds[0].key)
            admit("of another", [Hold(keys[0], 1, 1, now + 5)], (), now, now + 5)
        return admit(ticket, holds, takes, now, expires)

    store.backend.admit = first_of_another  # type: ignore[method-assign]
    assert how(embed(invoke, client)) == "miss"
    assert 5 <= sum(slept) < 6
    assert how(embed(invoke, client)) == "hit"
    assert store.backend.ledger(keys[0], clock.now).held == 0
    store.close()


@pytest.mark.parametrize("answer", ["cut off", "large", "failed"])
def test_what_is_not_kept_makes_nobody_wait_in_line(answer: str, upstream: Upstream, tmp_path: Path) -> None:
    """Where a process gets an answer that is not kept, or none, all others that waited for it ask at once."""
    store = open_store(f"sqlite:///{tmp_path}/s.db")
    first, others = Gate(), Gate()
    reply: dict[str, Any] = {
        "cut off": {"json": {"choices": []}},
        "large": {"content": "x" * 2000},
        "failed": {"status": 500},
    }[answer]
    upstream.reply(gate=first, **reply)
    upstream.always(gate=others, **reply)

    def ask() -> str:
        policy = Cache("all", store, max_body=1000)
        options: dict[str, Any] = {"base_url": upstream.base_url, "api_key": "any", "max_retries": 0}
        with OpenAI(**options, layers=[policy]) as client:
            try:
                client.chat.completions.create(
                    model="m", messages=[{"role": "user", "content": "x"}], temperature=0
                )
            except InternalServerError:
                return "failed"
        return "answered"

    waiting: set[int] = set()
    all_wait = threading.Event()
    get = store.backend.get

    def note(key: str, now: float) -> bytes | None:
        found = get(key, now)
        if key.endswith("in vain"):
            waiting.add(threading.get_ident())
            if len(waiting) == 3:
                all_wait.set()
        return found

    store.backend.get = note  # type: ignore[method-assign]
    with ThreadPoolExecutor(4) as pool:
        try:
            calls = [pool.submit(ask)]
            upstream.wait_for(lambda: upstream.in_flight == 1)
            calls += [pool.submit(ask) for _ in range(3)]
            assert all_wait.wait(60)
            first.set()
            upstream.wait_for(lambda: upstream.in_flight == 3)
        finally:
            first.set()
            others.set()
        assert {call.result(60) for call in calls} == {"failed" if answer == "failed" else "answered"}
    store.close()


def test_an_answer_that_came_before_the_lease_is_shared(
    invoke: Invoke, upstream: Upstream, tmp_path: Path
) -> None:
    """Who gets the lease of an answer only after another process has kept that answer asks nobody."""
    store = open_store(f"sqlite:///{tmp_path}/s.db")
    assert how(embed(invoke, invoke.client(layers=[Cache("all", store)]))) == "miss"
    late = invoke.client(layers=[Cache("all", store)])
    get = store.backend.get
    missed: list[str] = []

    def miss_first(key: str, now: float) -> bytes | None:
        if missed:
            return get(key, now)
        missed.append(key)
        return None

    store.backend.get = miss_first  # type: ignore[method-assign]
    assert how(embed(invoke, late)) == "shared"
    assert missed
    assert len(upstream.requests) == 1
    store.close()


def test_a_store_that_is_down_refuses_no_cached_call(invoke: Invoke, tmp_path: Path) -> None:
    """The cache lets calls through while its store is down, also one that refuses others then."""
    with running_redis(tmp_path) as redis:
        store = open_store(redis.url, on_failure="closed")
        client = invoke.client(layers=[Cache("all", store)])
        assert how(embed(invoke, client)) == "miss"
        assert how(embed(invoke, client)) == "hit"
        redis.stop()
        assert how(embed(invoke, client)) == "miss"
        store.close()


def test_without_the_label_nothing_is_shared(invoke: Invoke, upstream: Upstream) -> None:
    """A call without the label that the scope asks for does not touch the cache."""
    client = cached(invoke, scope="tenant")
    invoke.chat(client, seed=1)
    invoke.chat(client, seed=1)
    assert len(upstream.requests) == 2


LABEL = st.none() | st.text(max_size=4)
LABELS = st.tuples(LABEL, LABEL, LABEL)


@given(
    st.lists(st.sampled_from(["tenant", "user", "endpoint"]), min_size=1, max_size=3, unique=True),
    LABELS,
    LABELS,
)
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    max_examples=200,
    deadline=None,
)
def test_scopes_never_share(scopes: list[Any], one: tuple[Any, ...], other: tuple[Any, ...]) -> None:
    """Two calls whose labels differ in any part of the scope, or lack one, never get each other's answer."""
    import httpx

    from ai_client.control import Reply
    from tests.support.policies import finish

    policy = Cache(tuple(scopes), open_store())
    sent: list[int] = []

    async def proceed(call: Call) -> Reply:
        del call
        sent.append(1)
        request = httpx.Request("POST", "http://x/embeddings")
        return Reply(
            httpx.Response(200, json={"number": len(sent), "data": [{"embedding": [1.0]}]}, request=request)
        )

    names = ("tenant", "user", "endpoint")

    def ask(values: tuple[Any, ...]) -> Any:
        given_labels = {name: value for name, value in zip(names, values, strict=True) if value is not None}
        with labels(**given_labels):
            call = Call(sync_io(), "POST", "/embeddings", None, body={"model": "m", "input": "x"})
            return finish(policy(call, proceed)).response.json()["number"]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.support.policies.Idle.timeouts", (httpx.TimeoutException,))
        first, second = ask(one), ask(other)
    own = [dict(zip(names, values, strict=True)) for values in (one, other)]
    same = all(own[0][scope] is not None and own[0][scope] == own[1][scope] for scope in scopes)
    assert (first == second) == same


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e9, 1e9) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def shuffled(value: Any, order: random.Random) -> Any:
    """Give an equal value whose members are in another order."""
    if isinstance(value, dict):
        items = [(name, shuffled(member, order)) for name, member in value.items()]
        order.shuffle(items)
        return dict(items)
    return [shuffled(item, order) for item in value] if isinstance(value, list) else value


def key(body: dict[str, Any]) -> str | None:
    """Name a call with a body."""
    return cache_key(Call(sync_io(), "POST", "/embeddings", None, body=body), ["scope"])


@given(st.dictionaries(st.text(), JSON, max_size=4), st.randoms(use_true_random=False))
def test_the_order_of_members_does_not_matter(body: dict[str, Any], order: random.Random) -> None:
    """Equal bodies have equal keys, in whatever order their members are."""
    assert key(body) == key(shuffled(body, order))


@given(st.dictionaries(st.text(), JSON, max_size=3), st.dictionaries(st.text(), JSON, max_size=3))
def test_different_bodies_have_different_keys(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Keys are equal only where bodies are: a number is not a text, `true` is not 1, 1.0 is 1, `None` is nothing."""
    texts = [
        json.dumps(
            {name: canonical(value) for name, value in body.items() if value is not None}, sort_keys=True
        )
        for body in (one, other)
    ]
    same = texts[0] == texts[1]
    assert (key(one) == key(other)) == same


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (1, 1.0, True),
        (True, 1, False),
        ("1", 1, False),
        (None, 0, False),
        ([1, 2], [2, 1], False),
        (0.1, 0.1, True),
    ],
)
def test_equal_values(one: object, other: object, same: bool) -> None:
    """What counts as equal in a request."""
    assert (key({"x": one}) == key({"x": other})) == same


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scope": "x"}, "scope must be"),
        ({"ttl": 0}, "ttl must be"),
        ({"ignore": ["user", ""]}, "ignore must hold names"),
        ({"distinguish": [1]}, "distinguish must hold names"),
    ],
)
def test_a_senseless_cache_is_refused(options: dict[str, Any], message: str) -> None:
    """A cache that makes no sense fails where it is made."""
    with pytest.raises(ConfigError, match=message):
        Cache(**{"scope": "all", "store": open_store(), **options})
