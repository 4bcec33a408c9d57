"""Flask apps and their extension: when the configuration counts, whose extension it is, which error handler answers."""

import threading
from typing import Any

import pytest
from flask import Blueprint, Flask

from ai_client import ConfigError, OpenAIError, RateLimitError
from ai_client.testing import Upstream
from ai_client_flask import AIClient, get_ai_client

KEY = "sk-verysecret"
ai = AIClient()


def make(**config: Any) -> Flask:
    """Make an app as a factory does, with a view that makes a call."""
    app = Flask(__name__)
    app.config.update({"AI_CLIENT_API_KEY": KEY, "AI_CLIENT_MAX_RETRIES": 0, "TESTING": True}, **config)
    ai.init_app(app)

    @app.get("/")
    def models() -> str:
        return str([model.id for model in ai.client.models.list()])

    return app


def test_configuration_counts_until_the_first_use(ai_client_upstream: Upstream) -> None:
    """What a test sets after the factory has run is where the first call goes, also by a test client made before."""
    app = make(AI_CLIENT_BASE_URL="http://127.0.0.1:9/v1")
    http = app.test_client()
    app.config["AI_CLIENT_BASE_URL"] = ai_client_upstream.base_url
    app.config["AI_CLIENT_CLIENTS"] = {"local": {"api_key": "other", "base_url": ai_client_upstream.base_url}}
    assert http.get("/").status_code == 200
    with app.app_context():
        assert get_ai_client("local").api_key == "other"
        ai.client.models.list()
        ai.provider.close()
    assert ai_client_upstream.connections_opened == 1


def test_environment_counts_until_the_first_use(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What the app does not configure is read from the environment at the first use; nothing is reported twice."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    app = Flask(__name__)
    ai.init_app(app)
    assert ["AI_CLIENT_API_KEY" in record.message for record in caplog.records] == [True]
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with app.app_context():
        assert ai.client.api_key == KEY
    assert len(caplog.records) == 1


def test_faulty_configuration_before_the_first_use() -> None:
    """A key that became invalid after the registration is named at the first use, which a mended one makes work."""
    app = make()
    app.config["AI_CLIENT_TIMEOUTT"] = KEY
    for _ in range(2):
        with app.app_context(), pytest.raises(ConfigError, match="AI_CLIENT_TIMEOUTT: unknown") as caught:
            _ = ai.client
        assert KEY not in str(caught.value)
    del app.config["AI_CLIENT_TIMEOUTT"]
    app.config["AI_CLIENT_TIMEOUT"] = 3
    with app.app_context():
        assert ai.client.timeout == 3


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("AI_CLIENT_API_KEY", f"{KEY}-2"),
        ("AI_CLIENT_TIMEOUT", 3),
        ("AI_CLIENT_CLIENTS", {"local": {"api_key": KEY}}),
        ("AI_CLIENT_CLIENTS", None),
        ("AI_CLIENT_UNKNOWN", KEY),
    ],
)
@pytest.mark.parametrize("use", ["client", "async_client", "provider"])
def test_configuration_after_the_first_use(key: str, value: object, use: str) -> None:
    """A key that changes later is an error that names it and holds no value; put back, the same client is there."""
    app = make()
    with app.app_context():
        before = getattr(ai, use)
    had = dict(app.config)
    app.config[key] = value
    with app.app_context():
        for look in (lambda: ai.client, lambda: ai["default"], get_ai_client, lambda: ai.override(app, None)):
            with pytest.raises(RuntimeError, match=f"{key} changed after .* first used") as caught:
                look()
            assert KEY not in str(caught.value)
    with pytest.raises(RuntimeError, match=key):
        app.test_client().get("/")
    app.config.clear()
    app.config.update(had)
    with app.app_context():
        assert getattr(ai, use) is before


def test_a_value_that_changes_inside() -> None:
    """What changes within a dict or list of the configuration is a change too: before the first use, and after."""
    app = make(AI_CLIENT_DEFAULT_HEADERS={"X-A": "1"}, AI_CLIENT_CLIENTS={"local": {"api_key": KEY}})
    app.config["AI_CLIENT_DEFAULT_HEADERS"]["X-A"] = "2"
    with app.app_context():
        assert ai.client.default_headers["X-A"] == "2"
        app.config["AI_CLIENT_CLIENTS"]["local"]["timeout"] = 3
        with pytest.raises(RuntimeError, match="AI_CLIENT_CLIENTS changed"):
            _ = ai.client


def test_other_keys_change_freely() -> None:
    """The configuration of others is theirs."""
    app = make()
    with app.app_context():
        before = ai.client
        app.config["SERVER_NAME"] = "host.test"
        assert ai.client is before


