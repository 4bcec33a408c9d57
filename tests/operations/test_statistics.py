"""Reports on the calls of a time: exact, complete, by label, and bounded."""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ai_client import ClientProvider, labels
from ai_client.errors import ConfigError, StoreError
from ai_client.operations import CallSums, Histogram, StatisticsReport
from ai_client.testing import Upstream
from tests.support.counting_upstream import counting_upstream
from tests.support.mixed_calls import CONTROLS, call, planned

HOUR = timedelta(hours=1)
MIXED = {**CONTROLS, "telemetry": False, "metrics": False, "statistics": True}


def provider_at(base_url: str, **controls: Any) -> ClientProvider:
    """Return a provider that keeps statistics."""
    return ClientProvider(
        base_url=base_url, api_key="k", max_retries=1, controls={"statistics": True, **controls}
    )


def ask(provider: Any, model: str = "m", *, endpoint: str = "/ask", tenant: str = "acme", **more: Any) -> Any:
    """Make a call with labels."""
    with labels(endpoint=endpoint, tenant=tenant):
        return provider.client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": "Hello"}], **more
        )


def calls(sums: Mapping[str, CallSums]) -> dict[str, int]:
    """Return the calls by the values of a label."""
    return {value: one.calls for value, one in sums.items() if one.calls}


def test_all_figures_agree_with_the_upstream(store_url: str) -> None:
    """After 504 calls of every kind, a report has exactly what the upstream counted, whatever the store."""
    plan = planned(504)
    kinds, tenants = Counter(kind for kind, _, _ in plan), Counter(tenant for _, _, tenant in plan)
    with counting_upstream() as upstream:
        provider = provider_at(upstream.base_url, **MIXED, store=store_url)
        for kind, number, tenant in plan:
            with labels(endpoint="/ask", tenant=tenant):
                call(provider.client, kind, number)
        report = provider.statistics.report(since=HOUR)
        usage = provider.usage.report()[0]
        parts = [provider.statistics.report(since=HOUR, tenant=tenant) for tenant in tenants]
        provider.close()
    total = report.totals
    assert (total.calls, total.errors, total.cancelled) == (504, kinds["bad"], kinds["cut"])
    assert total.errors_by_class == {"BadRequestError": kinds["bad"]}
    statuses: Counter[str] = Counter()
    for (_, status), count in upstream.statuses.items():
        statuses["ok" if status == 200 else str(status)] += count
    assert total.attempts == statuses
    assert total.retries == kinds["again"]
    assert total.cache["hit"] + total.cache["miss"] == kinds["cached"]
    assert (total.duration.count, total.first_item.count) == (504, kinds["streamed"] + kinds["cut"])
    assert (total.nano_usd, total.unpriced) == (usage.nano_usd, 0)
    assert (total.input_tokens, total.output_tokens) == (usage.input_tokens, usage.output_tokens)
    assert calls(report.endpoints) == {"/ask": 504}
    assert calls(report.tenants) == tenants
    assert {name: one.nano_usd for name, one in report.models.items() if one.nano_usd} == {
        name: sum(part.models[name].nano_usd or 0 for part in parts) for name in upstream.input
    }
    assert [part.totals.calls for part in parts] == [*tenants.values()]
    assert sum(point.sums.calls for point in report.points) == 504
    assert sum(point.sums.nano_usd or 0 for point in report.points) == total.nano_usd


LABELS = (("/a", "/b"), ("m", "n"), ("acme", "globex", ""))


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_labels_choose_calls(kind: str, sync: bool, upstream: Upstream, tmp_path: Path) -> None:
    """Any labels, alone or together, choose exactly the calls that have them, in totals, points and by label."""
    store = "memory://" if kind == "memory" else f"sqlite:///{tmp_path}/store.db"
    provider = provider_at(upstream.base_url, store=store)
    made: list[tuple[str, str, str]] = []
    for number, (endpoint, model, tenant) in enumerate(itertools.product(*LABELS)):
        for _ in range(number % 3):
            ask(provider, model, endpoint=endpoint, tenant=tenant)
            made.append((endpoint, model, tenant))
    for choice in itertools.product(*((None, *values, "other one") for values in LABELS)):
        wanted = dict(zip(("endpoint", "model", "tenant"), choice, strict=True))
        book = provider.statistics
        found: StatisticsReport = (
            book.report(since=HOUR, **wanted) if sync else asyncio.run(book.areport(since=HOUR, **wanted))
        )
        chosen = [one for one in made if all(a in {None, b} for a, b in zip(choice, one, strict=True))]
        assert found.totals.ok == found.totals.calls == found.totals.duration.count == len(chosen)
        assert sum(point.sums.calls for point in found.points) == len(chosen)
        for place, sums in enumerate((found.endpoints, found.models, found.tenants)):
            assert calls(sums) == Counter(one[place] for one in chosen), (choice, place)
        assert sum(one.duration.count for one in found.models.values()) == len(chosen)
    provider.close()


