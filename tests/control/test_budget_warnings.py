"""Warnings of budgets, of which all processes that share a store give one."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ai_client import OpenAI, StoreError, labels
from ai_client.control.accounting.budget import Budget, Budgets, BudgetWarning
from ai_client.stores import Store, open_store
from ai_client.stores.memory import MemoryBackend
from ai_client.stores.shared import SharedStore
from ai_client.testing import Upstream
from tests.support.accounts import chat_reply
from tests.support.forks import in_child
from tests.support.invoke import CHAT, Invoke
from tests.support.policies import Clock


@pytest.fixture(params=["memory", "sqlite"])
def store_of_all(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Yield a store for what stands for several processes."""
    with closing(
        open_store({"memory": "memory://", "sqlite": f"sqlite:///{tmp_path}/s.db"}[request.param])
    ) as store:
        yield store


class Forgetful(MemoryBackend):
    """A backend that fails to note warnings."""

    instant = False
    failed = 0

    def settle(self, ticket: str, spends: Any, *args: Any, **options: Any) -> Any:
        """Settle, but for warnings."""
        if any(spend.key.startswith("warned|") for spend in spends):
            self.failed += 1
            raise StoreError("down")
        return super().settle(ticket, spends, *args, **options)


def test_one_process_warns_for_all(
    invoke: Invoke, upstream: Upstream, clock: Clock, store_of_all: Store
) -> None:
    """Of all processes that share a store one warns of a budget, once a window for each of the two marks and scope."""
    upstream.always(chat_reply)
    heard: list[tuple[str, float]] = []

    def process() -> Any:
        budget = Budget(
            tokens=100,
            hard=False,
            warn_at=0.5,
            scope="tenant",
            on_warning=lambda warning: heard.append((warning.scope, warning.used)),
        )
        client = invoke.client(layers=[Budgets([budget], store_of_all)])
        client.io.now = clock
        return client

    clients = [process() for _ in range(4)]
    for _ in range(2):
        heard.clear()
        for tenant in ("a", "b"):
            with labels(tenant=tenant):
                for client in clients:
                    invoke.chat(client)
        assert heard == [("tenant=a", 50), ("tenant=a", 100), ("tenant=b", 50), ("tenant=b", 100)]
        clock.now += 86_400


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_child_warns_of_its_own_budget(upstream: Upstream) -> None:
    """A forked process that counts by itself warns by itself, whatever its parent has warned of."""
    upstream.always(chat_reply)
    heard: list[BudgetWarning] = []
    budget = Budget(tokens=50, hard=False, per="total", on_warning=heard.append)
    layers = [Budgets([budget], open_store())]

    def warns() -> bool:
        heard.clear()
        with OpenAI(base_url=upstream.base_url, api_key="any", layers=layers) as client:
            client.chat.completions.create(**CHAT)
        return len(heard) == 1

    assert warns()
    assert in_child(warns)


def test_a_store_that_goes_down_silences_no_warning(invoke: Invoke, upstream: Upstream) -> None:
    """Where the store does not say whether another process has warned, this one does."""
    upstream.always(chat_reply)
    heard: list[BudgetWarning] = []
    backend = Forgetful()
    store = SharedStore(backend, on_failure="closed")
    budget = Budget(tokens=50, hard=False, on_warning=heard.append)
    invoke.chat(invoke.client(layers=[Budgets([budget], store)]))
    assert len(heard) == 1
    assert backend.failed
