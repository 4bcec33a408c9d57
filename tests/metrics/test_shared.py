"""Metrics of processes that share a store, and of several providers."""

from pathlib import Path
from typing import Any

import pytest

from ai_client import ClientProvider, labels
from ai_client.errors import StoreError
from ai_client.metrics import MetricsPage
from ai_client.testing import Upstream
from tests.support.collector import Collector
from tests.support.metrics import Scraped, ask


def scraped(provider: ClientProvider) -> Scraped:
    """Return what Prometheus reads of a provider."""
    return Scraped(MetricsPage(public=True).answer(provider).body.decode())


def shared(upstream: Upstream, file: Path, **metrics: Any) -> ClientProvider:
    """Return a provider, as each process has one, whose store is a file."""
    controls = {"metrics": metrics or True, "cost": True, "store": f"sqlite:///{file}"}
    return ClientProvider(base_url=upstream.base_url, api_key="sk-test", controls=controls)


def test_each_shows_what_all_have_counted(upstream: Upstream, tmp_path: Path) -> None:
    """Whoever is asked shows the calls of all that share the store, and what those are at that are not closed."""
    one, other = (shared(upstream, tmp_path / "store.db") for _ in range(2))
    for provider in (one, other, other):
        ask(provider)
    other["default"]._assembly.layers()[0].metrics.shared._store.recording.write()
    page = scraped(one)
    assert page.total("ai_client_calls_total", outcome="ok") == 3
    assert page.total("ai_client_attempts_total") == 3
    assert page.total("ai_client_processes") == 2
    assert page.total("ai_client_clients_alive", kind="sync") == 2
    assert page.total("ai_client_clients_built_total") == 2
    assert page.total("ai_client_connections_opened_total") == 2
    assert page.total("ai_client_store_up") == 1
    other.close()
    page = scraped(one)
    assert page.total("ai_client_processes") == 1
    assert page.total("ai_client_clients_alive") == 1
    assert page.total("ai_client_calls_total") == 3
    one.close()
    assert scraped(shared(upstream, tmp_path / "store.db")).total("ai_client_calls_total") == 3


def test_series_are_bounded_over_all_processes(upstream: Upstream, tmp_path: Path) -> None:
    """Processes together tell no more series apart than one may, but for what each of them has begun at once."""
    page = Scraped("")
    for number in range(4):
        provider = shared(upstream, tmp_path / "store.db", max_series=3)
        for tenant in (f"{number}-a", f"{number}-b"):
            with labels(tenant=tenant):
                ask(provider)
        page = scraped(provider)
        provider.close()
    by_tenant = page.by("ai_client_calls_total", "tenant")
    assert sum(by_tenant.values()) == 8
    assert len(by_tenant) == 4
    assert by_tenant["other",] == 5


def test_other_labels_begin_anew(upstream: Upstream, tmp_path: Path) -> None:
    """A store that holds counts by other labels, as after a deployment that changes them, shows those by its own."""
    for number, names in enumerate((["endpoint", "model"], ["model"], ["model", "endpoint"], ["model"])):
        provider = shared(upstream, tmp_path / "store.db", labels=names)
        with labels(endpoint="/ask"):
            ask(provider)
        page = scraped(provider)
        assert page.by("ai_client_calls_total", "model") == {("gpt-5.5",): 2 if number == 3 else 1}
        provider.close()


def test_names_keep_applications_apart(upstream: Upstream, tmp_path: Path) -> None:
    """Applications with names of their own share a store and no figure."""
    one = shared(upstream, tmp_path / "store.db", name="one")
    other = shared(upstream, tmp_path / "store.db", name="other")
    ask(one)
    assert scraped(other).total("ai_client_calls_total") == 0
    assert scraped(one).total("ai_client_calls_total") == 1
    one.close()
    other.close()


