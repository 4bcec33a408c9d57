"""All figures agree in each framework, over two workers that share a store."""

import json
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from ai_client import ClientProvider
from tests.support.counting_upstream import counting_upstream
from tests.support.metrics import Scraped
from tests.support.mixed_calls import CONTROLS, check, planned
from tests.support.policies import running_redis
from tests.support.servers import serving
from tests.support.sites.counted_site import TOKEN

pytestmark = pytest.mark.slow
SITE = "tests.support.sites.counted_site"
GUNICORN = ("gunicorn", "-w", "2", "-b", "127.0.0.1:{port}")
SERVERS = {
    "fastapi": ("uvicorn", "--workers", "2", "--port", "{port}", "--factory", f"{SITE}:fastapi_app"),
    "flask": (*GUNICORN, f"{SITE}:flask_app()"),
    "django": (*GUNICORN, f"{SITE}:django_app()"),
}
PATIENCE = 30.0


@pytest.fixture(params=["sqlite", "redis"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Yield the address of a store that processes share."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/store.db"
        return
    with running_redis(tmp_path) as server:
        yield server.url


def points_in(directory: Path) -> dict[str, list[dict[str, Any]]]:
    """Return the data points of all workers."""
    found: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for file in directory.iterdir():
        for name, points in json.loads(file.read_text()).items():
            found[name] += points
    return found


@pytest.mark.parametrize("framework", SERVERS)
def test_figures_of_two_workers_agree(framework: str, store: str, tmp_path: Path) -> None:
    """After 500 calls of every kind over two workers, any of them shows what the upstream has counted."""
    points = tmp_path / "points"
    points.mkdir()
    plan = planned(500)
    with counting_upstream() as upstream:
        environment: dict[str, Any] = {
            "COUNTED_UPSTREAM": upstream.base_url,
            "COUNTED_STORE": store,
            "COUNTED_POINTS": str(points),
        }
        with (
            serving(*SERVERS[framework], **environment) as served,
            httpx.Client(
                base_url=served.url, timeout=60, limits=httpx.Limits(max_keepalive_connections=0)
            ) as http,
        ):

            def ask(one: tuple[str, int, str]) -> str:
                kind, number, tenant = one
                answer = http.get(f"/{tenant}/{kind}/{number}")
                assert answer.status_code == 200, served.log
                return answer.text

            with ThreadPoolExecutor(4) as pool:
                workers = set(pool.map(ask, plan))
            assert len(workers) == 2, served.log
            assert http.get("/metrics").status_code == 401

            def scrape() -> Scraped:
                answer = http.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})
                assert answer.status_code == 200, served.log
                return Scraped(answer.text)

            def is_settled(page: Scraped) -> bool:
                """Return whether both workers have written what they recorded, which takes moments."""
                return (
                    page.total("ai_client_calls_total") == len(plan)
                    and page.total("ai_client_attempts_total") == sum(upstream.statuses.values())
                    and page.total("ai_client_calls_in_flight") == 0
                )

            give_up = time.monotonic() + PATIENCE
            while not is_settled(page := scrape()) and time.monotonic() < give_up:
                time.sleep(0.1)
            assert page.total("ai_client_processes") == 2
            assert page.total("ai_client_clients_alive") == 2
            reader = ClientProvider(
                base_url=upstream.base_url,
                api_key="sk-test",
                controls={**CONTROLS, "telemetry": False, "metrics": False, "store": store},
            )
            usage = {"model": reader.usage.report("model"), "tenant": reader.usage.report("tenant")}
            reader.close()
            check(plan, upstream, page, usage, points_in(points))
