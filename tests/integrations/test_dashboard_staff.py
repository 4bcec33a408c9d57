"""The dashboard for staff of a Django site, under servers of either kind: its guard, and its entry in the admin."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from os import environ
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from tests.support.dashboard import is_dashboard
from tests.support.servers import ROOT, serving
from tests.support.sites.staff_site import PASSWORD

pytestmark = pytest.mark.slow
SITE = "tests.support.sites.staff_site"
SERVERS = {
    "wsgi": ("gunicorn", "-w", "2", "-b", "127.0.0.1:{port}", f"{SITE}:wsgi()"),
    "asgi": ("uvicorn", "--port", "{port}", "--factory", f"{SITE}:asgi"),
}
PAGE = {"accept": "text/html,*/*"}
"""What a browser sends that asks for a page."""
DASHBOARD = "/ops/ai/"
ENTRY = re.compile(rf'<a href="{DASHBOARD}"[^>]*>AI calls</a>')


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database with users."""
    file = tmp_path_factory.mktemp("staff") / "users.db"
    subprocess.run(
        [sys.executable, "-m", SITE], cwd=ROOT, env={**environ, "STAFF_DATABASE": str(file)}, check=True
    )
    return file


@contextmanager
def site(database: Path, kind: str = "wsgi", **environment: str) -> Iterator[str]:
    """Serve the site and yield its address."""
    with serving(*SERVERS[kind], STAFF_DATABASE=str(database), **environment) as served:
        yield served.url


@contextmanager
def logged_in(url: str, name: str | None, admin: str = "admin") -> Iterator[httpx.Client]:
    """Yield the browser of a user, who logs in as the admin asks for; without a name, of nobody."""
    with httpx.Client(base_url=url, headers=PAGE, timeout=60) as http:
        if name is not None:
            page = http.get(f"/{admin}/login/").text
            found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
            assert found is not None
            form = {
                "username": name,
                "password": PASSWORD,
                "csrfmiddlewaretoken": found[1],
                "next": DASHBOARD,
            }
            answer = http.post(f"/{admin}/login/", data=form)
            assert answer.status_code == (302 if name == "anna" else 200)
        yield http


@pytest.mark.parametrize("kind", SERVERS)
def test_staff_and_others(database: Path, kind: str) -> None:
    """Staff read it and find it in each admin; a browser of others is sent to log in, and all else is refused."""
    with site(database, kind) as url:
        login = f"/admin/login/?next={quote(DASHBOARD)}"
        for name in (None, "bob"):
            with logged_in(url, name) as http:
                answer = http.get(DASHBOARD)
                assert (answer.status_code, answer.headers["location"]) == (302, login)
                assert "no-store" in answer.headers["cache-control"]
                assert http.get(login).status_code == 200  # and no redirect back
                for refused in (
                    http.get(f"{DASHBOARD}data.json", headers={"accept": "*/*"}),
                    http.get(DASHBOARD, headers={"sec-fetch-mode": "cors"}),
                    http.post(f"{DASHBOARD}calls/some/again"),
                    http.get(f"{DASHBOARD}assets/style.css", headers={"accept": "text/css"}),
                ):
                    assert (refused.status_code, refused.text) == (403, "forbidden\n")
                for admin in ("/admin/", "/own/"):
                    assert DASHBOARD not in http.get(admin).text
        for admin in ("admin", "own"):
            with logged_in(url, "anna", admin) as http:
                assert is_dashboard(http.get(DASHBOARD).text)
                assert ENTRY.search(http.get(f"/{admin}/").text)


def test_where_all_views_demand_a_login(database: Path) -> None:
    """Where a middleware demands a login of every view, the guard of the dashboard decides, of either kind."""
    middleware = "django.contrib.auth.middleware.LoginRequiredMiddleware"
    with site(database, STAFF_MIDDLEWARE=middleware) as url, httpx.Client(base_url=url, timeout=60) as http:
        assert http.get(DASHBOARD, headers=PAGE).headers["location"].startswith("/admin/login/")
    options = json.dumps({"token": "s3cret"})
    with (
        site(database, STAFF_MIDDLEWARE=middleware, STAFF_OPTIONS=options) as url,
        httpx.Client(base_url=url, timeout=60) as http,
    ):
        assert http.get(DASHBOARD).status_code == 401
        assert is_dashboard(http.get(DASHBOARD, auth=("any", "s3cret")).text)


def test_a_page_is_not_kept_for_others(database: Path) -> None:
    """Where the site keeps pages in a cache, nobody gets what another has read."""
    cache = "django.middleware.cache"
    middleware = f"{cache}.UpdateCacheMiddleware {cache}.FetchFromCacheMiddleware"
    options = json.dumps({"token": "s3cret"})
    with (
        site(database, "asgi", STAFF_MIDDLEWARE=middleware, STAFF_OPTIONS=options) as url,
        httpx.Client(base_url=url, timeout=60) as http,
    ):
        for path in ("", "data.json", "assets/style.css"):
            assert http.get(DASHBOARD + path, auth=("any", "s3cret")).status_code == 200
            assert http.get(DASHBOARD + path).status_code == 401