def at(provider: ClientProvider, patch: pytest.MonkeyPatch, now: float) -> None:
    """Write what was counted so far, and have it be another time."""
    if provider["default"].present is not None:
        provider.statistics.report(since=HOUR)
    for module in ("ai_client.control.statistics.gathered", "ai_client.operations.statistics"):
        patch.setattr(f"{module}.time", SimpleNamespace(time=lambda: now))


def test_minutes_hours_and_days_follow_each_other(
    upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call counts in the minute, hour and day in which it ends; each report has a point for all of them, in order."""
    midnight = float((int(time.time()) // 86_400 + 2) * 86_400)
    provider = provider_at(upstream.base_url, store=f"sqlite:///{tmp_path}/store.db")
    for seconds in (-90_000, -7201, -61, -1, 1, 1):
        at(provider, monkeypatch, midnight + seconds)
        ask(provider)
    at(provider, monkeypatch, midnight + 60)
    report = provider.statistics.report
    minutes = report(since=timedelta(minutes=3))
    assert [point.sums.calls for point in minutes.points] == [1, 1, 2]
    assert minutes.until == datetime.fromtimestamp(midnight + 60, UTC)
    assert [point.start.minute for point in minutes.points] == [58, 59, 0]
    three_hours = report(since=3 * HOUR)
    assert (three_hours.step, len(three_hours.points)) == (timedelta(minutes=1), 180)
    assert three_hours.totals.calls == 5
    hours = report(since=4 * HOUR)
    assert (hours.step, [point.sums.calls for point in hours.points]) == (HOUR, [0, 1, 0, 2, 2])
    days = report(since=timedelta(days=4))
    assert (days.step, [point.sums.calls for point in days.points]) == (timedelta(days=1), [0, 0, 1, 3, 2])
    past = datetime.fromtimestamp(midnight - 90_000, UTC)
    assert report(since=past, until=past + HOUR / 2).step == HOUR
    assert report(since=past - timedelta(days=90), until=past - timedelta(days=80)).points == ()
    assert report(since=past.replace(tzinfo=None), until=past + HOUR / 2).totals.calls == 1
    provider.close()


@pytest.mark.parametrize(
    ("kept", "step"), [(timedelta(hours=3), timedelta(minutes=1)), (timedelta(days=3), HOUR)]
)
def test_a_report_begins_where_it_is_asked_to(
    upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: timedelta, step: timedelta
) -> None:
    """A report that begins a little before minutes or hours must be kept has its first calls too."""
    now = float((int(time.time()) // 86_400 + 9) * 86_400)
    provider = provider_at(upstream.base_url, store=f"sqlite:///{tmp_path}/store.db")
    since = datetime.fromtimestamp(now, UTC) - kept - step
    for seconds in (1, step.total_seconds() + 1):
        at(provider, monkeypatch, since.timestamp() + seconds)
        ask(provider)
    at(provider, monkeypatch, now)
    report = provider.statistics.report(since=since, until=since + kept / 2)
    provider.close()
    assert (report.since, report.step, report.totals.calls) == (since, step, 2)
    assert [point.sums.calls for point in report.points[:2]] == [1, 1]


@pytest.mark.parametrize(
    "times",
    [
        {"since": timedelta(0)},
        {"since": timedelta(hours=-1)},
        {"since": datetime.now(UTC) + timedelta(days=300)},
        {"since": datetime(2026, 1, 2), "until": datetime(2026, 1, 1)},  # noqa: DTZ001 - without a zone
        {"since": "yesterday"},
        {"since": HOUR, "until": 5},
    ],
)
def test_times_that_make_no_report_are_refused(times: Any) -> None:
    """A time that is empty, lies ahead, or is none, is an error of the configuration's kind."""
    provider = ClientProvider(api_key="k", controls={"statistics": True})
    with pytest.raises(ConfigError, match=r"since|until"):
        provider.statistics.report(**times)


def test_without_the_control_there_is_no_report(sync: bool) -> None:
    """The error names the control that is missing; `metrics` alone keeps no statistics."""
    for controls in ({}, {"metrics": True}):
        book = ClientProvider(api_key="k", controls=controls).statistics
        with pytest.raises(ConfigError, match="'statistics'"):
            book.report(since=HOUR) if sync else asyncio.run(book.areport(since=HOUR))


def test_what_the_cache_saved_is_counted_apart(upstream: Upstream) -> None:
    """Answers from the cache, streamed or not, save the tokens and the price of the first, and cost nothing."""
    controls = {
        "cost": True,
        "cache": {"scope": "all"},
        "prices": {"m": {"input": 1.0, "output": 2.0}},
        "logs": True,
    }
    provider = provider_at(upstream.base_url, **controls)
    for stream in (False, True):
        for _ in range(3):
            answer = ask(provider, seed=1, stream=stream)
            if stream:
                list(answer)
    total = provider.statistics.report(since=HOUR).totals
    assert total.cache == {"hit": 4, "miss": 2}
    assert total.nano_usd == total.input_tokens * 1000 + total.output_tokens * 2000
    assert total.saved_nano_usd == 2 * total.nano_usd
    assert total.saved_tokens == 2 * (total.input_tokens + total.output_tokens) > 0
    assert provider.usage.report()[0].calls == 2
    provider.close()


def test_series_are_bounded(upstream: Upstream, tmp_path: Path) -> None:
    """Beyond the bound, labels count under `other`, in further processes too; totals stay exact."""
    for run in range(2):
        store = f"sqlite:///{tmp_path}/store.db"
        provider = provider_at(upstream.base_url, store=store, statistics={"max_series": 4})
        for number in range(6):
            ask(provider, tenant=f"{run}-{number}", endpoint=f"/{number % 2}")
        report = provider.statistics.report(since=HOUR)
        assert report.totals.calls == 6 * (run + 1)
        assert calls(report.tenants) == {**{f"0-{n}": 1 for n in range(4)}, "other": 6 * run + 2}
        assert calls(report.endpoints) == {"/0": 3 * (run + 1), "/1": 3 * (run + 1)}
        one = provider.statistics.report(since=HOUR, endpoint="/0")
        assert (one.totals.calls, calls(one.models)) == (3 * (run + 1), {"m": 3 * (run + 1)})
        assert calls(one.tenants) == {"0-0": 1, "0-2": 1, "other": 3 * run + 1}
        provider.close()


def test_a_store_that_is_down_loses_nothing(
    upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the store is down a report fails, and calls do not; once it is back, all of them are counted once."""
    monkeypatch.setattr("ai_client.stores.shared.PAUSE", 0.0)
    provider = provider_at(upstream.base_url, store=f"sqlite:///{tmp_path}/store.db", metrics=True)
    ask(provider)
    assert provider.statistics.report(since=HOUR).totals.calls == 1
    backend: Any = provider["default"]._assembly.layers()[0].metrics.store.backend

    def fail(*_: object) -> Any:
        raise StoreError("It is down.")

    with monkeypatch.context() as patched:
        for name in ("record", "totals", "settle"):
            patched.setattr(backend, name, fail)
        for _ in range(3):
            ask(provider)
            with pytest.raises(StoreError):
                provider.statistics.report(since=HOUR)
    ask(provider)
    provider.statistics.report(since=HOUR)
    assert provider.statistics.report(since=HOUR).totals.calls == 5
    provider.close()


def test_a_dashboard_is_short_for_what_it_shows(upstream: Upstream, tmp_path: Path) -> None:
    """`dashboard` turns on what is not given, and leaves out what is `False`; Prometheus sees what `metrics` says."""
    for metrics, count in ((None, 1), (False, 0)):
        provider = ClientProvider(
            base_url=upstream.base_url,
            api_key="k",
            controls={"store": f"sqlite:///{tmp_path}/{count}.db", "dashboard": True, "metrics": metrics},
        )
        ask(provider)
        assert provider.statistics.report(since=HOUR).totals.calls == 1
        assert provider.usage.report()[0].calls == 1
        assert len(provider.journal.entries()) == 1
        from ai_client.metrics import MetricsPage

        page = MetricsPage(public=True).answer(provider).body.decode()
        assert page.count("ai_client_calls_total{") == count
        assert len(provider.workers.states()) == 1
        provider.close()
    with pytest.raises(ConfigError, match="dashboard"):
        ClientProvider(api_key="k", controls={"dashboard": {"title": "x"}})


def test_aliases_count_together_and_apart(upstream: Upstream, tmp_path: Path) -> None:
    """The provider's report is of all aliases, that of an alias its own, in one store or in several."""
    for store in ("memory://", f"sqlite:///{tmp_path}/store.db"):
        options = {
            "base_url": upstream.base_url,
            "api_key": "k",
            "controls": {"statistics": True, "store": store},
        }
        provider = ClientProvider(options, aliases={"other": options})
        for alias in ("default", "other", "other"):
            ask(provider[alias])
        assert provider.statistics.report(since=HOUR).totals.calls == 3
        assert sum(point.sums.calls for point in provider.statistics.report(since=HOUR).points) == 3
        assert provider["other"].statistics.report(since=HOUR).totals.calls == 2
        provider.close()


def test_quantiles_are_interpolated() -> None:
    """A quantile lies in the bucket of its call, at the bound beyond the last, and is unknown without calls."""
    assert Histogram().quantile(0.5) is None
    counts = (0, 2, 2, *[0] * 11, 1)
    found = Histogram(counts, 100.0)
    assert found.count == 5
    assert found.quantile(0) == 0.01
    assert found.quantile(0.4) == pytest.approx(0.02)
    assert found.quantile(0.6) == pytest.approx(0.03)
    assert found.quantile(1) == 81.92
