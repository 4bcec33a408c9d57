"""All figures of mixed calls agree with what their upstream counted."""

import asyncio
from typing import Any

from ai_client import ClientProvider, labels
from ai_client.metrics import MetricsPage
from tests.support.collector import Collector
from tests.support.counting_upstream import counting_upstream
from tests.support.metrics import Scraped
from tests.support.mixed_calls import CONTROLS, acall, call, check, planned

PARTS = ("value", "sum", "count")


def points_of(collector: Collector) -> dict[str, list[dict[str, Any]]]:
    """Return the data points that were collected, as `check` takes them."""
    return {
        name: [
            {
                "attributes": dict(point.attributes),
                **{part: getattr(point, part, 0) for part in ("value", "sum", "count")},
            }
            for point in points
        ]
        for name, points in collector.metrics().items()
    }


def test_figures_of_mixed_calls_agree(sync: bool) -> None:
    """After 63 calls of every kind, the upstream, the page, the report and OpenTelemetry have the same figures."""
    collector = Collector()
    plan = planned(63)
    with counting_upstream() as upstream:
        provider = ClientProvider(
            base_url=upstream.base_url,
            api_key="sk-test",
            max_retries=1,
            controls={**CONTROLS, "telemetry": collector.telemetry()},
        )

        async def make_all() -> None:
            for kind, number, tenant in plan:
                with labels(tenant=tenant):
                    await acall(provider.async_client, kind, number)

        if sync:
            for kind, number, tenant in plan:
                with labels(tenant=tenant):
                    call(provider.client, kind, number)
        else:
            asyncio.run(make_all())
        page = Scraped(MetricsPage(public=True).answer(provider).body.decode())
        usage = {"model": provider.usage.report("model"), "tenant": provider.usage.report("tenant")}
        check(plan, upstream, page, usage, points_of(collector))
        provider.close()
    collector.close()
