"""The dashboard without a framework: who may read it, and which page answers which request."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..operations.guarded_page import GuardedPage
from ..operations.page import RenderedPage
from .assets import asset_reply
from .calls.answering import answer_calls
from .layout import document
from .markup import tag
from .overview import answer_overview
from .replies import html_reply
from .request import PageRequest

_READING = ("GET", "HEAD")


class DashboardPage(GuardedPage):
    """The dashboard of an application, for those who may read it.

    Exactly one of `guard`, `token`, `token_file` and `public` is given; what it shows of an application's tenants,
    spending and prompts is not for everyone.

    Args:
        guard: A function of the framework's request that returns whether it may read the dashboard.
        token: What the request must bring as `Authorization: Bearer ...`, or as the password of HTTP Basic.
        token_file: A file that holds that, read at each request, so that it may change.
        public: Whether anyone may read it.
        development: Whether calls may be sent again from it, which costs money.
        title: The name at the top of each page.

    Attributes:
        guard: As given; the adapter calls it.
        development: As given.
        title: As given.

    Raises:
        ConfigError: None of the four, or several, are given.
    """

    def __init__(
        self,
        *,
        guard: Callable[[Any], Any] | None = None,
        token: str | None = None,
        token_file: str | Path | None = None,
        public: bool = False,
        development: bool = False,
        title: str = "AI calls",
    ) -> None:
        super().__init__(
            "dashboard", guard=guard, token=token, token_file=token_file, public=public, basic=True
        )
        self.development = development
        self.title = title

    def answer(self, provider: Any, request: PageRequest) -> RenderedPage:
        """Return the answer to a request that may read the dashboard; blocks while it reads a store.

        Args:
            provider: The provider; `None` where the application has none, or none any more.
            request: The request.
        """
        answer = self._answer(provider, request)
        if request.method != "HEAD":
            return answer
        length = {"content-length": str(len(answer.body))}
        return answer._replace(headers={**answer.headers, **length}, body=b"")

    def _answer(self, provider: Any, request: PageRequest) -> RenderedPage:
        place = request.path.partition("/")[0]
        if request.method not in _READING and (request.method != "POST" or place != "calls"):
            return self._note(request, 405, "This page cannot be sent anything.", {"allow": "GET, HEAD"})
        if place == "assets":
            return asset_reply(request) or self._missing(request)
        if provider is None:
            return self._note(request, 503, "The application has no AI client, or its options are invalid.")
        if place == "calls":
            return answer_calls(provider, request, self) or self._missing(request)
        return answer_overview(provider, request, self.title) or self._missing(request)

    def _missing(self, request: PageRequest) -> RenderedPage:
        return self._note(request, 404, "There is no such page.")

    def _note(
        self, request: PageRequest, status: int, text: str, headers: dict[str, str] | None = None
    ) -> RenderedPage:
        """Return a page that says why there is no other."""
        content = tag(
            "section", tag("h1", text), tag("p", tag("a", "To the overview", href=request.address()))
        )
        return html_reply(document(request, self.title, content, heading=self.title), status, headers)
