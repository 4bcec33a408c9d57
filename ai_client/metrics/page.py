"""The page that Prometheus reads, without a framework: who may read it, and what it says."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..operations.guarded_page import GuardedPage
from ..operations.page import RenderedPage
from .prometheus import OPEN_METRICS, TEXT, as_text
from .samples import samples_of

_PLAIN = {"content-type": "text/plain; charset=utf-8", "cache-control": "no-store"}
_NO_PROVIDER = RenderedPage(503, _PLAIN, b"the application has no AI client\n")


class MetricsPage(GuardedPage):
    """The metrics of an application, for those who may read them.

    Exactly one of the arguments is given; what they show of an application's tenants and spending is not for everyone.

    Args:
        guard: A function of the framework's request that returns whether it may read them.
        token: What the request must bring as `Authorization: Bearer ...`.
        token_file: A file that holds that, read at each request, so that it may change.
        public: Whether anyone may read them.

    Raises:
        ConfigError: None of them, or several, are given.
    """

    def __init__(
        self,
        *,
        guard: Callable[[Any], Any] | None = None,
        token: str | None = None,
        token_file: str | Path | None = None,
        public: bool = False,
    ) -> None:
        super().__init__("metrics", guard=guard, token=token, token_file=token_file, public=public)

    def answer(self, provider: Any, accept: str | None = None) -> RenderedPage:
        """Return the metrics of a provider; blocks while it reads a store.

        Args:
            provider: The provider; `None` where the application has none, or none any more.
            accept: The request's header of that name, which may ask for OpenMetrics.
        """
        if provider is None:
            return _NO_PROVIDER
        open_metrics = "application/openmetrics-text" in (accept or "")
        text = as_text(samples_of(provider), open_metrics=open_metrics)
        kind = OPEN_METRICS if open_metrics else TEXT
        return RenderedPage(200, {"content-type": kind, "cache-control": "no-store"}, text.encode())
