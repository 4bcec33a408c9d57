"""One client of each kind per process."""

import asyncio
import gc
import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import openai
import pytest
import trustme

from ai_client import (
    AsyncOpenAI,
    ClientClosedError,
    ClientProvider,
    ConfigError,
    OpenAI,
    provider as provider_module,
)
from ai_client.testing import Gate, Upstream, override
from tests.support.invoke import CHAT

pytestmark = pytest.mark.usefixtures("no_loop_left")


@pytest.fixture
def provider(ai_client_upstream: Upstream) -> Iterator[ClientProvider]:
    """Yield a provider of clients to the upstream, and close it."""
    provider = ClientProvider(
        {"base_url": ai_client_upstream.base_url, "api_key": "any", "max_retries": 0, "shutdown_timeout": 5}
    )
    yield provider
    provider.close()


def ask(client: OpenAI) -> str:
    """Make one sync call."""
    return client.chat.completions.create(**CHAT).choices[0].message.content or ""


async def ask_async(client: AsyncOpenAI) -> str:
    """Make one awaited call."""
    return (await client.chat.completions.create(**CHAT)).choices[0].message.content or ""


def exit_code_of_child(good: Any) -> int:
    """Fork, call a function in the child, and give its exit code: 0 where the function gave true."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if good() else 1
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_clients_are_built_on_first_use() -> None:
    """Making a provider builds nothing; each client is built once and is of this package."""
    provider = ClientProvider({"api_key": "any"})
    assert not provider._default._built
    assert type(provider.client) is OpenAI
    assert type(provider.async_client) is AsyncOpenAI
    assert provider.client is provider.client
    assert provider.async_client is provider.async_client
    provider.close()


def test_hammer_of_threads_gets_one_client(provider: ClientProvider) -> None:
    """64 threads that use the provider for the first time at the same moment get the same two clients."""
    barrier = threading.Barrier(64)

    def use(_: int) -> tuple[OpenAI, AsyncOpenAI]:
        barrier.wait()
        return provider.client, provider.async_client

    with ThreadPoolExecutor(64) as pool:
        clients = list(pool.map(use, range(64)))
    assert len({id(client) for client, _ in clients}) == len({id(client) for _, client in clients}) == 1


def test_closed_provider_says_so(provider: ClientProvider) -> None:
    """After `close`, asking for a client or using one that was kept is a `ClientClosedError`."""
    kept, kept_async = provider.client, provider.async_client
    provider.close()
    assert provider.state == "closed"
    for use in (
        lambda: provider.client,
        lambda: provider.async_client,
        lambda: ask(kept),
        lambda: asyncio.run(ask_async(kept_async)),
    ):
        with pytest.raises(ClientClosedError):
            use()


def test_start_stop_start(provider: ClientProvider, ai_client_upstream: Upstream) -> None:
    """A provider that is started again works again, with other clients, and leaves no connection behind."""
    seen = set()
    for _ in range(3):
        provider.start()
        assert ask(provider.client)
        assert asyncio.run(ask_async(provider.async_client))
        seen.add(id(provider.client))
        provider.close()
        provider.close()
        ai_client_upstream.wait_for(lambda: ai_client_upstream.connections_open == 0)
    assert len(ai_client_upstream.requests) == 6


def test_aclose_closes_both(provider: ClientProvider, ai_client_upstream: Upstream) -> None:
    """Awaiting `aclose`, also twice, closes the connections of both clients."""

    async def main() -> None:
        provider.adopt_loop()
        await ask_async(provider.async_client)
        await asyncio.to_thread(ask, provider.client)
        await provider.aclose()
        await provider.aclose()

    asyncio.run(main())
    ai_client_upstream.wait_for(lambda: ai_client_upstream.connections_open == 0)


def test_close_waits_for_calls_under_way(provider: ClientProvider, ai_client_upstream: Upstream) -> None:
    """`close` lets a call finish, refuses new ones meanwhile, and returns when the last has ended."""
    gate = Gate()
    ai_client_upstream.reply(gate=gate, content="finished", times=2)

    async def main() -> str:
        return await ask_async(provider.async_client)

    client = provider.client
    with ThreadPoolExecutor(3) as pool:
        calls = [pool.submit(ask, client), pool.submit(asyncio.run, main())]
        ai_client_upstream.wait_for(lambda: ai_client_upstream.in_flight == 2)
        closing = pool.submit(provider.close)
        while provider.state == "open":
            pass
        with pytest.raises(ClientClosedError, match="shutting down"):
            ask(client)
        assert not closing.done()
        gate.set()
        assert [call.result(5) for call in calls] == ["finished", "finished"]
        closing.result(5)
    assert provider.state == "closed"


@pytest.fixture(params=["http", "https"])
def forked(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[ClientProvider, Upstream]]:
    """Yield a provider and its upstream, once without and once with TLS."""
    context = None
    if request.param == "https":
        authority = trustme.CA()
        authority.cert_pem.write_to_path(tmp_path / "ca.pem")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
    with Upstream(ssl_context=context) as upstream:
        provider = ClientProvider({"base_url": upstream.base_url, "api_key": "any", "max_retries": 0})
        yield provider, upstream
        provider.close()


def test_child_builds_its_own(forked: tuple[ClientProvider, Upstream]) -> None:
    """A forked child has other clients over other connections; the parent goes on with its own."""
    provider, upstream = forked
    client, async_client = provider.client, provider.async_client
    ask(client)
    asyncio.run(ask_async(async_client))

    def child() -> bool:
        return (
            provider.client is not client
            and provider.async_client is not async_client
            and bool(ask(provider.client))
            and bool(asyncio.run(ask_async(provider.async_client)))
            and gc.collect() >= 0
        )

    assert exit_code_of_child(child) == 0
    assert provider.client is client
    assert ask(client)
    assert asyncio.run(ask_async(async_client))
    assert [request.connection for request in upstream.requests] == [1, 2, 3, 4, 1, 2]


def test_client_kept_over_a_fork_works_in_the_child(forked: tuple[ClientProvider, Upstream]) -> None:
    """A client that the child got from its parent by name opens connections of its own."""
    provider, upstream = forked
    client, async_client = provider.client, provider.async_client
    ask(client)
    asyncio.run(ask_async(async_client))
    assert exit_code_of_child(lambda: bool(ask(client) and asyncio.run(ask_async(async_client)))) == 0
    assert ask(client)
    assert asyncio.run(ask_async(async_client))
    assert [request.connection for request in upstream.requests] == [1, 2, 3, 4, 1, 2]


def test_fork_while_another_thread_builds(provider: ClientProvider) -> None:
    """A child forked while a thread of its parent holds the provider's lock does not wait for that thread."""
    held, go = threading.Event(), threading.Event()

    def hold() -> None:
        with provider._lock:
            held.set()
            go.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    try:
        assert exit_code_of_child(lambda: bool(ask(provider.client))) == 0
    finally:
        go.set()
        thread.join()


