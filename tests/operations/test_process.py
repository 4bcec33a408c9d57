"""The clients and connections that a process says it has."""

import asyncio
import os
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from ai_client import ClientProvider, DefaultHttpxClient
from ai_client.operations import ClientState
from ai_client.testing import Upstream
from tests.support.forks import in_child, unannounced

ASK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}


def provider_of(upstream: Upstream, **options: Any) -> ClientProvider:
    """Return a provider of clients that talk to the upstream."""
    return ClientProvider(api_key="k", base_url=upstream.base_url, **options)


async def ask(provider: ClientProvider, times: int) -> None:
    """Make calls one after the other."""
    for _ in range(times):
        await provider.async_client.chat.completions.create(**ASK)


def test_nothing_is_built_by_looking(upstream: Upstream) -> None:
    """A process that has built no client says so, and looking builds none."""
    provider = provider_of(upstream)
    assert (provider.process.pid, provider.process.state) == (os.getpid(), "open")
    assert provider.process.clients == ()
    assert not upstream.connections_opened


def test_connections_are_those_of_the_upstream(upstream: Upstream) -> None:
    """Open, idle and opened connections of a client are those that the upstream counts."""
    provider = provider_of(upstream)
    for _ in range(3):
        provider.client.chat.completions.create(**ASK)
    with provider.client.chat.completions.create(**ASK, stream=True):
        (state,) = provider.process.clients
        assert (state.alias, state.kind, state.client) == ("default", "sync", "ai_client.OpenAI")
        assert (state.built, state.alive) == (1, 1)
        assert (state.open, state.idle, state.in_use, state.waiting, state.opened) == (1, 0, 1, 0, 1)
    assert upstream.connections_opened == 1
    provider.close()
    (state,) = provider.process.clients
    assert (state.built, state.alive, state.open, state.opened) == (1, 0, 0, 1)
    assert provider.process.state == "closed"


def test_counts_go_on_where_a_provider_starts_again(upstream: Upstream) -> None:
    """Clients built and connections opened only grow while a provider is closed and started again."""
    provider = provider_of(upstream)
    for number in range(1, 4):
        provider.start()
        provider.client.chat.completions.create(**ASK)
        (state,) = provider.process.clients
        assert (state.built, state.alive, state.opened) == (number, 1, upstream.connections_opened)
        provider.close()


@pytest.mark.usefixtures("no_loop_left")
def test_connections_of_loops_that_ended_stay_counted(upstream: Upstream) -> None:
    """Connections that were opened in event loops that are gone are counted among those that were opened."""
    provider = provider_of(upstream)
    for _ in range(3):
        asyncio.run(ask(provider, 2))
    (state,) = provider.process.clients
    assert (state.kind, state.opened) == ("async", upstream.connections_opened)
    provider.close()


def test_connections_of_another_http_client_are_unknown(upstream: Upstream) -> None:
    """What an HTTP client of the application's does not show is unknown, and what one over our pool has is known."""
    with httpx.Client() as theirs, DefaultHttpxClient() as ours:
        for client, known in ((theirs, None), (ours, 1)):
            provider = provider_of(upstream, http_client=client)
            provider.client.chat.completions.create(**ASK)
            (state,) = provider.process.clients
            assert (state.alive, state.open, state.opened) == (1, known, known)
            provider.close()


@pytest.mark.parametrize("fork", [os.fork, unannounced])
def test_a_child_counts_its_own(fork: Callable[[], int], upstream: Upstream) -> None:
    """A forked child says that it has built nothing, and its parent says what it said before."""
    provider = provider_of(upstream)
    provider.client.chat.completions.create(**ASK)
    before = provider.process

    def child() -> bool:
        first = provider.process
        provider.client.chat.completions.create(**ASK)
        (state,) = provider.process.clients
        figures = (state.built, state.alive, state.opened)
        return first.clients == () and first.pid == os.getpid() != before.pid and figures == (1, 1, 1)

    assert in_child(child, fork)
    assert provider.process == before
    provider.close()


def test_a_fallback_has_a_client_of_its_own(upstream: Upstream) -> None:
    """The client that a chain names by its options is shown with its name."""
    spare = {"api_key": "k", "base_url": upstream.base_url}
    controls = {"fallback": {"clients": {"spare": spare}}, "models": {"m": ["spare/m"]}}
    provider = provider_of(upstream, controls=controls)
    provider.client.chat.completions.create(**ASK)
    found: dict[str | None, ClientState] = {one.target: one for one in provider.process.clients}
    provider.close()
    assert [(one.alive, one.opened) for one in (found[None], found["spare"])] == [(1, 0), (1, 1)]
    assert (provider.process.built, provider.process.alive) == (2, 0)
