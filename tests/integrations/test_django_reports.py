"""Error reports of a Django project, which hold its settings: none shows what is secret in `AI_CLIENT`."""

import logging
import socketserver
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import StringIO
from typing import Any

import django
import pytest
from django.conf import global_settings, settings as django_settings
from django.core import mail
from django.core.management import call_command
from django.test import Client, RequestFactory, override_settings
from django.utils.log import AdminEmailHandler
from django.views.debug import (
    SafeExceptionReporterFilter,
    get_default_exception_reporter_filter,
    technical_500_response,
)
from pytest_django import Settings

from ai_client.errors import StoreError
from ai_client_django import debug, get_ai_client

SECRET = "hush-hush"
TARGET: dict[str, Any] = {
    "api_key": f"target-{SECRET}",
    "base_url": f"https://user:{SECRET}@target.test/v1?code={SECRET}",
    "default_headers": {"Authorization": f"Bearer {SECRET}", "X-Plain": SECRET},
    "default_query": {"code": SECRET},
    "organization": "acme",
}
OPTIONS: dict[str, Any] = {
    "api_key": f"sk-{SECRET}",
    "admin_api_key": f"sk-admin-{SECRET}",
    "webhook_secret": "whsec_aHVzaC1odXNo" + SECRET.replace("-", ""),
    "base_url": f"https://user:{SECRET}@ai.test/v1?code={SECRET}",
    "default_headers": {"Authorization": f"Bearer {SECRET}", "X-Plain": SECRET},
    "default_query": {"code": SECRET},
    "controls": {
        "store": f"redis://:{SECRET}@127.0.0.1:1/0",
        "on_store_failure": "closed",
        "cost": True,
        "models": {"quick": ["big", "spare:small"]},
        "fallback": {"clients": {"spare": TARGET}},
        "rate_limits": [{"requests": 5, "per": "minute"}],
    },
}
SEVERAL = {
    "default": OPTIONS,
    "spare": TARGET,
    "plain": {"api_key": SECRET, "base_url": f"http://{SECRET}:@h/v1"},
}
FAULTY: dict[str, Any] = {
    "api_keyy": SECRET,
    "timeout": [SECRET, {"a": SECRET}],
    "base_url": [f"https://u:{SECRET}@h/"],
    "organization": {"of": SECRET},
    "controls": [{"store": f"redis://:{SECRET}@h"}],
    "max_retries": f"https://u:{SECRET}@h/",
    "default_headers": [("Authorization", SECRET)],
}
WRITTEN = pytest.mark.parametrize(
    "written",
    [OPTIONS, SEVERAL, FAULTY, {"default": FAULTY}],
    ids=["one", "several", "faulty", "faulty default"],
)


class OwnFilter(SafeExceptionReporterFilter):
    """A project's own filter, which hides what the project calls private."""

    def cleanse_setting(self, key: str, value: Any) -> Any:
        """Hide the project's settings."""
        return "own mark" if key == "PRIVATE" else super().cleanse_setting(key, value)


class RawFilter(SafeExceptionReporterFilter):
    """A project's filter that hides nothing."""

    def get_safe_settings(self) -> dict[str, Any]:
        """Return all settings."""
        return {name: getattr(django_settings, name) for name in dir(django_settings) if name.isupper()}


class StrictFilter(SafeExceptionReporterFilter):
    """A project's filter that shows no dict."""

    def cleanse_setting(self, key: str, value: Any) -> Any:
        """Hide dicts."""
        return "own mark" if isinstance(value, dict) else super().cleanse_setting(key, value)


def make_filter() -> SafeExceptionReporterFilter:
    """Make a project's filter."""
    return OwnFilter()


FILTERS = {
    "Django's": global_settings.DEFAULT_EXCEPTION_REPORTER_FILTER,
    "own": f"{__name__}.OwnFilter",
    "raw": f"{__name__}.RawFilter",
    "strict": f"{__name__}.StrictFilter",
    "function": f"{__name__}.make_filter",
}


