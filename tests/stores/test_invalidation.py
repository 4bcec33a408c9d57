"""Cached answers that are invalidated: for all processes at once, in every store."""

import asyncio
import threading
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from contextvars import copy_context
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from ai_client import ClientProvider, ConfigError, InternalServerError, StoreError, labels
from ai_client.control import cache_tags, call_record
from ai_client.control.cache import generations
from ai_client.control.cache.policy import Cache
from ai_client.stores import open_store
from ai_client.stores.memory import MemoryBackend
from ai_client.stores.shared import SharedStore
from ai_client.testing import Gate, Recorded, Reply, Upstream
from tests.support.waiting import until

KEY = "sk-verysecret"
ASK: dict[str, Any] = {"messages": [{"role": "user", "content": "Hi"}], "temperature": 0}


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have processes look at a store more often, and the first invalidation wait for less."""
    monkeypatch.setattr(generations, "LOOK", 0.02)
    monkeypatch.setattr(generations, "_NOTICED", 0.1)


class Remote(MemoryBackend):
    """A backend on another machine, which counts what it is asked for and may be down."""

    instant = False

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.is_down = False

    def ledger(self, key: str, now: float) -> Any:
        """Return a balance."""
        self._note("ledger")
        return super().ledger(key, now)

    def get(self, key: str, now: float) -> bytes | None:
        """Return a value."""
        self._note("get")
        return super().get(key, now)

    def settle(self, *args: Any, **options: Any) -> Any:
        """Count amounts."""
        self._note("settle")
        return super().settle(*args, **options)

    def _note(self, what: str) -> None:
        if self.is_down:
            raise StoreError("It is down.")
        self.asked.append(what)


class Process:
    """What a process has: a provider of its own over a store that others share."""

    def __init__(self, upstream: Upstream, store: Any, *, sync: bool, **cache: Any) -> None:
        self.sync = sync
        self._runner = asyncio.Runner()
        controls = {"store": store, "cache": {"scope": "all", **cache}}
        self.provider = ClientProvider(
            api_key=KEY, base_url=upstream.base_url, max_retries=0, controls=controls
        )

    def run(self, made: Any) -> Any:
        """Return the result of a coroutine, or what is a result already."""
        return made if self.sync else self._runner.run(made, context=copy_context())

    def ask(
        self,
        *,
        model: str = "m",
        tags: Collection[str] = (),
        tenant: str | None = None,
        stream: bool = False,
    ) -> Any:
        """Return an answer, or a stream."""
        client: Any = self.provider.client if self.sync else self.provider.async_client
        headers = cache_tags(*tags) if tags else None
        options: dict[str, Any] = {**ASK, "model": model, "extra_headers": headers, "stream": stream}
        with labels(tenant=tenant):

            async def create() -> Any:
                return await client.chat.completions.create(**options)

            return client.chat.completions.create(**options) if self.sync else self.run(create())

    def first(self, stream: Any) -> str:
        """Return the first text of a stream."""

        async def found() -> str:
            async for item in stream:
                if text := item.choices[0].delta.content:
                    return str(text)
            raise AssertionError

        if self.sync:
            return str(next(text for item in stream if (text := item.choices[0].delta.content)))
        return str(self.run(found()))

    def rest(self, stream: Any) -> None:
        """Read a stream to its end."""

        async def read() -> None:
            async for _ in stream:
                pass

        if self.sync:
            list(stream)
        else:
            self.run(read())

    def number(self, **options: Any) -> int:
        """Return which of the upstream's answers one is."""
        return int(self.ask(**options).choices[0].message.content)

    def invalidate(self, **named: Any) -> None:
        """Invalidate answers."""
        book = self.provider.cache
        if self.sync:
            book.invalidate(**named)
        else:
            self.run(book.ainvalidate(**named))

    def close(self) -> None:
        """Close the clients."""
        if self.sync:
            self.provider.close()
        else:
            self.run(self.provider.aclose())
            self._runner.close()


def numbered(upstream: Upstream) -> None:
    """Have each answer say which one it is."""
    count = iter(range(1, 10**6))
    upstream.always(lambda _: Reply(content=str(next(count))))


