"""The detector: whose clients count, how often it warns, and what it leaves behind."""

import gc
import inspect
import logging
import pickle
import sysconfig
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import httpx
import openai
import pytest
from celery import Celery
from flask import Flask

import ai_client
from ai_client import ClientConfig, ClientProvider
from ai_client._call import constructions
from ai_client.adapter import Detector, Remedy, RequestScope
from ai_client.detector import counts
from ai_client.detector.lines import CodeLine, count
from ai_client.errors import ConfigError
from ai_client.testing import Upstream
from ai_client_flask import AIClient
from tests.support.forks import in_child

PACKAGES = ("openai", "httpx", "httpx2")


class Derived(ai_client.OpenAI):
    """A client class of an application's own, with a constructor."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(api_key="key")


class DerivedHTTP(httpx.Client):
    """Such a class over httpx."""

    def __init__(self) -> None:
        super().__init__(timeout=3)


@pytest.fixture
def detector() -> Iterator[Detector]:
    """Detect the clients of all packages."""
    made = Detector(PACKAGES)
    made.start()
    yield made
    made.stop()


def found() -> list[tuple[str, int]]:
    """Return the classes of which more than one was built, with their number."""
    return [(one.client, one.count) for one in counts()]


def repeatedly(build: Callable[[], Any], times: int = 3) -> None:
    """Build clients, each in a request of its own."""
    for _ in range(times):
        with RequestScope("/"):
            build()


BUILT: dict[str, tuple[Callable[[], Any], str]] = {
    "ours": (lambda: ai_client.OpenAI(api_key="key"), "ai_client.OpenAI"),
    "async": (lambda: ai_client.AsyncOpenAI(api_key="key"), "ai_client.AsyncOpenAI"),
    "azure": (
        lambda: ai_client.AzureOpenAI(azure_endpoint="https://a.example", api_version="1", api_key="key"),
        "ai_client.AzureOpenAI",
    ),
    "derived": (lambda: Derived("name"), "ai_client.OpenAI"),
    "provider": (lambda: ClientProvider(api_key="key"), "ai_client.ClientProvider"),
    "official": (lambda: openai.OpenAI(api_key="key"), "openai.OpenAI"),
    "official async": (lambda: openai.AsyncOpenAI(api_key="key"), "openai.AsyncOpenAI"),
    "official azure": (
        lambda: openai.AzureOpenAI(azure_endpoint="https://a.example", api_version="1", api_key="key"),
        "openai.AzureOpenAI",
    ),
    "http": (httpx.Client, "httpx.Client"),
    "http async": (httpx.AsyncClient, "httpx.AsyncClient"),
    "http derived": (DerivedHTTP, "httpx.Client"),
    "default http": (openai.DefaultHttpxClient, None),
}  # type: ignore[dict-item]


@pytest.mark.usefixtures("detector")
@pytest.mark.parametrize("kind", BUILT)
def test_classes(kind: str) -> None:
    """A client of each class counts once per construction, one that is part of another not at all."""
    build, name = BUILT[kind]
    repeatedly(build)
    [(client, number)] = found()
    assert number == 3
    assert client == name or (name is None and client.startswith("httpx"))
    assert counts()[0].file == __file__


@pytest.mark.usefixtures("detector")
def test_one_client_is_no_leak() -> None:
    """A client that is built once, on first use, is not counted, nor is one outside of requests."""
    build = lru_cache(lambda: ai_client.OpenAI(api_key="key"))
    repeatedly(build)
    for _ in range(3):
        ai_client.OpenAI(api_key="key")
    assert counts() == []


@pytest.mark.usefixtures("detector")
def test_copies_are_no_clients() -> None:
    """Copies share the connections of their original, those of the official client too."""
    ours = ai_client.OpenAI(api_key="key")
    official = openai.OpenAI(api_key="key")
    over_ours = ai_client.interop.official(ours)

    def copy() -> None:
        ours.with_options(timeout=3)
        ours.copy(api_key="other")
        official.with_options(timeout=3)
        official.copy(api_key="other")
        over_ours.with_options(timeout=3)

    repeatedly(copy)
    assert counts() == []


@pytest.mark.usefixtures("detector")
def test_clients_over_one_http_client() -> None:
    """Clients that share an HTTP client have no connections of their own; with one of their own each they do."""
    shared = httpx.Client()
    repeatedly(lambda: ai_client.OpenAI(api_key="key", http_client=shared))
    assert counts() == []
    repeatedly(lambda: ai_client.OpenAI(api_key="key", http_client=httpx.Client()))
    assert ("ai_client.OpenAI", 3) in found()


@pytest.mark.usefixtures("detector")
def test_clients_that_a_provider_builds() -> None:
    """A provider's clients do not count, whatever functions of the application build them."""

    def http_client() -> httpx.Client:
        return httpx.Client()

    def official(**options: Any) -> Any:
        return openai.OpenAI(api_key=options["api_key"])

    for _ in range(3):
        given = ClientProvider(api_key="key", http_client=http_client)
        of_class = ClientProvider(api_key="key", client_class=official)
        with RequestScope("/"):
            assert given.client is not None
            assert given.official is not None
            assert of_class.client is not None
        given.close()
        of_class.close()
    assert counts() == []


