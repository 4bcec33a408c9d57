"""Statistics and the journal, asked for any text: each call is found by its labels, and no store fails over one."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from ai_client import ClientProvider, labels
from ai_client.errors import ConfigError
from ai_client.testing import Upstream

TEXTS = ("", "other", "ü€", "a\0b", "half \ud800", "x" * 300, '"q"', "\1a\1", "[1]", "a|b\n")


@pytest.fixture
def provider(upstream: Upstream, store_url: str) -> ClientProvider:
    """Return a provider that keeps both."""
    if store_url.startswith("django-cache:"):
        pytest.skip("keeps no journal")
    controls = {"store": store_url, "statistics": True, "journal": True}
    return ClientProvider(base_url=upstream.base_url, api_key="sk-test", controls=controls)


def test_calls_are_found_by_any_label(provider: ClientProvider) -> None:
    """A call is found by the label that it was made with, however long, and whatever is in it."""
    for text in TEXTS:
        with labels(endpoint=text, tenant=text):
            provider.client.embeddings.create(model="m", input="x")
    for text in TEXTS:
        asked: tuple[dict[str, Any], ...] = (
            {"tenant": text},
            {"endpoint": text},
            {"endpoint": text, "tenant": text},
            {"endpoint": text, "tenant": text, "model": "m"},
        )
        for given in asked:
            report = provider.statistics.report(since=timedelta(hours=1), **given)
            assert (report.totals.calls, len(provider.journal.entries(**given))) == (1, 1), given
    provider.close()


@pytest.mark.parametrize("text", ["", "half \ud800", "\0", "x" * 5000], ids=["empty", "half", "nul", "long"])
def test_no_id_is_beyond_a_store(provider: ClientProvider, text: str) -> None:
    """An id that no entry has is not found; it is no failure of the store."""
    provider.client.embeddings.create(model="m", input="x")
    journal = provider.journal
    assert (journal.entry(text), journal.content(text)) == (None, None)
    journal.entries(before=text)
    assert journal.state().kept == 1
    provider.close()


@pytest.mark.parametrize("value", [5, b"m", ["m"]], ids=["number", "bytes", "list"])
def test_what_is_no_text_is_refused(provider: ClientProvider, value: Any) -> None:
    """Labels and ids that are no text are an error that names them."""
    asked: tuple[Any, ...] = (
        lambda: provider.statistics.report(since=timedelta(hours=1), tenant=value),
        lambda: provider.journal.entries(tenant=value),
        lambda: provider.journal.entries(before=value),
        lambda: provider.journal.entry(value),
        lambda: provider.journal.content(value),
    )
    for ask in asked:
        with pytest.raises(ConfigError, match="must be a text, not"):
            ask()
    provider.close()


@pytest.mark.parametrize(
    "tenant", ["half \ud800", "nul \0", 5, UUID(int=5)], ids=["half", "nul", "number", "uuid"]
)
def test_any_tenant_has_a_budget_and_is_counted(
    upstream: Upstream, store_url: str, tenant: str | int | UUID
) -> None:
    """Whatever a tenant is called, its call counts in its budget and in the report, and no store fails over it."""
    controls = {
        "store": store_url,
        "cost": True,
        "budgets": [{"requests": 5, "per": "day", "scope": "tenant"}],
        "prices": {"m": {"input": 1}},
        "cache": {"scope": "tenant"},
    }
    provider = ClientProvider(base_url=upstream.base_url, api_key="sk-test", controls=controls)
    with labels(tenant=tenant):
        provider.client.embeddings.create(model="m", input="x")
        provider.client.embeddings.create(model="m", input="x")
    assert len(upstream.requests) == 1
    assert [state.used for state in provider.budgets.remaining(tenant=tenant)] == [1]
    (row,) = provider.usage.report(by=["tenant"])
    shown = str(tenant).replace("\ud800", r"\ud800").replace("\0", r"\x00")
    assert (row.labels["tenant"], row.calls) == (shown, 1)
    provider.cache.invalidate(tenant=str(tenant))
    with labels(tenant=tenant):
        provider.client.embeddings.create(model="m", input="x")
    assert len(upstream.requests) == 2
    provider.close()
