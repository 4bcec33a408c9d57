"""A client that a provider owns is closed by the provider only."""

import asyncio
import contextlib
import copy
import gc
import logging
import os
import warnings
import weakref
from collections.abc import Callable, Iterator
from typing import Any, Self

import openai
import pytest

import ai_client
from ai_client import AsyncOpenAI, BlockingCallWarning, ClientClosedError, ClientProvider, OpenAI
from ai_client.testing import Upstream
from tests.support.invoke import CHAT

pytestmark = pytest.mark.usefixtures("no_loop_left")


class Derived(openai.OpenAI):
    """A class derived from the official one."""


class AsyncDerived(openai.AsyncOpenAI):
    """Its async counterpart."""


class Ending(openai.OpenAI):
    """A class that ends more than its HTTP client."""

    ended = False

    def close(self) -> None:
        """Close and note it."""
        self.ended = True
        super().close()


class AsyncEnding(openai.AsyncOpenAI):
    """Its async counterpart."""

    ended = False

    async def close(self) -> None:
        """Close and note it."""
        self.ended = True
        await super().close()


class Leaving(openai.OpenAI):
    """A class that closes where a block is left, without its own `close`."""

    def __exit__(self, *exc: object) -> None:
        self._client.close()


class AsyncLeaving(openai.AsyncOpenAI):
    """Its async counterpart."""

    async def __aexit__(self, *exc: object) -> None:
        await self._client.aclose()


class Unrelated:
    """A class of no SDK, which cannot be derived from."""

    __slots__ = ("__weakref__", "_client", "chat", "models")

    def __init__(self, **options: Any) -> None:
        self._client = openai.OpenAI(**options)
        self.chat = self._client.chat

    def __init_subclass__(cls) -> None:
        raise TypeError("This class is final.")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __len__(self) -> int:
        return 7

    def close(self) -> None:
        """Close the client."""
        self._client.close()

    def is_closed(self) -> bool:
        """Return whether it is closed."""
        return self._client.is_closed()

    def with_options(self, **options: Any) -> Any:
        """Return a copy over the same connections."""
        new = object.__new__(Unrelated)
        new._client = self._client.with_options(**options)
        new.chat = new._client.chat
        return new


class AsyncUnrelated:
    """Its async counterpart, which has no more than `aclose`."""

    def __init__(self, **options: Any) -> None:
        self._client = openai.AsyncOpenAI(**options)
        self.chat = self._client.chat

    def __init_subclass__(cls) -> None:
        raise TypeError("This class is final.")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the client."""
        await self._client.close()

    def is_closed(self) -> bool:
        """Return whether it is closed."""
        return self._client.is_closed()

    def with_options(self, **options: Any) -> Any:
        """Return a copy over the same connections."""
        new = object.__new__(AsyncUnrelated)
        new._client = self._client.with_options(**options)
        new.chat = new._client.chat
        return new


def made(**options: Any) -> openai.OpenAI:
    """Make an official client over an HTTP client of its own."""
    return openai.OpenAI(http_client=openai.DefaultHttpxClient(), **options)


def made_async(**options: Any) -> openai.AsyncOpenAI:
    """Make an official async client over an HTTP client of its own."""
    return openai.AsyncOpenAI(http_client=openai.DefaultAsyncHttpxClient(), **options)


KINDS: dict[str, tuple[Callable[..., Any] | None, Callable[..., Any] | None]] = {
    "ours": (None, None),
    "ours as a class": (ai_client.OpenAI, ai_client.AsyncOpenAI),
    "official": (openai.OpenAI, openai.AsyncOpenAI),
    "derived": (Derived, AsyncDerived),
    "derived with its own close": (Ending, AsyncEnding),
    "derived with its own exit": (Leaving, AsyncLeaving),
    "of no SDK": (Unrelated, AsyncUnrelated),
    "function": (made, made_async),
}


@pytest.fixture(params=KINDS, ids=[kind.replace(" ", "_") for kind in KINDS])
def provider(request: pytest.FixtureRequest, ai_client_upstream: Upstream) -> Iterator[ClientProvider]:
    """Yield a provider of each kind of client, and close it."""
    sync, async_ = KINDS[request.param]
    options = {"base_url": ai_client_upstream.base_url, "api_key": "any", "max_retries": 0}
    if sync is not None:
        options |= {"client_class": sync, "async_client_class": async_}
    provider = ClientProvider(options)
    yield provider
    provider.close()


@pytest.fixture
def notes(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """Give a function that returns what was logged of attempts to close."""
    caplog.set_level(logging.WARNING, "ai_client")
    return lambda: [
        record.getMessage() for record in caplog.records if "provider closes it" in record.getMessage()
    ]


def ask(client: Any) -> str:
    """Make one sync call."""
    return client.chat.completions.create(**CHAT).choices[0].message.content or ""


async def ask_async(client: Any) -> str:
    """Make one awaited call."""
    return (await client.chat.completions.create(**CHAT)).choices[0].message.content or ""


def close_of(client: Any) -> Callable[[], Any]:
    """Return the method of a client that closes it."""
    close: Callable[[], Any] = client.close if hasattr(client, "close") else client.aclose
    return close


def by_with(client: Any) -> None:
    """Leave a `with` block of the client."""
    with client as entered:
        assert ask(entered)


def by_close(client: Any) -> None:
    """Call the client's `close`."""
    client.close()


