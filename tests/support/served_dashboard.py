"""The applications with a dashboard, each under its server with two workers, and an API that counts."""

import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple

import httpx

from tests.support.counting_upstream import Counted, counting_upstream
from tests.support.servers import Served, serving
from tests.support.sites.dashboard_site import PATH, TOKEN

_SITE = "tests.support.sites.dashboard_site"
_PATIENCE = 30.0
_GUNICORN = ("gunicorn", "-w", "2", "-b", "127.0.0.1:{port}")
SERVERS = {
    "fastapi": ("uvicorn", "--workers", "2", "--port", "{port}", "--factory", f"{_SITE}:fastapi_app"),
    "flask": (*_GUNICORN, f"{_SITE}:flask_app()"),
    "django": (*_GUNICORN, f"{_SITE}:django_app()"),
}


class ServedDashboard(NamedTuple):
    """A served application.

    Attributes:
        framework: The name of its framework.
        served: Its server.
        upstream: The API that it calls.
    """

    framework: str
    served: Served
    upstream: Counted

    @property
    def url(self) -> str:
        """Its address."""
        return self.served.url

    def ask(self, paths: Iterable[str]) -> set[str]:
        """Make requests, four at a time over new connections, so that both workers get some; return the answers."""
        limits = httpx.Limits(max_keepalive_connections=0)
        with (
            httpx.Client(base_url=self.url, timeout=60, limits=limits) as http,
            ThreadPoolExecutor(4) as pool,
        ):

            def get(path: str) -> str:
                answer = http.get(path)
                assert answer.status_code == 200, self.served.log
                return answer.text

            return set(pool.map(get, paths))

    def settled(self, calls: int) -> dict[str, Any]:
        """Return the sections of the last hour as JSON once both workers have written so many calls, or gave up."""
        give_up = time.monotonic() + _PATIENCE
        with httpx.Client(base_url=self.url, timeout=60, auth=("anyone", TOKEN)) as http:
            while True:
                answer = http.get(f"{PATH}/data.json", params={"range": "1h"})
                assert answer.status_code == 200, self.served.log
                sections: dict[str, Any] = answer.json()["sections"]
                totals = {name: section.get("totals", {}) for name, section in sections.items()}
                done = (
                    totals["spend"].get("calls") == calls
                    and totals["retries"].get("attempts") == sum(self.upstream.statuses.values())
                    and totals["processes"].get("processes") == 2
                    and len(http.get(f"{PATH}/calls/data.json").json()["calls"]) == calls
                )
                if done or time.monotonic() > give_up:
                    return sections
                time.sleep(0.2)


@contextmanager
def serving_dashboard(framework: str, store: str) -> Iterator[ServedDashboard]:
    """Serve the application of a framework, with the address of a store."""
    with counting_upstream() as upstream:
        environment = {"DASHBOARD_UPSTREAM": upstream.base_url, "DASHBOARD_STORE": store}
        with serving(*SERVERS[framework], **environment) as served:
            yield ServedDashboard(framework, served, upstream)