@pytest.mark.usefixtures("detector")
def test_other_threads() -> None:
    """A client counts that a thread without the request's context builds while the request waits for it."""
    with ThreadPoolExecutor(1) as pool:
        repeatedly(lambda: pool.submit(ai_client.OpenAI, api_key="key").result())
    assert found() == [("ai_client.OpenAI", 3)]


@pytest.mark.usefixtures("detector")
def test_libraries_are_passed_over() -> None:
    """A client that a library builds is counted at the line of the application that uses the library."""
    source = "import openai\ndef agent():\n    return openai.OpenAI(api_key='key')\n"
    library: dict[str, Any] = {"__name__": "agents"}
    exec(compile(source, f"{sysconfig.get_path('purelib')}/agents.py", "exec"), library)  # noqa: S102
    repeatedly(library["agent"])
    [line] = counts()
    assert (line.file, line.client) == (__file__, "openai.OpenAI")


def test_http_client_of_an_official_client() -> None:
    """Where the official SDK's clients are not detected, their HTTP clients are, at the same line."""
    detector = Detector(["httpx", "httpx2"])
    detector.start()
    repeatedly(lambda: openai.OpenAI(api_key="key"))
    detector.stop()
    [line] = counts()
    assert line.client.startswith("httpx")
    assert line.file == __file__


def test_warnings_become_rare(caplog: pytest.LogCaptureFixture) -> None:
    """A line is warned of at its second client, the 128th, and each time that the number has doubled."""
    line = CodeLine("app.py", 7, "view", "openai.OpenAI")
    with caplog.at_level(logging.WARNING, "ai_client.detector"):
        for _ in range(600):
            count(line, "Do not.")
    said = [record.getMessage() for record in caplog.records]
    assert [text.partition(": ")[2].split()[0] for text in said] == ["2", "128", "256", "512"]
    assert said[0].startswith(
        "app.py:7, in view, builds openai.OpenAI while requests are served: 2 clients in "
    )
    assert said[0].endswith(" Do not.")


def test_lines_are_bounded() -> None:
    """Beyond a thousand lines the rest is counted together."""
    for number in range(2000):
        count(CodeLine("generated.py", number, "view", "openai.OpenAI"), "")
    assert [(one.file, one.count) for one in counts()] == [("other", 1000)]


def test_everything_is_undone() -> None:
    """After the last detector has stopped the constructors are the classes' own, and ours ask nobody."""
    before = openai.OpenAI.__init__, httpx.Client.__init__, httpx.AsyncClient.__init__
    first, second = Detector(PACKAGES), Detector(True)
    first.start()
    second.start()
    second.start()
    assert openai.OpenAI.__init__ is not before[0]
    assert inspect.signature(openai.OpenAI) == inspect.signature(before[0]).replace(
        parameters=list(inspect.signature(before[0]).parameters.values())[1:]
    )
    first.stop()
    assert (openai.OpenAI.__init__, httpx.Client.__init__, httpx.AsyncClient.__init__) == before
    assert constructions.hook is not None
    second.stop()
    second.stop()
    assert constructions.hook is None


def test_constructor_that_somebody_else_replaces(monkeypatch: pytest.MonkeyPatch) -> None:
    """A constructor that was replaced over the detector's stays, and counts each client once when it is on again."""
    detector = Detector(["httpx"])
    original = httpx.Client.__init__
    detector.start()
    detected = httpx.Client.__init__

    def replaced(client: httpx.Client, *args: Any, **options: Any) -> None:
        detected(client, *args, **options)

    monkeypatch.setattr(httpx.Client, "__init__", replaced)
    detector.stop()
    repeatedly(httpx.Client)
    assert counts() == []
    assert httpx.Client.__init__ is replaced
    detector.start()
    repeatedly(httpx.Client)
    assert found() == [("httpx.Client", 3)]
    monkeypatch.undo()
    detector.stop()
    assert httpx.Client.__init__ is original


@pytest.mark.usefixtures("detector")
def test_classes_can_be_pickled() -> None:
    """Classes whose constructors are watched are pickled by their names, as ever."""
    for kind in (openai.OpenAI, httpx.Client, DerivedHTTP):
        assert pickle.loads(pickle.dumps(kind)) is kind  # noqa: S301