def by_stack(client: Any) -> None:
    """Enter the client into a stack and close that, as containers do."""
    with contextlib.ExitStack() as stack:
        assert ask(stack.enter_context(client))


def by_error(client: Any) -> None:
    """Leave a `with` block by an exception, which has to get out of it."""
    with pytest.raises(LookupError), client:
        raise LookupError


@pytest.mark.parametrize("close", [by_with, by_close, by_stack, by_error])
def test_sync_client_stays_open(
    provider: ClientProvider,
    ai_client_upstream: Upstream,
    notes: Callable[[], list[str]],
    close: Callable[[Any], None],
) -> None:
    """Closing the sync client, in whatever way, does nothing but say so once; only the provider closes it."""
    client = provider.client
    for _ in range(3):
        close(client)
        assert not client.is_closed()
        assert ask(client)
    assert provider.client is client
    assert len(notes()) == 1
    assert ai_client_upstream.connections_opened == 1
    provider.close()
    assert client.is_closed()
    close_of(client)()
    assert len(notes()) == 1
    ai_client_upstream.wait_for(lambda: ai_client_upstream.connections_open == 0)


async def by_async_with(client: Any) -> None:
    """Leave an `async with` block of the client."""
    async with client as entered:
        assert await ask_async(entered)


async def by_async_close(client: Any) -> None:
    """Await the client's `close`."""
    await close_of(client)()


async def by_async_stack(client: Any) -> None:
    """Enter the client into a stack and close that, as containers do."""
    async with contextlib.AsyncExitStack() as stack:
        assert await ask_async(await stack.enter_async_context(client))


async def by_async_error(client: Any) -> None:
    """Leave an `async with` block by an exception, which has to get out of it."""
    with pytest.raises(LookupError):
        async with client:
            raise LookupError


@pytest.mark.parametrize("close", [by_async_with, by_async_close, by_async_stack, by_async_error])
@pytest.mark.parametrize("adopted", [True, False], ids=["main loop", "another loop"])
def test_async_client_stays_open(
    provider: ClientProvider,
    ai_client_upstream: Upstream,
    notes: Callable[[], list[str]],
    close: Callable[[Any], Any],
    adopted: bool,
) -> None:
    """Closing the async client, on whatever loop, does nothing but say so once; only the provider closes it."""
    client = provider.async_client

    async def main() -> None:
        if adopted:
            provider.adopt_loop()
        for _ in range(3):
            await close(client)
            assert not client.is_closed()
            assert await ask_async(client)
        assert provider.async_client is client
        assert len(notes()) == 1
        assert ai_client_upstream.connections_opened == 1
        await provider.aclose()
        assert client.is_closed()
        await close_of(client)()

    asyncio.run(main())
    assert len(notes()) == 1
    ai_client_upstream.wait_for(lambda: ai_client_upstream.connections_open == 0)


def test_closing_is_noted_once_a_provider(provider: ClientProvider, notes: Callable[[], list[str]]) -> None:
    """However many clients of a provider are told to close, one note is logged, also after a new start."""
    sync, async_client = provider.client, provider.async_client
    close_of(sync)()
    asyncio.run(by_async_close(async_client))
    provider.close()
    provider.start()
    close_of(provider.client)()
    assert len(notes()) == 1
    assert "sk-" not in notes()[0]


