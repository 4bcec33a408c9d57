"""Pages of an application, without a framework: adapters send what these functions return."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from pydantic_core import to_json

from .health import Health, HealthReport, Reason

_OK = 200
_UNAVAILABLE = 503
_HEADERS: Mapping[str, str] = {
    "content-type": "application/json",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
}


class RenderedPage(NamedTuple):
    """A response: its status, headers with lower-case names, and body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class HasHealth(Protocol):
    """A provider, as these pages see it."""

    @property
    def health(self) -> Health:
        """The health of its clients."""
        ...


def live_page() -> RenderedPage:
    """Return the answer to a liveness probe; it looks at nothing, so that nothing can delay it."""
    return _page(HealthReport("live"))


def ready_page(provider: HasHealth | None) -> RenderedPage:
    """Return the answer to a readiness probe.

    Args:
        provider: The provider of the application; `None` where it has none, or none any more.
    """
    return _page(_NO_PROVIDER if provider is None else provider.health.ready())


async def aready_page(provider: HasHealth | None) -> RenderedPage:
    """Return the answer to a readiness probe, like `ready_page`; blocks no event loop."""
    return _page(_NO_PROVIDER if provider is None else await provider.health.aready())


_NO_PROVIDER = HealthReport(
    "unready", (Reason("provider", "The application has no AI client, or its options are invalid."),)
)


def _page(report: HealthReport) -> RenderedPage:
    reasons = [
        {"check": each.check, "client": each.client, "message": each.message} for each in report.reasons
    ]
    body = to_json({"status": report.status, "reasons": reasons})
    return RenderedPage(_OK if report.ok else _UNAVAILABLE, _HEADERS, body)
