"""The Django app in one process: the handle in the settings, overrides, middleware and command."""

import subprocess
import sys
import threading
from io import StringIO
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.test import Client, override_settings
from pytest_django import Settings

from ai_client import ConfigError, OpenAI
from ai_client.testing import Upstream
from ai_client_django import ai_client, get_ai_client, get_async_ai_client
from tests.support.sites.django_site.urls import PROMPT

KEY = "sk-verysecret"
SEVERAL = {
    "default": {"api_key": KEY, "timeout": 30},
    "azure": {"api_key": "k", "base_url": "https://az.test/v1"},
}


@pytest.fixture
def upstream(settings: Settings, ai_client_upstream: Upstream) -> Upstream:
    """Point the setting to an upstream, as a project's tests do."""
    settings.AI_CLIENT = {"base_url": ai_client_upstream.base_url, "api_key": KEY, "max_retries": 0}
    return ai_client_upstream


def test_one_client(upstream: Upstream) -> None:
    """Every way to the client leads to the same one."""
    handle = django_settings.AI_CLIENT
    assert handle.client is get_ai_client() is handle["default"].client
    assert handle.async_client is get_async_ai_client()
    assert handle.chat is handle.client.chat is ai_client.chat
    assert not upstream.connections_opened


def test_one_client_for_all_threads(upstream: Upstream) -> None:
    """Threads that meet at the first use get one client."""
    del upstream
    start = threading.Barrier(32)
    found: set[int] = set()

    def use() -> None:
        start.wait()
        found.add(id(django_settings.AI_CLIENT.client))

    threads = [threading.Thread(target=use) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 1


@override_settings(AI_CLIENT=SEVERAL)
def test_aliases_and_options() -> None:
    """In brackets, an alias gives its client and an option its value, of the default client unless said otherwise."""
    handle = django_settings.AI_CLIENT
    assert str(handle["azure"].client.base_url) == "https://az.test/v1/"
    assert handle["azure"].client is get_ai_client("azure") is not handle.client
    assert handle["timeout"] == handle["default"]["timeout"] == 30
    assert dict(handle["azure"]) == SEVERAL["azure"]
    assert list(handle) == ["default", "azure"]
    assert handle.get("max_retries") is None
    with pytest.raises(KeyError):
        handle["nothing"]
    with pytest.raises(ConfigError, match="Did you mean 'azure'"):
        get_ai_client("azur")


def test_options_stay_readable(upstream: Upstream) -> None:
    """A flat setting reads as the mapping it was, and makes another one by unpacking."""
    handle = django_settings.AI_CLIENT
    assert dict(handle) == {"base_url": upstream.base_url, "api_key": KEY, "max_retries": 0}
    assert handle["default"] is handle
    with override_settings(AI_CLIENT={**handle, "timeout": 3}):
        assert django_settings.AI_CLIENT.client.base_url == handle.client.base_url
        assert django_settings.AI_CLIENT["timeout"] == 3


@override_settings(AI_CLIENT=SEVERAL)
def test_several_clients_unpack() -> None:
    """A setting of several clients makes another one by unpacking, too."""
    with override_settings(AI_CLIENT={**django_settings.AI_CLIENT, "local": {"api_key": "l"}}):
        assert get_ai_client("azure").api_key == "k"
        assert get_ai_client("local").api_key == "l"


def test_override_is_restored(upstream: Upstream) -> None:
    """Overrides nest: each has a client of its own, is closed at its end, and what was before is back."""
    del upstream
    outer = django_settings.AI_CLIENT
    before = outer.client
    with override_settings(AI_CLIENT={"api_key": "one"}):
        first = get_ai_client()
        with override_settings(AI_CLIENT={"api_key": "two"}):
            second = get_ai_client()
            assert ai_client.api_key == "two"
        assert second.is_closed()
        assert get_ai_client() is first
        assert not first.is_closed()
    assert first.is_closed()
    assert django_settings.AI_CLIENT is outer
    assert get_ai_client() is before
    assert not before.is_closed()


def test_faulty_override(upstream: Upstream) -> None:
    """A faulty override fails where it is made, and leaves the setting as it was."""
    del upstream
    before = django_settings.AI_CLIENT
    with pytest.raises(ConfigError, match=r"Did you mean AI_CLIENT\['timeout'\]"):
        override_settings(AI_CLIENT={"timeoutt": 3}).enable()
    assert django_settings.AI_CLIENT is before
    assert get_ai_client()


def test_override_of_the_client(upstream: Upstream) -> None:
    """A test can put its own client in the place of the process's, for the length of a block."""
    del upstream
    fake: Any = OpenAI(api_key="fake")
    with django_settings.AI_CLIENT.override(fake):
        assert get_ai_client() is fake
        assert ai_client.chat is fake.chat
    assert get_ai_client() is not fake


@override_settings(
    AI_CLIENT={"api_key": KEY, "default_headers": {"X-Secret": KEY}, "base_url": f"https://u:{KEY}@h/v1"}
)
def test_no_secret_is_shown() -> None:
    """Neither the repr of the handle nor `diffsettings` shows a key, a header or a password."""
    out = StringIO()
    call_command("diffsettings", stdout=out)
    assert "AI_CLIENT = <AI_CLIENT(" in out.getvalue()
    for text in (
        out.getvalue(),
        repr(django_settings.AI_CLIENT),
        str(django_settings.AI_CLIENT),
        repr(ai_client),
    ):
        assert KEY not in text


def test_introspection_builds_nothing(upstream: Upstream) -> None:
    """Looking for attributes that no client has by name builds no client."""
    del upstream
    handle = django_settings.AI_CLIENT
    assert not hasattr(handle, "__wrapped__")
    assert not hasattr(handle, "_setup")
    assert not hasattr(ai_client, "__wrapped__")
    assert bool(handle)
    assert handle.provider["default"].__dict__["_client"] is None


def test_other_errors_are_django_s(client: Client) -> None:
    """An error that is not the client's is left to Django."""
    with pytest.raises(LookupError):
        client.get("/broken/")


@pytest.mark.parametrize(
    "reply", [{"status": 500}, {"status": 401}, {"disconnect": True}, {"close_after": 20}]
)
def test_no_secret_on_the_debug_page(settings: Settings, upstream: Upstream, reply: dict[str, Any]) -> None:
    """The debug page of an error in a call shows neither the key nor what was asked."""
    settings.DEBUG = True
    settings.MIDDLEWARE = []
    upstream.reply(**reply)
    page = Client(raise_request_exception=False).get("/items/1/").content.decode()
    assert "Traceback" in page
    assert KEY not in page
    assert PROMPT not in page


def test_doctor(upstream: Upstream) -> None:
    """The command shows the effective options without the key, and asks for the models unless it is offline."""
    out = StringIO()
    call_command("ai_client", "doctor", "--offline", stdout=out)
    assert upstream.base_url in out.getvalue()
    assert KEY not in out.getvalue()
    assert not upstream.requests
    call_command("ai_client", "doctor", stdout=out)
    assert "models" in out.getvalue()
    assert [request.path for request in upstream.requests] == ["/v1/models"]


def test_doctor_reports_a_failed_call(upstream: Upstream) -> None:
    """A call that fails makes the command fail."""
    upstream.reply(status=401)
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("ai_client", "doctor", stdout=out)
    assert "does not accept the key (401)" in out.getvalue()


SETUP = """
import django
from django.conf import settings
settings.configure(INSTALLED_APPS=[{apps!r}], AI_CLIENT={options})
{start}
"""


def run(options: str, start: str, apps: str = "ai_client_django") -> "subprocess.CompletedProcess[str]":
    """Load a project in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", SETUP.format(options=options, start=start, apps=apps)],
        capture_output=True,
        text=True,
        check=False,
    )


def test_not_installed() -> None:
    """Without the app in INSTALLED_APPS the error of the client says what to do, and showing it fails in no way."""
    started = run(
        '{"api_key": "k"}',
        "django.setup()\n"
        "from ai_client_django import ai_client\n"
        "assert not hasattr(ai_client, '_repr_html_') and repr(ai_client) and 'chat' not in dir(ai_client)\n"
        "ai_client.chat",
        apps="django.contrib.contenttypes",
    )
    assert "ImproperlyConfigured: The AI client is not loaded. Add" in started.stderr
    assert "INSTALLED_APPS" in started.stderr


def test_setup_builds_nothing() -> None:
    """`django.setup()` builds no client, loads no HTTP library, and starts no thread."""
    started = run(
        '{"api_key": "k"}',
        "django.setup()\n"
        "import sys, threading\n"
        "assert threading.active_count() == 1\n"
        "print(sorted({'httpx', 'httpx2', 'ai_client._pool.pool'} & set(sys.modules)))",
    )
    assert started.stdout == "[]\n", started.stderr


def test_faulty_setting_stops_a_server() -> None:
    """Where no system check runs, a faulty option fails as the apps are loaded."""
    started = run('{"timeoutt": 3}', "django.setup()")
    assert started.returncode
    assert "ConfigError: AI_CLIENT['timeoutt']: unknown option." in started.stderr


def test_faulty_setting_is_a_system_check() -> None:
    """A management command reports a faulty option as a system check."""
    started = run(
        '{"timeoutt": 3}',
        "from django.core.management import execute_from_command_line as execute\n"
        "execute(['manage.py', 'check'])",
    )
    assert started.returncode
    assert "(ai_client_django.E002) AI_CLIENT['timeoutt'] is not an option" in started.stderr
    assert "HINT: Did you mean AI_CLIENT['timeout']?" in started.stderr