def test_first_use_in_many_threads() -> None:
    """Threads that meet at the first use after a change get one client, with the configuration as it is then."""
    app = make()
    app.config["AI_CLIENT_TIMEOUT"] = 7
    start = threading.Barrier(16)
    found: list[Any] = []

    def use() -> None:
        with app.app_context():
            start.wait()
            found.append(ai.client)

    threads = [threading.Thread(target=use) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 16
    assert len({id(client) for client in found}) == 1
    assert found[0].timeout == 7


def test_two_apps() -> None:
    """One extension is that of both its apps, whose clients and configurations are apart."""
    one, two = make(AI_CLIENT_TIMEOUT=1), make(AI_CLIENT_TIMEOUT=2)
    assert one.extensions["ai_client"] is two.extensions["ai_client"] is ai
    with one.app_context():
        first = ai.client
        with two.app_context():
            second = ai.client
        assert ai.client is first
    assert (first.timeout, second.timeout) == (1, 2)
    one.config["AI_CLIENT_TIMEOUT"] = 3
    with two.app_context():
        assert ai.client is second
        ai.provider.close()
    one.config["AI_CLIENT_TIMEOUT"] = 1
    with one.app_context():
        assert not ai.client.is_closed()


@pytest.mark.parametrize("second", [ai, AIClient()], ids=["the same", "another"])
def test_several_extensions_on_one_app(second: AIClient) -> None:
    """An app takes one `AIClient` once; the message says where further clients go, and the first stays."""
    app = make()
    with pytest.raises(RuntimeError, match="AI_CLIENT_CLIENTS"):
        second.init_app(app)
    assert app.extensions["ai_client"] is ai
    with app.app_context():
        assert ai.client.api_key == KEY


class Foreign:
    """An extension of somebody else."""

    def __repr__(self) -> str:
        return KEY


def test_a_foreign_extension() -> None:
    """Where another extension has the name, the registration and the client's absence name its class."""
    app = Flask(__name__)
    app.extensions["ai_client"] = Foreign()
    for attempt in (lambda: AIClient(app), lambda: ai.override(app, None)):
        with pytest.raises(RuntimeError, match=rf"extensions\['ai_client'\] .*{__name__}\.Foreign") as caught:
            attempt()
        assert KEY not in str(caught.value)
    with app.app_context(), pytest.raises(RuntimeError, match=r"\.Foreign"):
        get_ai_client()


def test_a_failed_registration_leaves_nothing() -> None:
    """An app whose configuration was refused can be registered once that is mended."""
    app = Flask(__name__)
    app.config["AI_CLIENT_TIMEOUTT"] = 1
    with pytest.raises(ConfigError):
        ai.init_app(app)
    assert "ai_client" not in app.extensions
    app.config = Flask(__name__).config
    app.config["AI_CLIENT_API_KEY"] = KEY
    ai.init_app(app)
    with app.app_context():
        assert ai.client.api_key == KEY


def test_a_late_registration_leaves_nothing() -> None:
    """An app that has served a request takes no extension any more, as Flask says it, and has none afterwards."""
    app = Flask(__name__)
    app.config["AI_CLIENT_API_KEY"] = KEY
    app.test_client().get("/")
    for _ in range(2):
        with pytest.raises(AssertionError, match="setup"):
            ai.init_app(app)
    assert "ai_client" not in app.extensions


def by(name: str) -> Any:
    """Return an error handler that answers with a name."""
    return lambda _: (name, 418)


@pytest.mark.parametrize(
    ("of_app", "of_blueprint", "answered"),
    [
        ((), (), None),
        ((OpenAIError,), (), "app"),
        ((RateLimitError,), (), "app"),
        ((Exception,), (), None),
        ((500,), (), None),
        ((), (OpenAIError,), "blueprint"),
        ((), (RateLimitError,), "blueprint"),
        ((), (Exception,), "blueprint"),
        ((), (500,), None),
        ((OpenAIError,), (Exception,), "blueprint"),
        ((RateLimitError,), (OpenAIError,), "blueprint"),
    ],
)
@pytest.mark.parametrize("first", [True, False], ids=["before", "after"])
def test_error_handlers(
    ai_client_upstream: Upstream,
    of_app: tuple[Any, ...],
    of_blueprint: tuple[Any, ...],
    answered: str | None,
    first: bool,
) -> None:
    """A blueprint's handlers answer first, then the app's for the error's class or one nearer to it, then ours.

    The order of their registration does not matter.
    """
    app = Flask(__name__)
    app.config.update(AI_CLIENT_API_KEY=KEY, AI_CLIENT_MAX_RETRIES=0)
    app.config["AI_CLIENT_BASE_URL"] = ai_client_upstream.base_url
    pages = Blueprint("pages", __name__)

    def own() -> None:
        for kind in of_app:
            app.register_error_handler(kind, by("app"))
        for kind in of_blueprint:
            pages.register_error_handler(kind, by("blueprint"))

    pages.add_url_rule("/", view_func=lambda: str(ai.client.models.list()))
    if first:
        own()
    ai.init_app(app)
    if not first:
        own()
    app.register_blueprint(pages)
    ai_client_upstream.reply(status=429)
    answer = app.test_client().get("/")
    if answered is None:
        assert answer.status_code == 429
        assert answer.json is not None
        assert answer.json["error"]["type"] == "rate_limit"
    else:
        assert (answer.status_code, answer.text) == (418, answered)
