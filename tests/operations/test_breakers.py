"""The circuits of targets, read and reset."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from ai_client import ClientProvider, ConfigError, Credentials, StoreError, labels
from ai_client.stores.memory import MemoryBackend
from ai_client.stores.shared import SharedStore
from ai_client.testing import Upstream
from tests.support.waiting import until

KEY = "sk-verysecret"
ASK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}


class Broken(MemoryBackend):
    """A backend that fails as soon as it is told to."""

    instant = False
    fails = False

    def set(self, key: str, value: bytes, expires: float, now: float) -> None:
        """Fail, or keep a value."""
        if self.fails:
            raise StoreError("It is down.")
        super().set(key, value, expires, now)


def provider_of(upstream: Upstream, **options: Any) -> ClientProvider:
    """Return a provider whose circuits open with the first failure."""
    controls = {"breaker": {"failures": 1, **options.pop("breaker", {})}, **options.pop("controls", {})}
    return ClientProvider(
        api_key=KEY, base_url=upstream.base_url, max_retries=0, controls=controls, **options
    )


def fail(provider: ClientProvider, upstream: Upstream) -> None:
    """Make a call that fails."""
    upstream.reply(status=500)
    with pytest.raises(Exception, match="500"):
        provider.client.chat.completions.create(**ASK)


def states(provider: Any, *, sync: bool = True) -> dict[str, str]:
    """Return the state of each target."""
    book = provider.breakers
    return {one.target: one.state for one in (book.states() if sync else asyncio.run(book.astates()))}


@pytest.mark.parametrize("sync", [True, False])
def test_states_and_reset(upstream: Upstream, sync: bool) -> None:
    """The targets of chains are shown before anything is asked; one that is reset is asked again at once."""
    provider = provider_of(upstream, controls={"models": {"m": "n"}})
    assert states(provider, sync=sync) == {"n": "closed"}
    fail(provider, upstream)
    (state,) = provider["default"].breakers.states()
    assert (state.target, state.state, state.account, state.failures) == ("n", "open", None, 1)
    assert state.since is not None
    assert state.until is not None
    assert state.since < state.until
    sent = len(upstream.requests)
    with pytest.raises(Exception, match="failed too often"):
        provider.client.chat.completions.create(**ASK)
    assert len(upstream.requests) == sent
    book = provider.breakers
    assert (book.reset("n") if sync else asyncio.run(book.areset("n"))) == 1
    assert states(provider, sync=sync) == {"n": "closed"}
    provider.client.chat.completions.create(**ASK)
    assert book.reset() == 0
    provider.close()


@pytest.mark.parametrize("sync", [True, False])
def test_processes_that_share_circuits(upstream: Upstream, tmp_path: Path, sync: bool) -> None:
    """A process that asked nothing shows the circuits that others opened, tenants' too, and closes them for all."""
    controls = {"store": f"sqlite:///{tmp_path / 'store.db'}"}
    accounts = {"acme": Credentials("sk-acme-0123456789abcdef")}
    options: dict[str, Any] = {"controls": controls, "breaker": {"failures": 1, "shared": True}}
    one, other = (
        provider_of(upstream, credentials=lambda found: accounts.get(found.tenant), **options)
        for _ in range(2)
    )
    fail(one, upstream)
    with labels(tenant="acme"):
        fail(one, upstream)
    found = other.breakers.states()
    assert [(state.target, state.state, state.shared) for state in found] == [("m", "open", True)] * 2
    assert sorted(state.account is None for state in found) == [False, True]
    assert "sk-acme" not in repr(found)
    book = other.breakers
    assert (book.reset("m") if sync else asyncio.run(book.areset("m"))) == 2
    assert {state.state for state in one.breakers.states()} == {"closed"}
    one.client.chat.completions.create(**ASK)
    with labels(tenant="acme"):
        one.client.chat.completions.create(**ASK)
    for provider in (one, other):
        provider.close()


def test_a_process_learns_by_itself(upstream: Upstream, tmp_path: Path) -> None:
    """A circuit that another process reset is asked again without anything being read here but by calls."""
    options: dict[str, Any] = {
        "controls": {"store": f"sqlite:///{tmp_path / 'store.db'}"},
        "breaker": {"failures": 1, "shared": True, "cool_down": 600},
    }
    one, other = provider_of(upstream, **options), provider_of(upstream, **options)
    fail(one, upstream)
    other.breakers.reset()

    def is_asked() -> bool:
        try:
            one.client.chat.completions.create(**ASK)
        except Exception as error:  # noqa: BLE001
            assert "failed too often" in str(error)  # noqa: PT017
            return False
        return True

    until(is_asked)
    for provider in (one, other):
        provider.close()


def test_a_clock_that_is_ahead(upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A circuit that a host opened whose clock is half a minute ahead is closed all the same."""
    options: dict[str, Any] = {
        "controls": {"store": f"sqlite:///{tmp_path / 'store.db'}"},
        "breaker": {"failures": 1, "shared": True},
    }
    one, other = provider_of(upstream, **options), provider_of(upstream, **options)
    from ai_client._io import SyncIO

    with monkeypatch.context() as patch:
        now = SyncIO.now
        patch.setattr(SyncIO, "now", lambda io: now(io) + 30)
        fail(one, upstream)
    assert other.breakers.reset() == 1
    assert states(one) == {"m": "closed"}
    for provider in (one, other):
        provider.close()


@pytest.mark.parametrize("on_failure", ["open", "closed"])
def test_a_store_that_is_down(upstream: Upstream, on_failure: Any) -> None:
    """A reset that others do not learn of fails, whatever calls do while the store is down."""
    backend = Broken()
    store = SharedStore(backend, on_failure=on_failure)
    provider = provider_of(upstream, controls={"store": store}, breaker={"failures": 1, "shared": True})
    fail(provider, upstream)
    backend.fails = True
    with pytest.raises(StoreError):
        provider.breakers.reset()
    with pytest.raises(StoreError):
        asyncio.run(provider.breakers.areset("m"))
    provider.close()


def test_what_calls_under_way_find_out(upstream: Upstream) -> None:
    """The failure of a call that was sent before a reset does not open the circuit again."""
    provider = provider_of(upstream)
    (policy,) = (one for one in provider["default"]._assembly.layers() if hasattr(one, "breaker"))
    permission = policy.breaker.admit("m", 0.0)
    fail(provider, upstream)
    provider.breakers.reset()
    assert not policy.breaker.failed(permission, 1.0)
    assert states(provider) == {"m": "closed"}
    provider.close()


def test_targets_that_nobody_knows(upstream: Upstream) -> None:
    """A reset of an unknown target names the nearest one; without a breaker the error names the control."""
    provider = provider_of(upstream, controls={"models": {"m": ["eu-model", "us-model"]}})
    with pytest.raises(ConfigError, match="Did you mean 'eu-model'"):
        provider.breakers.reset("eu-modl")
    for controls in ({}, {"breaker": False, "models": {"m": "n"}}):
        with pytest.raises(ConfigError, match="no 'breaker'"):
            ClientProvider(api_key=KEY, controls=controls).breakers.states()
