"""The Flask extension in one process."""

import gc
import threading
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.cli import FlaskGroup

from ai_client import ConfigError, OpenAI, current_labels
from ai_client.testing import Upstream
from ai_client_flask import AIClient, current_ai_client, get_ai_client, get_async_ai_client, stream_response
from ai_client_flask._command import commands
from tests.support.servers import ROOT
from tests.support.sites.flask_site import ai, create_app

CONFIG = {"AI_CLIENT_API_KEY": "sk-verysecret"}


@pytest.fixture
def app(ai_client_upstream: Upstream) -> Iterator[Flask]:
    """Make the app of the tests over an upstream."""
    app = create_app(AI_CLIENT_BASE_URL=ai_client_upstream.base_url)
    yield app
    with app.app_context():
        app.extensions["ai_client"].provider.close()


def make(**config: Any) -> Flask:
    """Make an app without views."""
    app = Flask(__name__)
    app.config.update(CONFIG, **config)
    return app


def test_one_client_per_app() -> None:
    """Every way to the client of an app leads to the same one, and two apps have one each."""
    extension = AIClient()
    apps = make(), make()
    for app in apps:
        extension.init_app(app)
    found: list[OpenAI] = []
    for app in apps:
        with app.app_context():
            assert extension.client is get_ai_client() is extension["default"].client
            assert current_ai_client._get_current_object() is extension.client  # type: ignore[attr-defined]
            found.append(extension.client)
    assert found[0] is not found[1]


def test_one_client_for_all_threads(app: Flask) -> None:
    """Threads that meet at the first use get one client."""
    start = threading.Barrier(32)
    found: set[int] = set()

    def use() -> None:
        with app.app_context():
            start.wait()
            found.add(id(ai.client))

    threads = [threading.Thread(target=use) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 1


def test_extension_keeps_no_app() -> None:
    """Registering an app leaves nothing of it in the extension."""
    extension = AIClient()
    before = dict(vars(extension))
    extension.init_app(make())
    assert vars(extension) == before


def test_aliases() -> None:
    """`AI_CLIENT_CLIENTS` gives further clients, each with its own options."""
    app = make(AI_CLIENT_CLIENTS={"azure": {"api_key": "k", "base_url": "https://azure.test/v1"}})
    extension = AIClient(app)
    with app.app_context():
        assert str(extension["azure"].client.base_url) == "https://azure.test/v1/"
        assert get_ai_client("azure") is extension["azure"].client is not extension.client
        assert get_async_ai_client("azure") is extension["azure"].async_client
        with pytest.raises(ConfigError, match="Did you mean 'azure'"):
            get_ai_client("azur")


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"AI_CLIENT_TIMEOUTT": 3}, "AI_CLIENT_TIMEOUTT: unknown option. Did you mean AI_CLIENT_TIMEOUT?"),
        ({"AI_CLIENT_MAX_RETRIES": -1}, "AI_CLIENT_MAX_RETRIES: "),
        ({"AI_CLIENT_API_KEY": "sk-verysecret\n"}, "AI_CLIENT_API_KEY has blanks"),
        ({"AI_CLIENT_CLIENTS": ["azure"]}, "AI_CLIENT_CLIENTS must map"),
        ({"AI_CLIENT_CLIENTS": {"azure": "sk-verysecret"}}, "AI_CLIENT_CLIENTS['azure'] must be a mapping"),
        (
            {"AI_CLIENT_CLIENTS": {"azure": {"timeot": 1}}},
            "Did you mean AI_CLIENT_CLIENTS['azure']['timeout']?",
        ),
        ({"AI_CLIENT_CLIENTS": {"default": {}}}, "configure the default one with AI_CLIENT_"),
    ],
)
def test_faulty_configuration(config: dict[str, Any], message: str) -> None:
    """A faulty key fails at registration with its name as in `app.config`, and without any value."""
    with pytest.raises(ConfigError) as caught:
        AIClient(make(**config))
    assert message in str(caught.value)
    assert "verysecret" not in str(caught.value)


def test_app_without_the_extension() -> None:
    """The client of an app that is not registered is refused with what to do."""
    with make().app_context(), pytest.raises(RuntimeError, match="init_app"):
        get_ai_client()


def test_outside_of_a_context() -> None:
    """Without an app context there is no client, as Flask says it."""
    with pytest.raises(RuntimeError, match="application context"):
        _ = AIClient(make()).client


def test_endpoint_while_streaming(app: Flask) -> None:
    """A generator that a response reads after its view returned has the labels of its request."""
    assert "/labels/<int:pk>" in app.test_client().get("/labels/7").text


def test_labels_end_with_the_request(app: Flask) -> None:
    """A request leaves no label behind in its thread, also where a hook answered before its view."""
    app.before_request_funcs.setdefault(None, []).insert(0, lambda: "early")
    app.test_client().get("/items/7")
    app.before_request_funcs[None].pop(0)
    app.test_client().get("/items/7")
    app.test_client().get("/nowhere")
    assert current_labels().endpoint is None