@pytest.fixture(params=FILTERS.values(), ids=FILTERS)
def reporter_filter(request: pytest.FixtureRequest, settings: Settings) -> str:
    """Configure a project's filter."""
    path: str = request.param
    settings.DEFAULT_EXCEPTION_REPORTER_FILTER = path
    return path


def fail() -> None:
    """Fail as a view that holds the setting in variables."""
    setting = django_settings.AI_CLIENT
    inner = {"setting": setting, "all": [setting], "alias": setting.get("spare")}
    raise LookupError(len(inner))


def debug_page() -> list[str]:
    """Return Django's technical page of an error, as HTML and as text."""
    pages: list[str] = []
    for accepted in ("text/html", "text/plain"):
        request = RequestFactory().get("/", headers={"accept": accepted})
        try:
            fail()
        except LookupError:
            pages.append(technical_500_response(request, *sys.exc_info()).content.decode())
    return pages


def error_mail() -> list[str]:
    """Return the mail that Django sends the admins of an error, with its HTML part."""
    mail.outbox.clear()
    logger = logging.getLogger(f"{__name__}.mail")
    handler = AdminEmailHandler(include_html=True)
    logger.addHandler(handler)
    try:
        fail()
    except LookupError:
        logger.exception("broken", extra={"request": RequestFactory().get("/")})
    finally:
        logger.removeHandler(handler)
    (sent,) = mail.outbox
    return [str(sent.subject), str(sent.body), *(str(content) for content, _ in sent.alternatives)]


def differences() -> list[str]:
    """Return what `diffsettings` prints."""
    texts: list[str] = []
    for arguments in ([], ["--all"], ["--output", "unified"]):
        out = StringIO()
        call_command("diffsettings", *arguments, stdout=out)
        texts.append(out.getvalue())
    return texts


REPORTS = pytest.mark.parametrize("report", [debug_page, error_mail, differences])


@pytest.fixture(autouse=True)
def _admins(settings: Settings) -> None:
    admin = "a@test.test"
    settings.ADMINS = [admin if django.VERSION >= (6,) else ("A", admin)]
    if django.VERSION >= (6, 1):
        settings.MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}


@WRITTEN
@REPORTS
def test_no_secret_in_any_report(
    reporter_filter: str, settings: Settings, report: Callable[[], list[str]], written: dict[str, Any]
) -> None:
    """No report shows a key, a header, a password of an address or anything nested, whatever filter the project has."""
    del reporter_filter
    settings.AI_CLIENT = {"api_key": "k"}
    django_settings.AI_CLIENT.clear()
    django_settings.AI_CLIENT.update(written)
    texts = report()
    assert "AI_CLIENT" in "".join(texts)
    for text in texts:
        assert SECRET not in text
        assert SECRET.replace("-", "") not in text


@WRITTEN
def test_no_secret_in_a_repr(settings: Settings, written: dict[str, Any]) -> None:
    """Neither the setting nor one of its aliases shows a secret, in whatever it is nested."""
    settings.AI_CLIENT = {"api_key": "k"}
    django_settings.AI_CLIENT.clear()
    django_settings.AI_CLIENT.update(written)
    setting = django_settings.AI_CLIENT
    for text in (repr(setting), str(setting), f"{setting}", repr([{"a": setting}])):
        assert SECRET not in text
        assert SECRET.replace("-", "") not in text


@pytest.mark.parametrize("accepted", ["text/html", "text/plain"])
def test_no_secret_with_a_filter_of_the_request(settings: Settings, accepted: str) -> None:
    """A filter that a view sets on its request hides the setting as well, beside what it hid."""
    settings.AI_CLIENT = OPTIONS
    settings.PRIVATE = "mine"
    settings.DEBUG = True
    settings.MIDDLEWARE = []
    settings.ROOT_URLCONF = "tests.support.sites.django_site.broken_urls"
    page = (
        Client(raise_request_exception=False).get("/filtered/", headers={"accept": accepted}).content.decode()
    )
    assert "own mark" in page
    assert "ai.test" in page
    assert SECRET not in page


