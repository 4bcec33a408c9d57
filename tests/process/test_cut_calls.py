"""What calls that are cut off at the end of an application may have cost."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ai_client import AsyncOpenAI, ClientClosedError, ClientProvider, OpenAI
from ai_client.control.accounting.cost import Cost
from ai_client.stores import Ledger, open_store
from ai_client.testing import Upstream
from tests.process.test_drain import ASK
from tests.support.accounts import held
from tests.support.invoke import CHAT
from tests.support.spender import PRICES
from tests.support.waiting import until

pytestmark = pytest.mark.usefixtures("no_loop_left")


class Counted:
    """Providers whose calls are counted in one store, at an upstream that never answers."""

    def __init__(self, upstream: Upstream) -> None:
        self.store = open_store()
        self._url = upstream.base_url
        self.made: list[ClientProvider] = []

    def provider(self, controls: dict[str, Any] | None = None, **options: Any) -> ClientProvider:
        """Make a provider that cuts calls off soon."""
        counted = {"store": self.store, "budgets": [{"tokens": 10**6, "per": "total"}], "cost": True}
        given = {"base_url": self._url, "api_key": "any", "shutdown_timeout": 0.1, "max_retries": 0}
        provider = ClientProvider({**given, **options, "controls": {**counted, **(controls or {})}})
        self.made.append(provider)
        return provider

    @property
    def calls(self) -> list[tuple[int, int]]:
        """How many calls were counted, and how many of them without a price, by row."""
        return [(row.calls, row.unpriced) for row in Cost(PRICES, self.store).report()]

    @property
    def tokens(self) -> Ledger:
        """The tokens used, and those reserved."""
        return held(self.store, "tokens")


@pytest.fixture
def counted(ai_client_upstream: Upstream) -> Iterator[Counted]:
    """Yield what makes providers; they are closed after the test."""
    ai_client_upstream.always(never=True)
    counted = Counted(ai_client_upstream)
    yield counted
    for provider in counted.made:
        provider.close()


@pytest.mark.parametrize("way", ASK)
@pytest.mark.parametrize("chain", ["none", "built", "given"])
def test_a_call_that_is_cut_counts_as_it_was_reserved(
    counted: Counted, ai_client_upstream: Upstream, way: str, chain: str
) -> None:
    """A call that was sent and is cut off, over whichever connections, may be billed: what it reserved is spent."""
    options: dict[str, Any] = {"base_url": ai_client_upstream.base_url, "api_key": "any", "max_retries": 0}
    given = OpenAI(**options), AsyncOpenAI(**options)
    clients = {"built": options, "given": lambda sync: given[0] if sync else given[1]}
    controls = {
        "models": {CHAT["model"]: ["other/m"]},
        "fallback": {"clients": {"other": clients.get(chain)}},
    }
    provider = counted.provider(None if chain == "none" else controls)
    if chain == "given" and way == "sync":
        pytest.skip("a thread that waits for another client's head cannot be woken")
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(ASK[way], provider)
        ai_client_upstream.wait_for(lambda: ai_client_upstream.in_flight == 1)
        reserved = counted.tokens.held
        assert reserved > 0
        provider.close()
        with pytest.raises(ClientClosedError, match="closed while this call was under way"):
            call.result(30)
    assert counted.tokens == Ledger(reserved, 0)
    assert counted.calls == [(1, 1)]
    given[0].close()


@pytest.mark.parametrize("way", ["sync", "bridged"])
def test_a_call_that_is_cut_before_it_was_sent_costs_nothing(
    counted: Counted, ai_client_upstream: Upstream, way: str
) -> None:
    """A call that still waits for a connection when it is cut off was never sent, and is not counted."""
    provider = counted.provider(max_connections=1)
    with ThreadPoolExecutor(2) as pool:
        calls = [pool.submit(ASK[way], provider)]
        ai_client_upstream.wait_for(lambda: ai_client_upstream.in_flight == 1)
        reserved = counted.tokens.held
        calls.append(pool.submit(ASK[way], provider))
        until(lambda: counted.tokens.held == 2 * reserved)
        provider.close()
        for call in calls:
            with pytest.raises(ClientClosedError):
                call.result(30)
    assert len(ai_client_upstream.requests) == 1
    assert counted.tokens == Ledger(reserved, 0)
    assert counted.calls == [(1, 1)]