def test_child_of_a_closed_provider_is_closed(provider: ClientProvider) -> None:
    """A fork does not open what was closed."""
    provider.close()
    assert exit_code_of_child(lambda: provider.state == "closed") == 0


def test_aliases_have_their_own_clients(ai_client_upstream: Upstream) -> None:
    """Each alias has its own options and clients, and closing the provider closes them all."""
    options = {"base_url": ai_client_upstream.base_url, "api_key": "any"}
    provider = ClientProvider(options, aliases={"azure": {**options, "api_key": "other"}})
    assert list(provider) == ["default", "azure"]
    assert "azure" in provider
    assert provider["default"].client is provider.client
    assert provider["azure"].client is provider["azure"].client is not provider.client
    assert provider["azure"].config.api_key == "other"
    assert ask(provider["azure"].client)
    assert ai_client_upstream.requests[0].headers["authorization"] == "Bearer other"
    kept = provider["azure"].client
    provider.close()
    with pytest.raises(ClientClosedError):
        ask(kept)


def test_unknown_alias_is_named_with_the_nearest() -> None:
    """An alias that is not configured is refused with the nearest one that is."""
    provider = ClientProvider(aliases={"default": {"api_key": "any"}, "azure": {"api_key": "any"}})
    with pytest.raises(ConfigError, match=r"'azur'.*Did you mean 'azure'"):
        provider["azur"]
    with pytest.raises(ConfigError, match="default, azure"):
        provider["x"]