@contextmanager
def processes(upstream: Upstream, store_url: str, *, sync: bool, **cache: Any) -> Iterator[list[Process]]:
    """Yield two processes that share a store."""
    numbered(upstream)
    is_apart = store_url.startswith("memory")  # each store in memory is one of its own
    first = open_store(store_url)
    second = first if is_apart else open_store(store_url)
    both = [Process(upstream, store, sync=sync, **cache) for store in (first, second)]
    try:
        yield both
    finally:
        for one in both:
            one.close()
        for store in (first, second):
            store.close()


def test_in_every_store(upstream: Upstream, store_url: str, sync: bool) -> None:
    """What one process invalidates by key, tag or tenant no process answers with, and nothing else is lost."""
    with processes(upstream, store_url, sync=sync) as (one, other):
        answer = one.ask(tags=("faq", "product, 7"), tenant="acme")
        record = call_record(answer)
        assert record is not None
        assert other.number(tags=("product, 7", "faq"), tenant="globex") == 1
        assert other.number(model="n", tenant="globex") == 2
        for named in (
            {"tag": "product, 7"},
            {"tenant": "acme"},
            {"key": record.cache_key},
            {"tag": ["x", "faq"]},
        ):
            before = other.number(tags=("faq", "product, 7"), tenant="acme")
            other.invalidate(**named)
            after = one.number(tags=("faq", "product, 7"), tenant="acme")
            assert after > before
            assert other.number(tags=("faq", "product, 7"), tenant="acme") == after
            assert one.number(model="n", tenant="globex") == 2
        one.invalidate(tag="nobody's")
        assert other.number(tags=("faq", "product, 7")) == after


def test_tags_of_the_policy(upstream: Upstream, store_url: str) -> None:
    """Tags in the options are those of all answers, also of such as were kept before they were configured."""
    with processes(upstream, store_url, sync=True) as (one, _):
        assert one.number() == 1
        store = one.provider.config.controls["store"]  # type: ignore[index]
        with closing(Process(upstream, store, sync=True, tags=["all"])) as tagged:
            assert tagged.number() == 1
            tagged.invalidate(tag="all")
            assert tagged.number() == 2


def test_what_it_costs(upstream: Upstream) -> None:
    """Until something is invalidated a hit reads the store once, from then on twice, however many marks it has."""
    backend = Remote()
    numbered(upstream)
    with closing(Process(upstream, SharedStore(backend), sync=True)) as one:
        one.ask(tags=("a", "b", "c"), tenant="acme")
        asked = backend.asked
        asked.clear()
        for _ in range(1000):
            one.ask(tags=("a", "b", "c"), tenant="acme")
        assert asked.count("get") == 1000
        assert asked.count("ledger") < 500  # one look in a while
        one.invalidate(tag="other")
        assert one.number(tags=("a", "b", "c"), tenant="acme") == 1  # looks at all of its marks
        asked.clear()
        for _ in range(10):
            assert one.number(tags=("a", "b", "c"), tenant="acme") == 1
        assert (asked.count("get"), asked.count("ledger"), len(asked)) == (10, 10, 20)


@pytest.mark.parametrize("named", [{"tag": "t"}, {"tenant": "acme"}])
def test_an_answer_under_way(upstream: Upstream, store_url: str, sync: bool, named: dict[str, str]) -> None:
    """An answer that was asked for before an invalidation is not kept, and calls made afterwards do not share it."""
    with processes(upstream, store_url, sync=sync) as (one, other):
        gate = Gate()
        began = threading.Event()

        def slow(recorded: Recorded) -> Reply:
            del recorded
            began.set()
            return Reply(content="1", gate=gate)

        upstream.always(slow)
        found: list[int] = []
        thread = threading.Thread(target=lambda: found.append(one.number(tags=("t",), tenant="acme")))
        thread.start()
        assert began.wait(60)
        with closing(Process(upstream, other.provider.config.controls["store"], sync=sync)) as third:  # type: ignore[index]
            third.invalidate(**named)
        upstream.always(lambda _: Reply(content="2"))
        if store_url.startswith("memory"):  # others wait for the lease of the process that asks
            assert other.number(tags=("t",), tenant="acme") == 2
        gate.set()
        thread.join()
        assert found == [1]
        for each in (one, other):
            assert each.number(tags=("t",), tenant="acme") == 2


