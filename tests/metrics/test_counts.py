"""What the policy `Metrics` counts of calls, as Prometheus reads it."""

import asyncio
import threading
import time
from datetime import timedelta
from typing import Any

import pytest

from ai_client import APIConnectionError, APIStatusError, AsyncOpenAI, ClientProvider, labels
from ai_client.control import make_layers
from ai_client.control.observability.metrics import Metrics, metrics_in
from ai_client.errors import ConfigError
from ai_client.metrics import MetricsPage
from ai_client.stores import Ledger
from ai_client.stores.memory import MemoryBackend
from ai_client.stores.shared import SharedStore
from ai_client.testing import Upstream
from tests.support.invoke import Invoke
from tests.support.metrics import Scraped, ask

PRICES = {"gpt-5.5": {"input": 1, "output": 2}, "gpt-5.4-mini": {"input": 0.1, "output": 0.2}}


class SlowToSettle(MemoryBackend):
    """A backend that is not instant, and settles when it may."""

    instant = False

    def __init__(self) -> None:
        super().__init__()
        self.settles, self.may_settle = threading.Event(), threading.Event()

    def settle(self, *args: Any) -> list[Ledger]:
        """Settle once that is allowed."""
        self.settles.set()
        assert self.may_settle.wait(60)
        return super().settle(*args)


def provider_of(upstream: Upstream, **options: Any) -> ClientProvider:
    """Return a provider that counts."""
    controls = {"metrics": True, "cost": True, "prices": PRICES, **options.pop("controls", {})}
    return ClientProvider(base_url=upstream.base_url, api_key="sk-test", controls=controls, **options)


def scraped(provider: ClientProvider) -> Scraped:
    """Return what Prometheus reads of a provider."""
    return Scraped(MetricsPage(public=True).answer(provider).body.decode())


def test_a_call_is_counted_once_everywhere(upstream: Upstream) -> None:
    """A call counts under its endpoint, model and tenant: outcome, attempt, tokens, cost and duration."""
    provider = provider_of(upstream)
    with labels(endpoint="/ask", tenant="acme"):
        answer = ask(provider)
    page = scraped(provider)
    where = {"client": "default", "endpoint": "/ask", "model": "gpt-5.5", "tenant": "acme"}
    assert answer.usage is not None
    assert page.total("ai_client_calls_total", outcome="ok", **where) == 1
    assert page.total("ai_client_attempts_total", result="ok", **where) == 1
    assert page.total("ai_client_billed_attempts_total", usage="reported", **where) == 1
    assert page.total("ai_client_input_tokens_total", **where) == answer.usage.prompt_tokens
    assert page.total("ai_client_output_tokens_total", **where) == answer.usage.completion_tokens
    usd = (answer.usage.prompt_tokens + 2 * answer.usage.completion_tokens) / 1e6
    assert page.total("ai_client_cost_usd_total", **where) == pytest.approx(usd, rel=1e-12)
    assert page.total("ai_client_call_duration_seconds_count", **where) == 1
    assert page.total("ai_client_call_duration_seconds_bucket", le="+Inf", **where) == 1
    assert page.total("ai_client_call_duration_seconds_sum", **where) > 0
    provider.close()


def test_what_statistics_took_before_the_first_scrape_is_shown(upstream: Upstream) -> None:
    """The page shows all that was counted since the process began, whoever read the counts before it."""
    provider = provider_of(upstream, controls={"statistics": True})
    ask(provider)
    assert provider.statistics.report(since=timedelta(hours=1)).totals.calls == 1
    ask(provider)
    assert scraped(provider).total("ai_client_calls_total", outcome="ok") == 2


def test_failures_and_retries_are_told_apart(upstream: Upstream) -> None:
    """Each attempt counts by how it ended, a retry where another followed, and the call once by its error."""
    provider = provider_of(upstream, max_retries=1)
    upstream.reply(status=500, headers={"retry-after-ms": "1"})
    ask(provider)
    for _ in range(2):
        upstream.reply(status=503, headers={"retry-after-ms": "1"})
    with pytest.raises(APIStatusError):
        ask(provider)
    page = scraped(provider)
    assert page.by("ai_client_attempts_total", "result") == {("ok",): 1, ("500",): 1, ("503",): 2}
    assert page.total("ai_client_retries_total") == 2
    assert page.by("ai_client_calls_total", "outcome") == {("ok",): 1, ("error",): 1}
    assert page.by("ai_client_errors_total", "error") == {("InternalServerError",): 1}
    assert page.total("ai_client_billed_attempts_total") == 1
    provider.close()