def test_fault_in_an_alias_is_named() -> None:
    """A wrong option of an alias is reported with the alias's name when the provider is made."""
    with pytest.raises(ConfigError, match=r"azure\.time_out: unknown option\. Did you mean 'timeout'"):
        ClientProvider(aliases={"azure": {"time_out": 1}})


def test_override_replaces_and_restores(provider: ClientProvider) -> None:
    """Inside the block every thread gets the fakes, the innermost first; after it the clients are back."""
    client, fake, other = provider.client, object(), object()
    with provider.override(fake_client=fake):
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(lambda: provider.client).result() is fake
        assert type(provider.async_client) is AsyncOpenAI
        with provider.override(fake_async_client=other), provider.override(fake_client=other):
            assert provider.client is provider.async_client is other
        assert provider.client is fake
    assert provider.client is client


def test_closing_inside_an_override_leaves_nothing_behind(provider: ClientProvider) -> None:
    """A client that was closed during an override does not come back after it."""
    kept = provider.client
    with provider.override(fake_client=object()):
        provider.close()
        provider.start()
    assert provider.client is not kept


def test_testing_override_takes_an_upstream(provider: ClientProvider) -> None:
    """`ai_client.testing.override` leads both clients to an upstream."""
    with Upstream() as other, override(provider, other) as given:
        assert given is other
        assert ask(provider.client)
        assert asyncio.run(ask_async(provider.async_client))
        assert len(other.requests) == 2


def test_testing_override_takes_clients(provider: ClientProvider) -> None:
    """A client stands in for the one of its kind, anything else for both."""
    sync, async_client = OpenAI(api_key="any"), AsyncOpenAI(api_key="any")
    with override(provider, sync), override(provider, async_client):
        assert provider.client is sync
        assert provider.async_client is async_client
    with override(provider, fake := object()):
        assert provider.client is provider.async_client is fake
    sync.close()


@pytest.mark.parametrize("by_path", [True, False], ids=["dotted path", "class"])
def test_foreign_classes_have_the_same_lifecycle(ai_client_upstream: Upstream, by_path: bool) -> None:
    """The official SDK's clients are built once, work, and are closed with the provider."""
    provider = ClientProvider(
        {
            "base_url": ai_client_upstream.base_url,
            "api_key": "any",
            "client_class": "openai.OpenAI" if by_path else openai.OpenAI,
            "async_client_class": "openai.AsyncOpenAI" if by_path else openai.AsyncOpenAI,
        }
    )

    async def main() -> Any:
        provider.adopt_loop()
        client: Any = provider.async_client
        await ask_async(client)
        await provider.aclose()
        return client

    client: Any = provider.client
    assert type(client) is openai.OpenAI
    assert client is provider.client
    assert ask(client)
    async_client = asyncio.run(main())
    assert type(async_client) is openai.AsyncOpenAI
    assert client.is_closed()
    assert async_client.is_closed()


@pytest.fixture
def official(ai_client_upstream: Upstream) -> Iterator[ClientProvider]:
    """Yield a provider of the official SDK's clients."""
    provider = ClientProvider(
        {
            "base_url": ai_client_upstream.base_url,
            "api_key": "any",
            "max_retries": 0,
            "max_connections": 5,
            "shutdown_timeout": 0.1,
            "client_class": "openai.OpenAI",
            "async_client_class": "openai.AsyncOpenAI",
        }
    )
    yield provider
    provider.close()