def test_a_stream_under_way(upstream: Upstream, store_url: str) -> None:
    """A stream that was opened before an invalidation and is read to its end afterwards is not replayed."""
    with processes(upstream, store_url, sync=True) as (one, other):
        call = {**ASK, "model": "m", "stream": True, "extra_headers": cache_tags("t")}
        stream = one.provider.client.chat.completions.create(**call)
        other.invalidate(tag="t")
        list(stream)
        sent = len(upstream.requests)
        list(other.provider.client.chat.completions.create(**call))
        assert len(upstream.requests) == sent + 1
        list(one.provider.client.chat.completions.create(**call))
        assert len(upstream.requests) == sent + 1


def test_while_the_upstream_is_down(upstream: Upstream, store_url: str, sync: bool) -> None:
    """What was invalidated is not served in place of an error either."""
    with processes(upstream, store_url, sync=sync, ttl=1e-9, stale_if_error=600) as (one, other):
        assert one.number(tags=("t",)) == 1
        upstream.always(Reply(status=500))
        record = call_record(one.ask(tags=("t",)))
        assert record is not None
        assert record.cache == "stale"
        other.invalidate(tag="t")
        for each in (one, other):
            with pytest.raises(InternalServerError):
                each.ask(tags=("t",))


@pytest.mark.parametrize("on_failure", ["open", "closed"])
def test_a_store_that_is_down(upstream: Upstream, on_failure: Any, sync: bool) -> None:
    """An invalidation that did not reach the store fails, and calls meanwhile are answered by the upstream."""
    backend = Remote()
    numbered(upstream)
    with closing(Process(upstream, SharedStore(backend, on_failure=on_failure), sync=sync)) as one:
        one.number(tags=("t",))
        one.invalidate(tag="other")
        backend.is_down = True
        with pytest.raises(StoreError):
            one.invalidate(tag="t")
        assert [one.number(tags=("t",)) for _ in range(2)] == [2, 3]


@pytest.mark.parametrize(
    "named",
    [
        {},
        {"key": "x"},
        {"key": "A" * 64},
        {"tag": ""},
        {"tag": " "},
        {"tenant": ""},
        {"tag": [7]},
        {"tenant": []},
    ],
)
def test_nothing_named(upstream: Upstream, named: dict[str, Any], sync: bool) -> None:
    """An invalidation of nothing, or of what cannot be, fails by its name."""
    with (
        closing(Process(upstream, "memory://", sync=sync)) as one,
        pytest.raises(ConfigError, match="cache: "),
    ):
        one.invalidate(**named)


def test_without_a_cache() -> None:
    """Without the control the error names it."""
    with pytest.raises(ConfigError, match="no 'cache'"):
        ClientProvider(api_key=KEY).cache.invalidate(tag="t")


TAGS = ("a",)
TENANTS = (None, "x")
CALLS = st.tuples(st.sampled_from(["m"]), st.sets(st.sampled_from(TAGS)), st.sampled_from(TENANTS))
STEPS = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from(["ask", "open"]), CALLS)
    | st.tuples(st.integers(0, 1), st.just("finish"), st.integers(0, 1))
    | st.tuples(st.integers(0, 1), st.just("tag"), st.sampled_from(TAGS))
    | st.tuples(st.integers(0, 1), st.just("tenant"), st.sampled_from(TENANTS[1:]))
    | st.tuples(st.integers(0, 1), st.just("key"), st.integers(0, 1)),
    min_size=8,
    max_size=30,
)