def test_without_its_store_a_page_shows_no_counts(
    upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the store is down the page says so and shows no counts, which would seem to have gone back."""
    provider = shared(upstream, tmp_path / "store.db")
    ask(provider)

    def fail(*_: object) -> Any:
        raise StoreError("It is down.")

    backend = provider["default"]._assembly.layers()[0].metrics.store.backend
    with monkeypatch.context() as patched:
        patched.setattr(backend, "sums", fail)
        page = scraped(provider)
    assert page.total("ai_client_store_up") == 0
    assert not page.by("ai_client_calls_total", "outcome")
    assert page.total("ai_client_clients_alive") == 1
    monkeypatch.setattr("ai_client.stores.shared.PAUSE", 0.0)
    provider.close()


def test_opentelemetry_observes_what_histograms_do_not_have(upstream: Upstream) -> None:
    """Gauges and counts are observed beside the histograms of `telemetry`, until the provider is closed."""
    collector = Collector()
    controls = {"metrics": True, "telemetry": collector.telemetry(), "cache": {"scope": "all"}}
    providers = [
        ClientProvider(base_url=upstream.base_url, api_key="sk-test", controls=controls) for _ in range(2)
    ]
    for provider in providers:
        for _ in range(2):
            ask(provider, seed=1)
    found = collector.metrics()
    assert {point.value for point in found["ai_client.clients.alive"]} == {2}
    assert {point.value for point in found["ai_client.connections.opened"]} == {2}
    assert sum(point.value for point in found["ai_client.attempts"]) == 2
    hits = {point.attributes["ai_client.cache"]: point.value for point in found["ai_client.cache.calls"]}
    assert hits == {"miss": 2, "hit": 2}
    assert sum(point.count for point in found["gen_ai.client.operation.duration"]) == 4
    for provider in providers:
        provider.close()
    assert not collector.metrics().get("ai_client.clients.alive")
    collector.close()


def test_each_meter_provider_observes_its_own_clients(upstream: Upstream) -> None:
    """Of clients with meter providers of their own, be it aliases or providers, each one's figures are at its own."""
    collectors = [Collector() for _ in range(3)]
    options: list[dict[str, Any]] = [
        {
            "base_url": upstream.base_url,
            "api_key": "sk-test",
            "controls": {"metrics": True, "telemetry": collector.telemetry()},
        }
        for collector in collectors
    ]
    provider, other = ClientProvider(options[0], aliases={"more": options[1]}), ClientProvider(options[2])
    for number, one in enumerate((provider, provider["more"], other), 1):
        for _ in range(number):
            ask(one)
    for number, collector in enumerate(collectors, 1):
        found = collector.metrics()
        assert [point.value for point in found["ai_client.attempts"]] == [number]
        assert [point.value for point in found["ai_client.clients.alive"]] == [1]
        collector.close()
    provider.close()
    other.close()


@pytest.mark.parametrize("alias", ["default", "other"])
def test_aliases_count_apart(upstream: Upstream, alias: str) -> None:
    """Calls of each alias count under its name, in one page."""
    options = {"base_url": upstream.base_url, "api_key": "sk-test", "controls": {"metrics": True}}
    provider = ClientProvider(options, aliases={"other": options})
    ask(provider[alias])
    assert scraped(provider).by("ai_client_calls_total", "client") == {(alias,): 1}
    provider.close()


def test_a_closed_provider_opens_its_store_no_more(upstream: Upstream, tmp_path: Path) -> None:
    """After its clients are closed, a process opens the store no more and shows nothing, until it is used again."""
    provider = shared(upstream, tmp_path / "store.db")
    ask(provider)
    metrics = provider["default"]._assembly.layers()[0].metrics
    provider.close()
    assert metrics.shared.tallies() == []
    page = scraped(provider)
    assert metrics.shared.own is None
    assert page.total("ai_client_clients_alive") == 0
    ask(provider.start())
    page = scraped(provider)
    assert page.total("ai_client_calls_total") == 2
    assert page.total("ai_client_clients_built_total") == 2
    provider.close()