@pytest.mark.usefixtures("detector")
def test_child_of_a_fork() -> None:
    """A child begins with nothing counted, and detects what it builds."""
    repeatedly(lambda: ai_client.OpenAI(api_key="key"))

    def child() -> bool:
        before = counts()
        repeatedly(lambda: openai.OpenAI(api_key="key"), times=4)
        return before == [] and found() == [("openai.OpenAI", 4)]

    assert in_child(child)
    assert found() == [("ai_client.OpenAI", 3)]


def test_provider_detects_until_it_is_closed() -> None:
    """A provider with the option detects from its creation until it is closed or collected, and after a new start."""
    provider = ClientProvider(api_key="key", warn_on_extra_clients=True)
    assert constructions.hook is not None
    provider.close()
    assert constructions.hook is None
    provider.start()
    assert constructions.hook is not None
    del provider
    gc.collect()
    assert constructions.hook is None


def test_provider_that_is_collected_while_another_starts() -> None:
    """Wherever the garbage collector interrupts a start, nothing is detected for a provider that was dropped."""
    original = openai.OpenAI.__init__
    detector = Detector(True)
    for allocations in range(1, 25):
        gc.disable()
        provider = ClientProvider(api_key="key", warn_on_extra_clients=["openai"])
        vars(provider)["itself"] = provider
        replaced = openai.OpenAI.__init__
        del provider
        usual = gc.get_threshold()
        gc.set_threshold(gc.get_count()[0] + allocations)
        gc.enable()
        detector.start()
        gc.set_threshold(*usual)
        gc.collect(0)
        assert replaced is not original
        assert openai.OpenAI.__init__ is original, allocations
        detector.stop()
        assert constructions.hook is None


def test_the_framework_decides_where_the_option_is_not_set() -> None:
    """A framework's debug mode counts where the option is not set, and not where it is set to false."""
    for given, debug, detects in (
        (None, True, True),
        (None, False, False),
        (False, True, False),
        (True, False, True),
    ):
        provider = ClientProvider(api_key="key", warn_on_extra_clients=given)
        provider.detect_extra_clients(debug=debug)
        assert (constructions.hook is not None) == detects
        provider.close()


def test_advice_of_the_framework(caplog: pytest.LogCaptureFixture) -> None:
    """A warning has the advice of the framework for the class that it is about."""
    detector = Detector(["openai", "httpx"], remedy=Remedy("Ours instead.", "Official instead."))
    plain = Detector(True)
    detector.start()
    plain.start()
    repeatedly(lambda: ai_client.OpenAI(api_key="key"))
    repeatedly(lambda: openai.OpenAI(api_key="key"))
    repeatedly(httpx.Client)
    detector.stop()
    plain.stop()
    ours, official, http = (
        record.getMessage() for record in caplog.records if "builds" in record.getMessage()
    )
    assert ours.endswith("Ours instead.")
    assert official.endswith("Official instead.")
    assert http.endswith("Build it once, where the application starts, and close it where it ends.")


def test_flask_in_debug_mode() -> None:
    """A Flask app in debug mode detects from its first request on, though nobody uses its own clients."""
    app = Flask(__name__)
    app.config["AI_CLIENT_API_KEY"] = "key"
    AIClient(app)
    app.debug = True

    @app.get("/")
    def view() -> str:
        ai_client.OpenAI(api_key="key")
        return ""

    for _ in range(3):
        assert app.test_client().get("/").status_code == 200
    assert found() == [("ai_client.OpenAI", 3)]


@pytest.mark.usefixtures("detector")
def test_tasks_of_celery() -> None:
    """A task of Celery counts as a request does."""
    app = Celery()

    @app.task
    def ask() -> None:
        ai_client.OpenAI(api_key="key")

    for _ in range(3):
        ask.apply(throw=True)
    assert found() == [("ai_client.OpenAI", 3)]


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", True), ("off", False), ("openai", ["openai"]), ("openai, httpx2", ["openai", "httpx2"])],
)
def test_option_in_the_environment(text: str, value: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the environment the option is a truth value or a list of packages."""
    monkeypatch.setenv("AI_CLIENT_WARN_ON_EXTRA_CLIENTS", text)
    assert ClientConfig(api_key="key").warn_on_extra_clients == value


@pytest.mark.parametrize("value", ["opanai", ["requests"], 3, b"1", {"openai": True}, [["openai"]]], ids=repr)
def test_impossible_options(value: Any) -> None:
    """What is neither a truth value nor a list of packages fails at the start, and the message says what would do."""
    with pytest.raises(ConfigError, match="true, false, or a list of openai, httpx and httpx2"):
        ClientConfig(api_key="key", warn_on_extra_clients=value)


@pytest.mark.usefixtures("detector")
def test_calls_of_the_provider_count_nothing() -> None:
    """Calls through a provider, also over the official client, build nothing that counts."""
    with Upstream() as upstream:
        provider = ClientProvider(api_key="key", base_url=upstream.base_url)

        def call() -> None:
            provider.client.models.list()
            provider.official.models.list()

        repeatedly(call)
        provider.close()
    assert counts() == []
