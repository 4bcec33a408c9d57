"""Operations of a process: reads and administers what it and its controls know; records nothing."""

from .health import Health as Health, HealthReport as HealthReport, Reason as Reason
from .page import (
    RenderedPage as RenderedPage,
    aready_page as aready_page,
    live_page as live_page,
    ready_page as ready_page,
)

__all__ = ["Health", "HealthReport", "Reason", "RenderedPage", "aready_page", "live_page", "ready_page"]
