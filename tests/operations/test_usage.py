"""Reports on usage: whose stores they cover, in which time zone, and what they refuse."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ai_client import ClientProvider, labels
from ai_client.errors import ConfigError
from ai_client.operations import UsageRow
from ai_client.testing import Upstream

PRICES = {"m": {"input": 1.0, "output": 2.0}}
Report = Callable[..., list[UsageRow]]


def ask(provider: ClientProvider, alias: str = "default", tenant: str = "acme") -> None:
    """Make a call for a tenant."""
    with labels(endpoint="/ask", tenant=tenant):
        provider[alias].client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "Hello"}]
        )


def reported(usage: Any, sync: bool, *args: Any, **options: Any) -> list[UsageRow]:
    """Return a report, read by either side."""
    found: list[UsageRow] = (
        usage.report(*args, **options) if sync else asyncio.run(usage.areport(*args, **options))
    )
    return found


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_a_report_counts_what_was_called(kind: str, sync: bool, upstream: Upstream, tmp_path: Path) -> None:
    """Calls, tokens and USD of each tenant are those of the calls that were made for it."""
    store = "memory://" if kind == "memory" else f"sqlite:///{tmp_path}/store.db"
    provider = ClientProvider(
        api_key="k", base_url=upstream.base_url, controls={"store": store, "cost": True, "prices": PRICES}
    )
    for tenant in ("acme", "acme", "bits"):
        ask(provider, tenant=tenant)
    rows = reported(provider.usage, sync, by=["tenant"])
    provider.close()
    assert [(row.labels, row.calls) for row in rows] == [({"tenant": "acme"}, 2), ({"tenant": "bits"}, 1)]
    for row in rows:
        assert row.nano_usd == row.input_tokens * 1000 + row.output_tokens * 2000
        assert row.usd == row.nano_usd / 1e9


def test_a_shared_store_counts_once(sync: bool, upstream: Upstream, tmp_path: Path) -> None:
    """Two aliases with one file count once for the provider, two with memories of their own count together."""
    for address, each in ((f"sqlite:///{tmp_path}/store.db", 2), ("memory://", 1)):
        options = {
            "api_key": "k",
            "base_url": upstream.base_url,
            "controls": {"store": address, "cost": True},
        }
        provider = ClientProvider(options, aliases={"other": options})
        ask(provider)
        ask(provider, "other")
        assert reported(provider.usage, sync)[0].calls == 2
        assert reported(provider["other"].usage, sync)[0].calls == each
        provider.close()


def test_without_cost_there_is_no_report(sync: bool) -> None:
    """The error of a report names the control that is missing."""
    with pytest.raises(ConfigError, match="'cost'"):
        reported(ClientProvider(api_key="k").usage, sync)