def test_foreign_client_works_from_any_loop(official: ClientProvider, ai_client_upstream: Upstream) -> None:
    """One official client serves loops that come and go, plain and streamed, over one connection."""

    async def read() -> int:
        stream = await official.async_client.chat.completions.create(**CHAT, stream=True)
        return len([item async for item in stream])

    for _ in range(5):
        assert asyncio.run(ask_async(official.async_client))
        assert asyncio.run(read())
    assert ai_client_upstream.connections_opened == 1


def test_foreign_client_over_a_fork(official: ClientProvider, ai_client_upstream: Upstream) -> None:
    """A forked child has official clients and connections of its own, and leaves its parent's alone."""
    ask(official.client)
    asyncio.run(ask_async(official.async_client))
    parents = official.client
    assert (
        exit_code_of_child(
            lambda: (
                official.client is not parents
                and bool(ask(official.client) and asyncio.run(ask_async(official.async_client)))
            )
        )
        == 0
    )
    ask(official.client)
    asyncio.run(ask_async(official.async_client))
    assert [request.connection for request in ai_client_upstream.requests] == [1, 2, 3, 4, 1, 2]


def test_foreign_call_is_cut_at_the_deadline(official: ClientProvider, ai_client_upstream: Upstream) -> None:
    """Calls of official clients drain like those of ours, and say why where they are cut."""
    ai_client_upstream.always(never=True)
    with ThreadPoolExecutor(2) as pool:
        calls = [
            pool.submit(ask, official.client),
            pool.submit(lambda: asyncio.run(ask_async(official.async_client))),
        ]
        ai_client_upstream.wait_for(lambda: ai_client_upstream.in_flight == 2)
        official.drain()
        for call in calls:
            with pytest.raises(ClientClosedError):
                call.result(5)
    ai_client_upstream.wait_for(lambda: ai_client_upstream.connections_open == 0)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("openai.Nothing", "openai.Nothing"),
        ("no_such_module.OpenAI", "no_such_module.OpenAI"),
        ("OpenAI", "use a dotted path"),  # not quoted, as it may be a secret
    ],
)
def test_foreign_class_that_is_not_there_is_named(path: str, message: str) -> None:
    """A dotted path that leads nowhere is a `ConfigError` that quotes it; what is no dotted path is not quoted."""
    with pytest.raises(ConfigError, match=message) as caught:
        ClientProvider({"api_key": "any", "client_class": path})
    assert (path in str(caught.value)) is ("." in path)


def test_option_that_a_foreign_class_does_not_take_is_named() -> None:
    """An option that was set and that the class does not know is refused, not dropped."""

    class Small:
        def __init__(self, api_key: str) -> None:
            pass

    provider = ClientProvider({"api_key": "any", "max_connections": 5, "client_class": Small})
    with pytest.raises(ConfigError, match="Small does not take these options: max_connections"):
        _ = provider.client


def test_provider_shows_no_secret() -> None:
    """The API key is in no representation of a provider or its parts."""
    provider = ClientProvider({"api_key": "sk-planted"})
    assert "sk-planted" not in repr(provider) + repr(provider["default"]) + repr(provider.config)


def test_script_that_forgets_to_close_ends_cleanly(ai_client_upstream: Upstream) -> None:
    """At the exit of the interpreter what was not closed is closed, without a word and without a hang."""
    script = """
import asyncio
import logging
from ai_client import ClientProvider

busy = "Executing"  # a busy machine is no word of ours
logging.getLogger("asyncio").addFilter(lambda record: not record.getMessage().startswith(busy))
provider = ClientProvider()
question = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}
provider.client.chat.completions.create(**question)

async def main():
    await provider.async_client.chat.completions.create(**question)
    stream = await provider.async_client.chat.completions.create(**question, stream=True)
    await anext(stream)
    return stream

stream = asyncio.run(main())
sync = provider.client.chat.completions.create(**question, stream=True)
next(sync)
"""
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", script],
        env={**os.environ, "OPENAI_API_KEY": "any", "OPENAI_BASE_URL": ai_client_upstream.base_url},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    ai_client_upstream.wait_for(lambda: ai_client_upstream.connections_open == 0)