class Play:
    """Steps of two processes, and what their answers may be.

    Attributes:
        sent: The call behind each answer of the upstream.
        gone: How many answers there were when something was last invalidated.
    """

    def __init__(self, upstream: Upstream, *, sync: bool) -> None:
        self.sent: list[Any] = []
        self.gone: dict[tuple[str, str], int] = {}
        self._keys: list[str] = []
        self._key_of: dict[Any, str] = {}
        self._streams: list[Any] = []
        backend = Remote()
        self.processes = [Process(upstream, SharedStore(backend), sync=sync) for _ in range(2)]
        upstream.always(self._reply)
        self._asking: Any = None

    def _reply(self, recorded: Recorded) -> Reply:
        del recorded
        self.sent.append(self._asking)
        return Reply(content=str(len(self.sent)))

    def _create(self, process: Process, call: Any, *, stream: bool) -> Any:
        self._asking = model, tags, tenant = call
        return process.ask(model=model, tags=tags, tenant=tenant, stream=stream)

    def _check(self, number: int, call: Any, key: str | None) -> None:
        marks = {("tag", tag) for tag in call[1]} | {("tenant", self.sent[number - 1][2]), ("key", key)}
        assert all(number > self.gone.get(mark, 0) for mark in marks)

    def ask(self, process: Process, call: Any) -> None:
        """Ask for an answer."""
        answer = self._create(process, call, stream=False)
        record = call_record(answer)
        assert record is not None
        assert record.cache_key is not None
        assert self._key_of.setdefault((call[0], frozenset(call[1])), record.cache_key) == record.cache_key
        self._keys.append(record.cache_key)
        self._check(int(answer.choices[0].message.content), call, record.cache_key)

    def open(self, process: Process, call: Any) -> None:
        """Begin to read a stream."""
        stream = self._create(process, call, stream=True)
        self._check(int(process.first(stream)), call, None)
        self._streams.append((process, stream))

    def finish(self, process: Process, which: int) -> None:
        """Read a stream to its end."""
        del process  # it is read where it was opened
        if self._streams:
            opener, stream = self._streams.pop(which % len(self._streams))
            opener.rest(stream)

    def key(self, process: Process, which: int) -> None:
        """Invalidate an answer by its key."""
        if self._keys:
            self._invalidate(process, "key", self._keys[which % len(self._keys)])

    def tag(self, process: Process, tag: str) -> None:
        """Invalidate answers with a tag."""
        self._invalidate(process, "tag", tag)

    def tenant(self, process: Process, tenant: str) -> None:
        """Invalidate answers of a tenant."""
        self._invalidate(process, "tenant", tenant)

    def _invalidate(self, process: Process, kind: str, name: str) -> None:
        process.invalidate(**{kind: name})
        self.gone[kind, name] = len(self.sent)

    def close(self) -> None:
        """Close what is open."""
        for process, stream in self._streams:
            process.run(stream.close())
        for process in self.processes:
            process.close()


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(STEPS)
def test_any_order(upstream: Upstream, monkeypatch: pytest.MonkeyPatch, sync: bool, steps: list[Any]) -> None:
    """Whatever two processes ask for, stream and invalidate, no answer is older than what was invalidated of it."""
    monkeypatch.setattr(generations, "LOOK", 0.0)
    monkeypatch.setattr(generations, "_NOTICED", 0.0)
    with closing(Play(upstream, sync=sync)) as play:
        for which, step, given in steps:
            getattr(play, step)(play.processes[which], given)


def test_equal_calls_at_once(upstream: Upstream) -> None:
    """A call made after an invalidation does not wait for an equal one of its process that was made before."""
    with closing(Process(upstream, "memory://", sync=True)) as one:
        gate, began = Gate(), threading.Event()

        def slow(recorded: Recorded) -> Reply:
            del recorded
            began.set()
            return Reply(content="1", gate=gate)

        upstream.always(slow)
        found: list[int] = []
        threads = [threading.Thread(target=lambda: found.append(one.number(tags=("t",)))) for _ in range(3)]
        for thread in threads:
            thread.start()
        assert began.wait(60)
        one.invalidate(tag="t")
        upstream.always(lambda _: Reply(content="2"))
        assert [one.number(tags=("t",)) for _ in range(2)] == [2, 2]
        gate.set()
        for thread in threads:
            thread.join()
        assert set(found) <= {1, 2}
        assert one.number(tags=("t",)) == 2


