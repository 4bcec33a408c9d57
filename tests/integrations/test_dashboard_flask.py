"""The dashboard in Flask: where it can be mounted, and whom it refuses."""

from typing import Any

import pytest
from flask import Flask, redirect, request as flask_request
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.test import Client

from ai_client.dashboard.mounting import BODY_LIMIT
from ai_client.errors import ConfigError
from ai_client_flask import AIClient
from tests.support.dashboard import addresses_in, is_dashboard, pages_of

ROUTES = (
    "/ai",
    "/ai/",
    "/ai/data.json",
    "/ai/data.csv",
    "/ai/calls",
    "/ai/calls/some",
    "/ai/assets/style.css",
)


def app_with(path: str = "/ai", *, url_prefix: str | None = None, **options: Any) -> Flask:
    """Make an app with a dashboard."""
    app = Flask(__name__)
    app.config["AI_CLIENT_API_KEY"] = "sk-verysecret"
    blueprint = AIClient(app).dashboard_blueprint(path, **options)
    app.register_blueprint(blueprint, url_prefix=url_prefix)
    return app


@pytest.mark.parametrize(
    ("path", "url_prefix", "base"),
    [("/ai", None, "/ai"), ("/ai/", "/ops", "/ops/ai"), ("", "/<team>/ai", "/team/ai"), ("/", "/ai", "/ai")],
)
@pytest.mark.parametrize("way", ["at the root", "below a dispatcher", "behind a proxy"])
def test_its_links_lead_to_its_pages(path: str, url_prefix: str | None, base: str, way: str) -> None:
    """Wherever it is mounted, also behind a proxy, its links and files are below the mount as the browser sees it."""
    app = app_with(path, url_prefix=url_prefix, public=True)
    root, at, headers = "", "", {}
    if way == "below a dispatcher":
        root = at = "/below"
        http = Client(DispatcherMiddleware(Flask("outer"), {root: app}))
    elif way == "behind a proxy":
        root, headers = "/proxy", {"x-forwarded-prefix": "/proxy"}
        http = Client(ProxyFix(app.wsgi_app, x_prefix=1))
    else:
        http = app.test_client()
    answer = http.get(f"{at}{base}/", headers=headers)
    assert is_dashboard(answer.text)
    assert http.get(f"{at}{base}", headers=headers, follow_redirects=True).status_code == 200
    assert {found.split("/ai")[0] for found in addresses_in(answer.text)} == {root + base[:-3]}
    for address in pages_of(answer.text):
        found = http.get(at + address.removeprefix(root), headers=headers)
        assert found.status_code == 200, address
    assert http.get(f"{at}{base}/no/such", headers=headers).status_code == 404


def test_methods_and_bodies() -> None:
    """HEAD tells what GET would, other methods are refused, and so is a body larger than any form."""
    http = app_with(public=True).test_client()
    got, head = http.get("/ai/assets/style.css"), http.head("/ai/assets/style.css")
    assert (head.status_code, head.data) == (200, b"")
    assert head.headers["content-length"] == str(len(got.data))
    assert http.put("/ai").status_code == 405
    assert http.post("/ai").status_code == 405
    assert http.post("/ai/calls", data=b"x" * (BODY_LIMIT + 1)).status_code == 413
    chunked = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""}
    answer = http.post("/ai/calls", data=b"x" * (BODY_LIMIT + 1), environ_overrides=chunked)
    assert answer.status_code == 413


async def async_no(request: Any) -> bool:
    """Refuse, later."""
    del request
    return False


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"guard": lambda request: request.headers.get("x-who") == "me"}, 403),
        ({"guard": async_no}, 403),
        ({"guard": lambda request: redirect(f"/login?next={request.path}")}, 302),
        ({"token": "s3cret"}, 401),
        ({"token_file": "/no/such/file"}, 401),
    ],
)
def test_who_is_refused_learns_nothing(options: dict[str, Any], status: int) -> None:
    """Whom a guard of either kind refuses or answers itself, or who has no token, gets none of it on any route."""
    http = app_with(**options).test_client()
    for route in ROUTES:
        for method in ("GET", "HEAD", "POST"):
            answer = http.open(route, method=method)
            assert answer.status_code == status, (method, route)
            assert "AI calls" not in answer.text


def test_who_is_let_in() -> None:
    """A guard of either kind lets in for whom it returns true, and a token whoever brings it as a password."""

    async def allows(request: Any) -> bool:
        assert request.path == flask_request.path
        return bool(request.headers.get("x-who") == "me")

    http = app_with(guard=allows).test_client()
    assert is_dashboard(http.get("/ai", headers={"x-who": "me"}).text)
    assert is_dashboard(app_with(token="s3cret").test_client().get("/ai", auth=("anyone", "s3cret")).text)


@pytest.mark.parametrize("kind", ["dashboard", "metrics"])
def test_a_guard_that_is_not_awaited_lets_nobody_in(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    """A plain function that returns a coroutine, which is true, is an error and no permission."""
    app = Flask(__name__)
    app.config["AI_CLIENT_API_KEY"] = "sk-verysecret"
    ai = AIClient(app, controls={"metrics": True})
    make = ai.dashboard_blueprint if kind == "dashboard" else ai.metrics_blueprint
    app.register_blueprint(make("/ai", guard=lambda request: async_no(request)))  # noqa: PLW0108 - a plain one
    assert app.test_client().get("/ai").status_code == 500
    assert f"{kind}: guard has returned an awaitable" in caplog.text


def test_a_coroutine_function_guards_the_metrics() -> None:
    """A guard of the metrics may be a coroutine function too."""
    app = Flask(__name__)
    app.config["AI_CLIENT_API_KEY"] = "sk-verysecret"
    app.register_blueprint(AIClient(app, controls={"metrics": True}).metrics_blueprint(guard=async_no))
    assert app.test_client().get("/metrics").status_code == 403


def test_it_is_not_mounted_by_accident() -> None:
    """Without a word about who may read it there is no dashboard, and the error says what to choose."""
    with pytest.raises(ConfigError, match=r"guard, token, token_file and public=True"):
        app_with()