class Slow:
    """Something that is made only when told to."""

    def __init__(self, make: Any) -> None:
        self._make = make
        self.making, self.go = threading.Event(), threading.Event()
        self.made: list[Any] = []

    def __call__(self, *args: Any) -> Any:
        """Make it."""
        self.making.set()
        assert self.go.wait(30)
        self.made.append(self._make(*args))
        return self.made[-1]


def test_client_that_is_slow_to_build_is_one(
    provider: ClientProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a client is being built, others wait for it."""
    slow = Slow(provider_module.build)
    monkeypatch.setattr(provider_module, "build", slow)
    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(lambda: provider.client)
        assert slow.making.wait(30)
        others = [pool.submit(lambda: provider.client) for _ in range(7)]
        slow.go.set()
        assert {id(first.result(30)), *(id(other.result(30)) for other in others)} == {
            id(slow.made[0].client)
        }
    assert len(slow.made) == 1


@pytest.mark.parametrize("way", ["close", "aclose"])
def test_client_that_is_built_while_closing_is_closed(
    provider: ClientProvider, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """A provider that is closed while a client is being built closes that one too."""
    slow = Slow(provider_module.build)
    monkeypatch.setattr(provider_module, "build", slow)

    def close() -> None:
        if way == "close":
            provider.close()
        else:
            asyncio.run(provider.aclose())

    with ThreadPoolExecutor(2) as pool:
        building = pool.submit(lambda: provider.client)
        assert slow.making.wait(30)
        closing = pool.submit(close)
        with pytest.raises(TimeoutError):
            closing.result(0.1)
        slow.go.set()
        closing.result(30)
        assert building.result(30).is_closed()


def test_started_once_by_many(provider: ClientProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads that start a closed provider at the same time start it once: what one let in counts for all."""
    provider.close()
    slow = Slow(provider_module.new_gate)
    monkeypatch.setattr(provider_module, "new_gate", slow)
    with ThreadPoolExecutor(8) as pool:
        starting = [pool.submit(provider.start) for _ in range(8)]
        assert slow.making.wait(30)
        slow.go.set()
        for started in starting:
            started.result(30)
    assert [provider._gate] == slow.made
    assert provider.state == "open"


class Unclosable:
    """A client that cannot be closed."""

    def __init__(self, **options: Any) -> None:
        self.options = options

    def close(self) -> None:
        """Fail."""
        raise LookupError("no way")


@pytest.mark.parametrize("way", ["close", "aclose"])
def test_client_that_cannot_be_closed(
    ai_client_upstream: Upstream, caplog: pytest.LogCaptureFixture, way: str
) -> None:
    """A client that fails to close is logged, and keeps neither the others nor the end itself from being closed."""
    options = {"base_url": ai_client_upstream.base_url, "api_key": "any"}
    provider = ClientProvider({**options, "client_class": Unclosable}, aliases={"other": options})
    assert provider.client
    other, async_client = provider["other"].client, provider["other"].async_client
    if way == "close":
        provider.close()
    else:
        asyncio.run(provider.aclose())
    assert provider.state == "closed"
    assert other.is_closed()
    assert async_client.is_closed()
    assert "An AI client could not be closed." in caplog.text


def test_fakes_go_in_any_order(provider: ClientProvider) -> None:
    """Of fakes that overlap the latest is given; each goes with its own block, whichever ends first."""
    real = provider.client
    first, second = provider.override("first"), provider.override("second")
    first.__enter__()
    second.__enter__()
    assert provider.client == "second"
    first.__exit__(None, None, None)
    assert provider.client == "second"
    second.__exit__(None, None, None)
    assert provider.client is real


def test_child_of_a_closed_provider_can_be_started(provider: ClientProvider) -> None:
    """A forked child of a closed provider takes no calls, is closed at once, and can be started again."""
    assert ask(provider.client)
    provider.close()

    def good() -> bool:
        with pytest.raises(ClientClosedError):
            _ = provider.client
        provider.close()
        return provider.state == "closed" and bool(ask(provider.start().client))

    assert exit_code_of_child(good) == 0