def test_equal_calls_of_tasks_at_once(upstream: Upstream) -> None:
    """The same holds among the tasks of an event loop, where a store on another machine has leases besides."""

    async def scene() -> None:
        controls = {"store": SharedStore(Remote()), "cache": {"scope": "all", "tags": ["t"]}}
        provider = ClientProvider(api_key=KEY, base_url=upstream.base_url, max_retries=0, controls=controls)
        gate, began = Gate(), threading.Event()

        def slow(recorded: Recorded) -> Reply:
            del recorded
            began.set()
            return Reply(content="1", gate=gate)

        async def number() -> str | None:
            answer = await provider.async_client.chat.completions.create(**ASK, model="m")
            return answer.choices[0].message.content

        upstream.always(slow)
        early = [asyncio.create_task(number()) for _ in range(3)]
        await asyncio.to_thread(began.wait, 60)
        await provider.cache.ainvalidate(tag="t")
        upstream.always(lambda _: Reply(content="2"))
        late = [asyncio.create_task(number()) for _ in range(3)]
        gate.set()
        assert await asyncio.gather(*late) == ["2"] * 3
        assert set(await asyncio.gather(*early)) <= {"1", "2"}  # one may have come late
        assert await number() == "2"
        await provider.aclose()

    asyncio.run(scene())


def test_where_the_key_is_shown(upstream: Upstream) -> None:
    """The key is in the record of a result, the details of a hook, and the header of what the cache answers."""
    numbered(upstream)
    told: list[Any] = []
    controls = {"cache": {"scope": "all"}, "hooks": {"on_result": told.append}}
    provider = ClientProvider(api_key=KEY, base_url=upstream.base_url, controls=controls)
    create = provider.client.chat.completions.with_raw_response.create
    raw = [create(**ASK, model="m", extra_headers={"Cache-Tag": "a%2Cb, c"}) for _ in range(2)]
    record = call_record(raw[0].parse())
    assert record is not None
    assert [one.cache_key for one in told] == [record.cache_key] * 2
    assert raw[1].headers["x-ai-client-cache-key"] == record.cache_key
    assert "cache-tag" not in upstream.requests[0].headers
    provider.cache.invalidate(tag="a,b")
    assert (
        create(**ASK, model="m", extra_headers=cache_tags("c", "a,b")).headers.get("x-ai-client-cache")
        is None
    )
    provider.close()


def test_equal_calls_while_the_store_is_down(upstream: Upstream) -> None:
    """While the store is down equal calls of a process at once still go out once, and nothing of them is kept."""
    backend = Remote()
    backend.is_down = True
    with closing(Process(upstream, SharedStore(backend), sync=True)) as one:
        gate, began = Gate(), threading.Event()

        def slow(recorded: Recorded) -> Reply:
            del recorded
            began.set()
            return Reply(content="1", gate=gate)

        upstream.always(slow)
        found: list[Any] = []
        (cache,) = (
            policy for policy in one.provider["default"]._assembly.layers() if isinstance(policy, Cache)
        )
        threads = [threading.Thread(target=lambda: found.append(call_record(one.ask()))) for _ in range(4)]
        for thread in threads:
            thread.start()
        assert began.wait(60)
        until(lambda: sum(len(flight.waiters) for flight in cache._flights().values()) == 3)
        backend.is_down = False
        gate.set()
        for thread in threads:
            thread.join()
        assert sorted(record.cache for record in found) == ["miss", "shared", "shared", "shared"]
        assert len(upstream.requests) == 1
        until(lambda: call_record(one.ask()).cache == "miss")  # type: ignore[union-attr]


def test_blanks_around_tags(upstream: Upstream) -> None:
    """Blanks around a tag say nothing, wherever it is named; what is no list of tags fails by its name."""
    numbered(upstream)
    with closing(Process(upstream, "memory://", sync=True, tags=[" all "])) as one:
        client: Any = one.provider.client
        for number, (header, named) in enumerate([("a , b", "b "), ("%20a,b", " all"), ("b", "all ")], 1):
            answer = client.chat.completions.create(**ASK, model="m", extra_headers={"CACHE-TAG": header})
            assert int(answer.choices[0].message.content) == number
            one.invalidate(tag=named)
    for tags in ("all", [""], [7]):
        with pytest.raises(ConfigError, match="tags"):
            ClientProvider(api_key=KEY, controls={"cache": {"scope": "all", "tags": tags}})
