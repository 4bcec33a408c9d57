"""Balances of budgets, and what an operator may change about them."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from ai_client import ClientProvider, labels
from ai_client.errors import ConfigError
from ai_client.operations import BudgetState
from ai_client.testing import Upstream


def remaining(budgets: Any, sync: bool, **options: Any) -> list[BudgetState]:
    """Return balances, read by either side."""
    found: list[BudgetState] = (
        budgets.remaining(**options) if sync else asyncio.run(budgets.aremaining(**options))
    )
    return found


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_a_balance_is_that_of_the_labels(kind: str, sync: bool, upstream: Upstream, tmp_path: Path) -> None:
    """What is left is that of the labels that are given, else of the request being served."""
    controls = {
        "store": "memory://" if kind == "memory" else f"sqlite:///{tmp_path}/store.db",
        "budgets": [{"requests": 5, "per": "total", "scope": "tenant", "name": "plan"}],
    }
    provider = ClientProvider(api_key="k", base_url=upstream.base_url, controls=controls)
    with labels(tenant="acme"):
        provider.client.chat.completions.create(model="m", messages=[{"role": "user", "content": "Hello"}])
        (mine,) = remaining(provider.budgets, sync)
    (other,) = remaining(provider.budgets, sync, tenant="bits")
    provider.close()
    assert (mine.name, mine.scope, mine.limit, mine.used, mine.remaining) == ("plan", "tenant=acme", 5, 1, 4)
    assert (other.scope, other.used, other.remaining, other.resets_at) == ("tenant=bits", 0, 5, None)


def test_without_budgets_there_is_no_balance(sync: bool) -> None:
    """The error of a balance names the control that is missing."""
    with pytest.raises(ConfigError, match="'budgets'"):
        remaining(ClientProvider(api_key="k").budgets, sync)
