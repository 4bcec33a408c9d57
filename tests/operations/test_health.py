"""The health of a process."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from ai_client import ClientProvider
from ai_client._io.reading import read
from ai_client.operations.store_probe import StoreProbe
from ai_client.stores.memory import MemoryBackend
from ai_client.stores.shared import SharedStore
from ai_client.testing import Upstream
from tests.support.waiting import until

KEY = "sk-verysecret"
ASK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}


class Hanging(MemoryBackend):
    """A backend on another machine, which does not answer."""

    instant = False

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self.answers = threading.Event()

    def get(self, key: str, now: float) -> bytes | None:
        """Answer once it may."""
        self.asked += 1
        assert self.answers.wait(60)
        return super().get(key, now)


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    """Return a backend that hangs until the test is over."""
    backend = Hanging()
    yield backend
    backend.answers.set()


def checks(provider: ClientProvider, *, sync: bool) -> tuple[str, list[str]]:
    """Return the status and what was found."""
    report = provider.health.ready() if sync else asyncio.run(provider.health.aready())
    return report.status, [each.check for each in report.reasons]


def provider_of(upstream: Upstream, **options: Any) -> ClientProvider:
    """Return a provider of clients of an upstream."""
    return ClientProvider(api_key=KEY, base_url=upstream.base_url, max_retries=0, **options)


@pytest.mark.parametrize("sync", [True, False])
@pytest.mark.parametrize(("on_failure", "status"), [("closed", "unready"), ("open", "degraded")])
def test_store_that_hangs(
    hanging: Hanging, ai_client_upstream: Upstream, sync: bool, on_failure: Any, status: str
) -> None:
    """A store that hangs is asked once, however often probes come, and only where calls need it nobody is served."""
    store = SharedStore(hanging, on_failure=on_failure)
    provider = provider_of(ai_client_upstream, controls={"store": store, "cost": True})
    for _ in range(3):
        assert checks(provider, sync=sync) == (status, ["store"])
    assert hanging.asked == 1
    assert not ai_client_upstream.connections_opened


@pytest.mark.parametrize("sync", [True, False])
def test_store_is_asked_once_a_second(hanging: Hanging, ai_client_upstream: Upstream, sync: bool) -> None:
    """Probes in a row share an answer of the store."""
    hanging.answers.set()
    store = SharedStore(hanging, on_failure="closed")
    provider = provider_of(ai_client_upstream, controls={"store": store, "cost": True})
    assert checks(provider, sync=sync) == ("ready", [])
    asked = [provider.health.ready().status for _ in range(100)]
    assert set(asked) == {"ready"}
    assert hanging.asked < 50


def test_calls_that_wait_for_connections(ai_client_upstream: Upstream) -> None:
    """A pool with as many calls in its queue as connections is not ready; the process lives, and recovers."""
    provider = provider_of(ai_client_upstream, max_connections=1)
    ai_client_upstream.reply(never=True)
    failures: list[BaseException] = []

    def ask() -> None:
        try:
            provider.client.chat.completions.create(**ASK)
        except Exception as error:  # noqa: BLE001 - the end of the provider ends it
            failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        until(lambda: provider.health.ready().status == "unready")
        assert [each.check for each in provider.health.ready().reasons] == ["pool"]
        assert provider.health.live().status == "live"
    finally:
        provider._gate.hurry(now=True)
        provider.close()
        for thread in threads:
            thread.join()
    assert len(failures) == 2
    assert checks(provider, sync=True) == ("unready", ["drain"])
    assert provider.start().health.ready().status == "ready"
    provider.close()


def test_other_aliases(ai_client_upstream: Upstream, hanging: Hanging) -> None:
    """Trouble of another alias leaves the process ready, and is named."""
    store = SharedStore(hanging, on_failure="closed")
    provider = ClientProvider(
        api_key=KEY,
        base_url=ai_client_upstream.base_url,
        aliases={"eu": {"api_key": KEY, "controls": {"store": store, "cost": True}}},
    )
    report = provider.health.ready()
    assert report.status == "degraded"
    assert [(each.check, each.client) for each in report.reasons] == [("store", "eu")]


def test_open_circuit_whose_time_is_over(ai_client_upstream: Upstream) -> None:
    """Once a trial call may be made the process is ready, as nothing else would close the circuit."""
    breaker = {"failures": 1, "cool_down": 0.001}
    provider = provider_of(ai_client_upstream, controls={"breaker": breaker})
    ai_client_upstream.reply(status=500)
    with pytest.raises(Exception, match="500"):
        provider.client.chat.completions.create(**ASK)
    until(lambda: provider.health.ready().status == "ready")
    provider.close()


def test_one_target_of_a_chain(ai_client_upstream: Upstream) -> None:
    """While one target of a chain is not known to fail the process is ready."""
    controls = {"breaker": {"failures": 1}, "models": {"m": ["m", "n"]}}
    provider = provider_of(ai_client_upstream, controls=controls)
    ai_client_upstream.reply(status=500)
    ai_client_upstream.reply(content="yes")
    provider.client.chat.completions.create(**ASK)
    assert checks(provider, sync=True) == ("ready", [])
    ai_client_upstream.reply(status=500)
    with pytest.raises(Exception, match="500"):
        provider.client.chat.completions.create(**ASK)
    assert checks(provider, sync=True) == ("unready", ["breakers"])
    provider.close()


def test_some_models(ai_client_upstream: Upstream) -> None:
    """Where some models can be asked and others nowhere the process is ready, and says so."""
    controls = {"breaker": {"failures": 1}, "models": {"m": "a", "n": "b"}}
    provider = provider_of(ai_client_upstream, controls=controls)
    ai_client_upstream.reply(status=500)
    with pytest.raises(Exception, match="500"):
        provider.client.chat.completions.create(**ASK)
    assert checks(provider, sync=True) == ("degraded", ["breakers"])
    ai_client_upstream.reply(status=500)
    with pytest.raises(Exception, match="500"):
        provider.client.chat.completions.create(**{**ASK, "model": "n"})
    assert checks(provider, sync=True) == ("unready", ["breakers"])
    provider.close()


def test_one_thread_asks(hanging: Hanging) -> None:
    """One thread asks a store again and again, so that what a backend keeps for a thread is made once."""
    hanging.answers.set()
    asking: set[int] = set()
    get = hanging.get

    def noted(key: str, now: float) -> bytes | None:
        asking.add(threading.get_ident())
        return get(key, now)

    hanging.get = noted  # type: ignore[method-assign]
    probe = StoreProbe(hanging)
    for _ in range(5):
        probe._ended = float("-inf")  # as if the last answer were old
        assert read(probe.answers, 30)
    assert len(asking) == 1
    assert threading.get_ident() not in asking
    assert hanging.asked == 5