def test_drain_closes_what_was_told_to_close(provider: ClientProvider, ai_client_upstream: Upstream) -> None:
    """A client that somebody tried to close is drained and closed with the others."""
    client = provider.client
    ask(client)
    close_of(client)()
    provider.drain()
    provider.close()
    assert client.is_closed()
    ai_client_upstream.wait_for(lambda: ai_client_upstream.connections_open == 0)


def test_copy_closes_no_connection_of_its_owner(
    provider: ClientProvider, ai_client_upstream: Upstream
) -> None:
    """A copy shares the owner's pool, and closing the copy, in whatever way, leaves the pool open."""
    for _ in range(3):
        for close in (by_with, by_close, by_stack):
            copied: Any = provider.client.with_options(timeout=30)
            assert ask(copied)
            close(copied)
            assert ask(provider.client)
            assert ask(provider.client.with_options(max_retries=1))
    assert ai_client_upstream.connections_opened == 1


def test_async_copy_closes_no_connection_of_its_owner(
    provider: ClientProvider, ai_client_upstream: Upstream
) -> None:
    """An async copy shares the owner's pool, and closing the copy leaves the pool open."""

    async def main() -> None:
        provider.adopt_loop()
        for close in (by_async_with, by_async_close, by_async_stack):
            copied: Any = provider.async_client.with_options(timeout=30)
            assert await ask_async(copied)
            await close(copied)
            assert await ask_async(provider.async_client)
            assert await ask_async(provider.async_client.with_options(max_retries=1))
        await provider.aclose()

    asyncio.run(main())
    assert ai_client_upstream.connections_opened == 1


def test_closed_copy_takes_no_calls(ai_client_upstream: Upstream, notes: Callable[[], list[str]]) -> None:
    """A copy of one of our clients belongs to who made it: closing it ends the copy alone, without a note."""
    provider = ClientProvider({"base_url": ai_client_upstream.base_url, "api_key": "any"})
    copied = provider.client.with_options(timeout=30)
    copied.close()
    with pytest.raises(ClientClosedError):
        ask(copied)
    async_copy = provider.async_client.copy()
    asyncio.run(by_async_close(async_copy))
    with pytest.raises(ClientClosedError):
        asyncio.run(ask_async(async_copy))
    assert ask(provider.client)
    assert asyncio.run(ask_async(provider.async_client))
    assert not notes()
    provider.close()


def test_copy_over_another_http_client_closes_that(ai_client_upstream: Upstream) -> None:
    """A copy of an official client over an HTTP client that the caller gives closes that one, as ever."""
    options = {"base_url": ai_client_upstream.base_url, "api_key": "any"}
    for make in (openai.OpenAI, Ending):
        provider = ClientProvider({**options, "client_class": make})
        given = openai.DefaultHttpxClient()
        with provider.client.with_options(http_client=given) as copied:
            assert ask(copied)
        assert given.is_closed
        assert ask(provider.client)
        provider.close()


def test_collected_copies_close_nothing(provider: ClientProvider, ai_client_upstream: Upstream) -> None:
    """What is collected of copies and of references to a client closes no connection of the provider."""

    async def main() -> None:
        provider.adopt_loop()
        for _ in range(3):
            assert ask(provider.client.with_options(timeout=30))
            assert await ask_async(provider.async_client.with_options(timeout=30))
            gc.collect()
        assert ask(provider.client)
        assert await ask_async(provider.async_client)
        await provider.aclose()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BlockingCallWarning)
        gc.collect()
        gc.freeze()  # looking through all that other tests left takes seconds, after which httpx connects anew
        try:
            asyncio.run(main())
        finally:
            gc.unfreeze()
    assert {request.connection for request in ai_client_upstream.requests} == {1, 2}


def test_http_client_of_a_setting_stays_open(ai_client_upstream: Upstream) -> None:
    """An HTTP client that a function of the application gives is closed with the provider, and not before."""
    given = openai.DefaultHttpxClient()

    def make(**options: Any) -> openai.OpenAI:
        return openai.OpenAI(http_client=given, **options)

    provider = ClientProvider(
        {"base_url": ai_client_upstream.base_url, "api_key": "any", "client_class": make}
    )
    by_with(provider.client)
    by_close(provider.client.with_options(timeout=3))
    by_close(copy.copy(provider.client))
    assert not given.is_closed
    assert ask(provider.client)
    provider.close()
    assert given.is_closed