def test_targets_of_a_fallback_count_under_their_own_models(upstream: Upstream) -> None:
    """What a target was asked counts under its model, and the call under that which answered."""
    provider = provider_of(
        upstream, max_retries=0, controls={"models": {"smart": ["gpt-5.5", "gpt-5.4-mini"]}}
    )
    upstream.reply(status=500)
    ask(provider, model="smart")
    page = scraped(provider)
    assert page.by("ai_client_attempts_total", "model", "result") == {
        ("gpt-5.5", "500"): 1,
        ("gpt-5.4-mini", "ok"): 1,
    }
    assert page.by("ai_client_calls_total", "model") == {("gpt-5.4-mini",): 1}
    provider.close()


def test_hits_of_a_cache_cost_nothing(upstream: Upstream) -> None:
    """A cached answer counts as a call and a hit, and uses neither attempt nor tokens."""
    provider = provider_of(upstream, controls={"cache": {"scope": "all"}})
    answers = [ask(provider, seed=1) for _ in range(3)]
    page = scraped(provider)
    assert page.by("ai_client_cache_total", "cache") == {("miss",): 1, ("hit",): 2}
    assert page.total("ai_client_calls_total") == 3
    assert page.total("ai_client_attempts_total") == 1
    assert answers[0].usage is not None
    assert page.total("ai_client_input_tokens_total") == answers[0].usage.prompt_tokens
    provider.close()


@pytest.mark.parametrize("kept", [{}, {"budgets": [{"requests": 100, "per": "day"}]}])
def test_what_is_lost_may_have_been_billed(upstream: Upstream, kept: dict[str, Any]) -> None:
    """Attempts without an answer count as unpriced everywhere, where none of their call was answered too."""
    provider = provider_of(upstream, controls={"statistics": True, "journal": True, **kept}, max_retries=1)
    for _ in range(2):
        upstream.reply(disconnect=True)
    with pytest.raises(APIConnectionError):
        ask(provider)
    (row,) = provider.usage.report()
    (entry,) = provider.journal.entries()
    sums = provider.statistics.report(since=timedelta(hours=1)).totals
    assert row.unpriced == sums.unpriced == scraped(provider).total("ai_client_unpriced_attempts_total") == 2
    assert (row.usd, sums.usd, entry.usd, entry.unpriced) == (None, None, None, True)


def test_what_was_lost_before_a_stale_answer_may_have_been_billed(upstream: Upstream) -> None:
    """A call that the cache answers as its attempts came to nothing is unpriced, although the answer is free."""
    cache = {"scope": "all", "everything": True, "ttl": 0.01, "stale_if_error": 600}
    provider = provider_of(
        upstream, controls={"statistics": True, "journal": True, "cache": cache}, max_retries=0
    )
    ask(provider)
    time.sleep(0.05)
    upstream.reply(disconnect=True)
    ask(provider)
    (row,) = provider.usage.report()
    entry, _ = provider.journal.entries()
    sums = provider.statistics.report(since=timedelta(hours=1)).totals
    assert (entry.cache, entry.unpriced) == ("stale", True)
    assert row.unpriced == sums.unpriced == scraped(provider).total("ai_client_unpriced_attempts_total") == 1


def test_streams_are_in_flight_until_they_end(invoke: Invoke) -> None:
    """A stream is in flight until its last event, and counts then, with the time to its first."""
    policies = make_layers({"metrics": True, "cost": True})
    (metrics,) = metrics_in(policies)
    stream = invoke.chat(invoke.client(layers=policies), stream=True)
    assert len(metrics.counts.under_way) == 1
    assert not any("call.ok" in amounts for amounts in metrics.counts.totals().values())
    invoke.collect(stream)
    assert len(metrics.counts.under_way) == 0
    (amounts,) = metrics.counts.totals().values()
    assert (amounts["call.ok"], amounts["used.reported"]) == (1, 1)
    assert 0 < amounts["first_item"] <= amounts["duration"]


