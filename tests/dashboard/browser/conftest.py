"""A browser, and in each framework an application that has made some calls."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.browser import chromium
from tests.support.mixed_calls import planned
from tests.support.served_dashboard import SERVERS, ServedDashboard, serving_dashboard
from tests.support.sites.dashboard_site import HOSTILE

_CALLS = 56
PICTURES = Path(__file__).parents[3] / "build" / "dashboard"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Start Chromium for one module: while it runs, the thread counts as running an event loop."""
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="session", params=SERVERS)
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServedDashboard]:
    """Yield an application in each framework, after calls of every kind and some that try to break out of a page."""
    file = tmp_path_factory.mktemp("dashboard") / "store.db"
    with serving_dashboard(request.param, f"sqlite:///{file}") as site:
        site.ask(f"/calls/{tenant}/{kind}/{number}" for kind, number, tenant in planned(_CALLS))
        site.ask(f"/hostile/{number}" for number in range(len(HOSTILE)))
        site.settled(_CALLS + len(HOSTILE))
        yield site