def test_aliases_stay_open(ai_client_upstream: Upstream) -> None:
    """The clients of aliases, Azure's among them, stay open like the default ones."""
    options = {"base_url": ai_client_upstream.base_url, "api_key": "any"}
    azure = {"azure_endpoint": ai_client_upstream.base_url, "api_version": "1", "api_key": "any"}
    provider = ClientProvider(options, aliases={"other": options, "azure": azure})
    for alias in ("other", "azure"):
        by_close(provider[alias].client)
        asyncio.run(by_async_close(provider[alias].async_client))
        assert not provider[alias].client.is_closed()
        assert not provider[alias].async_client.is_closed()
    kept = provider["azure"].client, provider["azure"].async_client
    provider.close()
    assert all(client.is_closed() for client in kept)


def test_child_keeps_its_clients_open(provider: ClientProvider) -> None:
    """In a forked child as well, closing a client does nothing, be it the child's or one kept from the parent."""
    kept = provider.client
    assert ask(kept)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            close_of(provider.client)()
            close_of(kept)()
            code = 0 if ask(provider.client) and not provider.client.is_closed() else 1
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert ask(kept)


def test_client_of_the_application_closes_as_ever(
    ai_client_upstream: Upstream, notes: Callable[[], list[str]]
) -> None:
    """A client that no provider owns is closed by its own `close` and `with`."""
    with OpenAI(base_url=ai_client_upstream.base_url, api_key="any") as client:
        assert ask(client)
    assert client.is_closed()

    async def main() -> None:
        async with AsyncOpenAI(base_url=ai_client_upstream.base_url, api_key="any") as client:
            assert await ask_async(client)
        assert client.is_closed()

    asyncio.run(main())
    ai_client_upstream.wait_for(lambda: ai_client_upstream.connections_open == 0)
    assert not notes()


def test_instance_that_the_application_keeps_is_not_changed(ai_client_upstream: Upstream) -> None:
    """A client made by a function of the application is left as it is: whoever keeps it can close it."""
    kept = Unrelated(base_url=ai_client_upstream.base_url, api_key="any")
    provider = ClientProvider({"api_key": "any", "client_class": lambda **_: kept})
    by_with(provider.client)
    assert not kept.is_closed()
    assert type(kept) is Unrelated
    kept.close()
    assert kept.is_closed()
    assert provider.client.is_closed()
    provider.close()


def test_classes_are_seen(ai_client_upstream: Upstream) -> None:
    """Clients of other classes pass for what they are: by class, attributes, special methods and equality."""
    options = {"base_url": ai_client_upstream.base_url, "api_key": "any", "max_retries": 0}
    official = ClientProvider({**options, "client_class": openai.OpenAI, "async_client_class": AsyncDerived})
    assert type(official.client) is openai.OpenAI
    assert type(official.async_client) is AsyncDerived
    assert "close" not in vars(official.client)
    ending = ClientProvider({**options, "client_class": Ending, "async_client_class": AsyncEnding})
    client: Any = ending.client
    assert isinstance(client, Ending)
    assert isinstance(client, openai.OpenAI)
    assert isinstance(ending.async_client, AsyncEnding)
    assert client.__class__ is Ending
    assert client == client  # noqa: PLR0124 - equality is the client's
    assert hash(client) == hash(client)
    assert weakref.ref(client)() is client
    client.max_retries = 5
    assert client.max_retries == vars(client)["max_retries"] == 5
    assert {"chat", "close", "max_retries"} <= set(dir(client))
    assert isinstance(client, contextlib.AbstractContextManager)
    assert not isinstance(client, contextlib.AbstractAsyncContextManager)
    assert isinstance(client.with_options(timeout=3), Ending)
    client.close()
    assert not client.ended
    unrelated = ClientProvider({**options, "client_class": Unrelated})
    assert len(unrelated.client) == 7  # type: ignore[arg-type]
    with pytest.raises(AttributeError, match="nothing"):
        _ = unrelated.client.nothing  # type: ignore[attr-defined]
    for provider in (official, ending, unrelated):
        provider.close()
    assert client.ended


def test_shutdown_of_a_class_that_closes_nothing(ai_client_upstream: Upstream) -> None:
    """A class without any way to close is no reason to fail: nobody closes it, the provider either."""

    class Plain:
        def __init__(self, **options: Any) -> None:
            self.options = options

    provider = ClientProvider(
        {"base_url": ai_client_upstream.base_url, "api_key": "any", "client_class": Plain}
    )
    assert not hasattr(provider.client, "close")
    provider.close()
    assert provider.state == "closed"