def test_a_stream_that_is_left_is_cancelled(invoke: Invoke) -> None:
    """A stream that its reader closes early counts as cancelled, with what came by an estimate."""
    metrics = Metrics()
    stream = invoke.chat(invoke.client(layers=[metrics]), stream=True)
    invoke.collect(stream, 1)
    invoke(stream.close)
    (amounts,) = metrics.counts.totals().values()
    assert (amounts["call.cancelled"], amounts["used.estimated"]) == (1, 1)
    assert "call.ok" not in amounts


async def _cancelled_while_it_settles(client: AsyncOpenAI, backend: SlowToSettle) -> None:
    call = asyncio.create_task(
        client.chat.completions.create(model="gpt-5.5", messages=[{"role": "user", "content": "Hello"}])
    )
    assert await asyncio.to_thread(backend.settles.wait, 60)
    call.cancel()
    backend.may_settle.set()
    with pytest.raises(asyncio.CancelledError):
        await call


def test_a_call_that_is_cancelled_after_its_answer_used_what_that_reports(upstream: Upstream) -> None:
    """A call that is cancelled while budgets settle it uses the same tokens and USD here as in the totals of usage."""
    backend = SlowToSettle()
    controls = {"store": SharedStore(backend), "budgets": [{"requests": 10}]}
    provider = provider_of(upstream, controls=controls)
    asyncio.run(_cancelled_while_it_settles(provider.async_client, backend))
    page, (row,) = scraped(provider), provider.usage.report()
    assert (row.calls, row.reported, row.unknown) == (1, 1, 0)
    assert page.by("ai_client_billed_attempts_total", "usage") == {("reported",): 1}
    assert page.total("ai_client_input_tokens_total") == row.input_tokens
    assert page.total("ai_client_output_tokens_total") == row.output_tokens
    assert page.total("ai_client_cost_usd_total") == pytest.approx(row.usd, rel=1e-12)
    assert page.by("ai_client_calls_total", "outcome") == {("cancelled",): 1}
    provider.close()


def test_series_are_bounded(upstream: Upstream) -> None:
    """Beyond `max_series` combinations of labels, calls count under `other`, and how many new ones did is counted."""
    provider = provider_of(upstream, controls={"metrics": {"max_series": 2}})
    for tenant in ("a", "b", "c", "d", "a", "c"):
        with labels(tenant=tenant):
            ask(provider)
    page = scraped(provider)
    assert page.by("ai_client_calls_total", "tenant") == {("a",): 2, ("b",): 1, ("other",): 3}
    assert page.total("ai_client_folded_series_total") > 0
    provider.close()


@pytest.mark.parametrize("tenant", ['a"b\\c\nd', "ü✓", "x" * 5000, "\ud800", "", "\x00\r\t", "{}", 'a",b="c'])
def test_any_tenant_can_be_read(upstream: Upstream, tenant: str) -> None:
    """Whatever a tenant is called, the page is read by Prometheus' own parser as one series with that label."""
    provider = provider_of(upstream)
    with labels(tenant=tenant):
        ask(provider)
    ((shown,),) = scraped(provider).by("ai_client_calls_total", "tenant")
    assert shown == tenant.replace("\0", r"\x00").encode(errors="backslashreplace").decode()[:256]
    provider.close()


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"labels": ["user"]}, "metrics.labels"),
        ({"labels": "model"}, "metrics.labels"),
        ({"labels": ["model", "model"]}, "metrics: labels"),
        ({"max_series": 0}, "metrics: max_series"),
        ({"max_serie": 1}, "max_series"),
    ],
)
def test_impossible_options_fail_at_once(options: dict[str, Any], named: str) -> None:
    """An option that cannot work is named when the policies are made."""
    with pytest.raises(ConfigError, match=named):
        make_layers({"metrics": options})
