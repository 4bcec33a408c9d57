"""The page that Prometheus reads, without a framework: who may read it, and what it says."""

import hmac
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import ConfigError
from ..operations.page import RenderedPage
from .prometheus import OPEN_METRICS, TEXT, as_text
from .samples import samples_of

_BEARER = "bearer "


_PLAIN = {"content-type": "text/plain; charset=utf-8", "cache-control": "no-store"}
_FORBIDDEN = RenderedPage(403, _PLAIN, b"forbidden\n")
_NO_PROVIDER = RenderedPage(503, _PLAIN, b"the application has no AI client\n")
_UNAUTHORIZED = RenderedPage(401, {**_PLAIN, "www-authenticate": "Bearer"}, b"unauthorized\n")


class MetricsPage:
    """The metrics of an application, for those who may read them.

    Exactly one of the arguments is given; what they show of an application's tenants and spending is not for everyone.

    Args:
        guard: A function of the framework's request that returns whether it may read them.
        token: What the request must bring as `Authorization: Bearer ...`.
        token_file: A file that holds that, read at each request, so that it may change.
        public: Whether anyone may read them.

    Attributes:
        guard: As given; the adapter calls it.

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
        if sum((guard is not None, token is not None, token_file is not None, public)) != 1:
            raise ConfigError(
                "metrics: set exactly one of guard, token, token_file and public=True, which decide who may read them."
            )
        if token is not None and not token.strip():
            raise ConfigError("metrics: token must not be empty.")
        self.guard = guard
        self._token = token
        self._token_file = token_file

    def refusal(self, authorization: str | None, allowed: object = True) -> RenderedPage | None:
        """Return the answer to a request that may not read the page; `None` where it may.

        Args:
            authorization: The request's header of that name.
            allowed: What `guard` has returned, where there is one.
        """
        if not allowed:
            return _FORBIDDEN
        if self._token is None and self._token_file is None:
            return None
        expected = self._expected()
        given = authorization or ""
        given = given[len(_BEARER) :].strip() if given[: len(_BEARER)].lower() == _BEARER else ""
        is_equal = hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode("utf-8", "replace"))
        return None if expected and is_equal else _UNAUTHORIZED

    def _expected(self) -> str:
        if self._token_file is None:
            return (self._token or "").strip()
        try:
            return Path(self._token_file).read_text("utf-8").strip()
        except (OSError, ValueError):
            return ""  # nobody may read them before there is one

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