def test_without_error_handlers(ai_client_upstream: Upstream) -> None:
    """The errors are the app's own where it says so."""
    app = make(AI_CLIENT_BASE_URL=ai_client_upstream.base_url, AI_CLIENT_MAX_RETRIES=0)
    extension = AIClient(app, error_handlers=False)
    app.add_url_rule("/", view_func=lambda: str(extension.client.models.list()))
    ai_client_upstream.reply(status=429)
    assert app.test_client().get("/").status_code == 500


def test_stream_closes_upstream_when_the_reader_leaves(app: Flask, ai_client_upstream: Upstream) -> None:
    """The connection to the upstream is closed when the response is closed before its end."""
    ai_client_upstream.reply(pause=60)
    answer = app.test_client().get("/stream", buffered=False)
    assert next(answer.iter_encoded())
    answer.close()
    ai_client_upstream.wait_for(lambda: ai_client_upstream.requests[0].aborted)


def test_generator_that_fails() -> None:
    """An error that is not the client's is raised out of the stream."""
    app = make()
    with app.test_request_context():
        response = stream_response(1 / zero for zero in [0])
        with pytest.raises(ZeroDivisionError):
            list(response.response)  # type: ignore[arg-type]


def test_app_that_is_gone(ai_client_upstream: Upstream) -> None:
    """The connections of an app that nobody holds any more are closed."""
    app = create_app(AI_CLIENT_BASE_URL=ai_client_upstream.base_url)
    app.test_client().get("/items/1")
    assert ai_client_upstream.connections_open == 1
    del app
    gc.collect()
    ai_client_upstream.wait_for(lambda: not ai_client_upstream.connections_open)


def test_override(app: Flask) -> None:
    """A test can put its own client in the place of an app's, for the length of a block."""
    fake: Any = OpenAI(api_key="fake")
    with app.app_context():
        before = ai.client
        with ai.override(app, fake):
            assert get_ai_client() is fake
        assert get_ai_client() is before


def test_doctor(app: Flask, ai_client_upstream: Upstream) -> None:
    """The command shows the effective options without the key, and asks for the models unless it is offline."""
    run = app.test_cli_runner().invoke(args=["ai-client", "doctor", "--offline"])
    assert run.exit_code == 0, run.output
    assert ai_client_upstream.base_url in run.output
    assert "verysecret" not in run.output
    assert not ai_client_upstream.requests
    run = app.test_cli_runner().invoke(args=["ai-client", "doctor"])
    assert "models" in run.output
    assert [request.path for request in ai_client_upstream.requests] == ["/v1/models"]


def test_doctor_reports_a_failed_call(app: Flask, ai_client_upstream: Upstream) -> None:
    """A call that fails makes the command fail."""
    ai_client_upstream.reply(status=401)
    run = app.test_cli_runner().invoke(args=["ai-client", "doctor"])
    assert run.exit_code == 1
    assert "does not accept the key (401)" in run.output


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"AI_CLIENT_TIMEOUT": "soon"}, ["AI_CLIENT_TIMEOUT: "]),
        (
            {"AI_CLIENT_TIMEOUT": -1, "AI_CLIENT_MAX_RETRIES": -1},
            ["AI_CLIENT_TIMEOUT: ", "AI_CLIENT_MAX_RETRIES: "],
        ),
        (None, ["This app has no AI client."]),
    ],
    ids=["one", "two", "none"],
)
def test_doctor_of_an_app_that_does_not_load(keys: dict[str, Any] | None, said: list[str]) -> None:
    """The command says what is wrong with an option that keeps the app from loading, each on a line."""

    def create() -> Flask:
        app = Flask("app")
        if keys is not None:
            app.config.update(keys)
            AIClient(app)
        return app

    cli = FlaskGroup(create_app=create, add_default_commands=False)
    cli.add_command(commands)  # as Flask adds those of packages
    environment = {"FLASK_RUN_FROM_CLI": "true"}  # which Flask sets, and nobody resets
    run = CliRunner(env=environment).invoke(cli, ["ai-client", "doctor"])
    assert run.exit_code == 1
    assert isinstance(run.exception, SystemExit)
    for start in said:
        assert (
            sum(start in line for line in run.output.splitlines() if "FAULT" in line or "Error" in line) == 1
        )


def test_the_command_is_one_of_flask() -> None:
    """Flask finds the command in the package's metadata, so that it is there even if the app does not load."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["flask.commands"] == {"ai-client": "ai_client_flask._command:commands"}


def test_a_missing_key_is_told_at_the_start(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Without a key the start logs one warning, which names the option and the variable; with one it logs nothing."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    AIClient(Flask("bare"))
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert "AI_CLIENT_API_KEY" in record.message
    assert "OPENAI_API_KEY" in record.message
    caplog.clear()
    app = Flask("with a key")
    app.config["AI_CLIENT_API_KEY"] = "k"
    AIClient(app)
    assert not caplog.records