def test_the_project_s_filter_still_filters(settings: Settings) -> None:
    """A project's own filter is kept, and hides what it hid."""
    settings.PRIVATE = "mine"
    settings.DEFAULT_EXCEPTION_REPORTER_FILTER = f"{__name__}.OwnFilter"
    found = get_default_exception_reporter_filter()
    assert isinstance(found, OwnFilter)
    assert found.get_safe_settings()["PRIVATE"] == "own mark"
    assert all("own mark" in page for page in debug_page())


def test_a_stricter_filter_wins(settings: Settings) -> None:
    """What a project's filter hides of the setting stays hidden."""
    settings.AI_CLIENT = OPTIONS
    settings.DEFAULT_EXCEPTION_REPORTER_FILTER = f"{__name__}.StrictFilter"
    assert get_default_exception_reporter_filter().get_safe_settings()["AI_CLIENT"] == "own mark"


def test_a_filter_that_derives_from_ours(settings: Settings) -> None:
    """A project's filter that derives from this package's is used as it is."""
    settings.DEFAULT_EXCEPTION_REPORTER_FILTER = f"{__name__}.DerivedFilter"
    assert type(get_default_exception_reporter_filter()) is DerivedFilter


class DerivedFilter(debug.ExceptionReporterFilter):
    """A project's filter, derived from this package's."""


def test_filters_nest_with_overrides() -> None:
    """An override of the filter is composed, and what was before is back at its end."""
    before = django_settings.DEFAULT_EXCEPTION_REPORTER_FILTER
    with override_settings(DEFAULT_EXCEPTION_REPORTER_FILTER=f"{__name__}.OwnFilter"):
        assert isinstance(get_default_exception_reporter_filter(), OwnFilter)
        with override_settings(DEFAULT_EXCEPTION_REPORTER_FILTER=f"{__name__}.StrictFilter"):
            assert isinstance(get_default_exception_reporter_filter(), StrictFilter)
        assert isinstance(get_default_exception_reporter_filter(), OwnFilter)
    assert before == django_settings.DEFAULT_EXCEPTION_REPORTER_FILTER
    assert type(get_default_exception_reporter_filter()) is debug.ExceptionReporterFilter


def test_the_page_shows_what_is_no_secret(settings: Settings) -> None:
    """The debug page shows the options that are none, as those of other settings."""
    settings.AI_CLIENT = OPTIONS | {"timeout": 12.5}
    (html, _) = debug_page()
    assert "https://ai.test/v1" in html
    assert "12.5" in html


def page_of_a_call() -> str:
    """Return Django's technical page of a call that fails."""
    client = get_ai_client()
    try:
        client.chat.completions.create(model="big", messages=[])
    except StoreError:
        return technical_500_response(RequestFactory().get("/"), *sys.exc_info()).content.decode()
    raise AssertionError("The call did not fail.")


class Refusing(socketserver.BaseRequestHandler):
    """A Redis server that takes no password."""

    def handle(self) -> None:
        """Refuse whatever is asked."""
        with suppress(OSError):
            while self.request.recv(65536):
                self.request.sendall(b"-WRONGPASS invalid username-password pair or user is disabled.\r\n")


@contextmanager
def refusing_store() -> Iterator[int]:
    """Serve a store that takes no password; give its port."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Refusing) as server:
        server.daemon_threads = True
        server.block_on_close = False  # a connection may be kept by the client for longer
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def test_no_secret_of_a_store_that_fails(settings: Settings) -> None:
    """The debug page of a call whose store takes no password shows none, in no frame."""
    with refusing_store() as port:
        controls = {**OPTIONS["controls"], "store": f"redis://user:{SECRET}@127.0.0.1:{port}/0"}
        settings.AI_CLIENT = OPTIONS | {"controls": controls}
        page = page_of_a_call()
    assert "AuthenticationError" in page
    assert SECRET not in page
