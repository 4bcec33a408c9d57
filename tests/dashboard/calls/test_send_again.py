"""Sending a call again from its page: once for each form, from the page alone, in development alone."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

import pytest

from ai_client import ClientProvider
from ai_client.dashboard import DashboardPage, PageRequest
from ai_client.dashboard.calls.forms_sent import sent_forms
from ai_client.dashboard.calls.sending import ENDPOINT, fault_of
from ai_client.errors import OpenAIError
from ai_client.operations.journal import JournalContent
from ai_client.operations.page import RenderedPage
from ai_client.testing import Upstream
from tests.support.journal import call

CHAT: dict[str, Any] = {"model": "gpt-5.5", "messages": [{"role": "user", "content": "It's $HOME!"}]}
SAME_ORIGIN = {"sec-fetch-site": "same-origin", "origin": "http://dashboard.test", "host": "dashboard.test"}


class Site:
    """The dashboard of a provider, seen by a browser that keeps its cookie."""

    def __init__(self, upstream: Upstream, **controls: Any) -> None:
        self.upstream = upstream
        self.provider = ClientProvider(
            api_key="sk-test",
            base_url=upstream.base_url,
            max_retries=0,
            controls={
                "store": "memory://",
                "journal": {"content": True},
                "redaction": {"content": True},
                **controls,
            },
        )
        self.page = DashboardPage(public=True, development=True)
        self.cookie = ""

    def ask(self, **options: Any) -> str:
        """Make a call, and return the id of its entry."""
        result = self.provider.client.chat.completions.create(**{**CHAT, **options})
        if options.get("stream"):
            list(result)
        return self.newest()

    def newest(self, path: str = "/chat/completions") -> str:
        """Return the id of the newest call, which went to a path."""
        for _ in range(100):
            entries = self.provider.journal.entries(limit=1)
            if entries and entries[0].path == path:
                return entries[0].id
        raise AssertionError("The journal kept nothing.")

    def get(self, path: str) -> RenderedPage:
        """Return a page."""
        path, _, query = path.partition("?")
        answer = self.page.answer(
            self.provider,
            PageRequest("GET", path, query.partition("#")[0], {"cookie": self.cookie}, base="/ai"),
        )
        self.cookie = answer.headers.get("set-cookie", self.cookie).partition(";")[0]
        return answer

    def form(self, key: str) -> dict[str, str]:
        """Return the fields of the form of a call, as a browser would send them."""
        text = self.get(f"calls/{key}").body.decode()
        (form,) = re.findall(rf'<form action="/ai/calls/{key}/again".*?</form>', text, re.DOTALL)
        fields = re.findall(r'<input [^>]*?name="(\w+)" value="([^"]*)"', form)
        return dict(fields)

    def post(
        self, key: str, fields: Mapping[str, str], headers: Mapping[str, str] = SAME_ORIGIN
    ) -> RenderedPage:
        """Send the form of a call."""
        given = {**headers, "cookie": self.cookie, "content-type": "application/x-www-form-urlencoded"}
        body = urlencode(fields).encode()
        return self.page.answer(
            self.provider, PageRequest("POST", f"calls/{key}/again", "", given, body, base="/ai")
        )


@pytest.fixture
def site(upstream: Upstream) -> Iterator[Site]:
    """Yield a dashboard whose provider keeps content."""
    site = Site(upstream)
    yield site
    site.provider.close()


@pytest.mark.parametrize("stream", [False, True])
def test_a_call_is_sent_again(site: Site, stream: bool) -> None:
    """The form sends what was sent before, streamed as before, and leads to the page of the new call."""
    key = site.ask(stream=True) if stream else site.ask()
    answer = site.post(key, site.form(key))
    assert answer.status == 303
    new = answer.headers["location"].removeprefix("/ai/calls/")
    assert new != key
    first, second = site.upstream.requests
    assert second.json() == first.json()
    entry = site.provider.journal.entry(new)
    assert entry is not None
    assert (entry.endpoint, entry.outcome, entry.stream) == (ENDPOINT, "ok", stream)
    assert site.get(f"calls/{new}").status == 200


def test_another_model_can_be_asked(site: Site) -> None:
    """The model of the form is asked in place of the first one."""
    key = site.ask()
    site.post(key, {**site.form(key), "model": "gpt-5.5-mini"})
    assert [one.json()["model"] for one in site.upstream.requests] == ["gpt-5.5", "gpt-5.5-mini"]


def test_a_form_sends_once(site: Site) -> None:
    """A form that is sent twice, as by a reload or two clicks, sends one call, and leads to its page both times."""
    key = site.ask()
    fields = site.form(key)
    first, again = site.post(key, fields), site.post(key, fields)
    assert first.status == again.status == 303
    assert first.headers["location"] == again.headers["location"]
    assert len(site.upstream.requests) == 2
    shown = site.get(f"calls/{key}?sent={fields['number']}").body.decode()
    assert f'<a href="{first.headers["location"]}">To the call</a>' in shown


def test_a_second_click_waits_for_nothing(site: Site) -> None:
    """A form that is sent again while its call runs is answered at once, with that it has not ended."""
    key = site.ask()
    fields = site.form(key)
    assert sent_forms().take(fields["number"])
    answer = site.post(key, fields)
    assert answer.status == 303
    assert "has not ended yet" in site.get(answer.headers["location"].removeprefix("/ai/")).body.decode()
    assert len(site.upstream.requests) == 1


def test_a_call_that_no_client_takes_says_why(site: Site) -> None:
    """A call that the clients do not take, as they are closed, leaves its error on the page."""
    key = site.ask()
    fields = site.form(key)
    site.provider.close()
    answer = site.post(key, fields)
    assert answer.status == 303
    site.provider.start()
    assert "ClientClosedError" in site.get(answer.headers["location"].removeprefix("/ai/")).body.decode()


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site", "origin": "https://evil.example", "host": "dashboard.test"},
        {"sec-fetch-site": "same-site", "origin": "http://other.dashboard.test", "host": "dashboard.test"},
        {"sec-fetch-site": "none", "host": "dashboard.test"},
        {"origin": "https://evil.example", "host": "dashboard.test"},
        {"origin": "null", "host": "dashboard.test"},
    ],
)
def test_other_sites_send_nothing(site: Site, headers: Mapping[str, str]) -> None:
    """A form from another site is refused, even where it knows the token."""
    key = site.ask()
    answer = site.post(key, site.form(key), headers)
    assert answer.status == 403
    assert len(site.upstream.requests) == 1


def test_a_form_without_its_token_sends_nothing(site: Site) -> None:
    """A form without the token of the page, with another one or without its number is refused."""
    key = site.ask()
    fields = site.form(key)
    for wrong in (
        {**fields, "form_token": ""},
        {**fields, "form_token": "x" * 43},
        {**fields, "number": ""},
        {**fields, "number": "x" * 100},
        {},
    ):
        assert site.post(key, wrong).status == 403
    site.cookie = ""
    assert site.post(key, fields).status == 403
    assert len(site.upstream.requests) == 1


def test_outside_of_development_nothing_is_sent(site: Site) -> None:
    """A dashboard that is not in development has no form, and takes none."""
    key = site.ask()
    fields = site.form(key)
    site.page = DashboardPage(public=True)
    assert "/again" not in site.get(f"calls/{key}").body.decode()
    assert site.post(key, fields).status == 404
    assert len(site.upstream.requests) == 1


def test_a_failed_call_leads_to_its_page(site: Site) -> None:
    """A call that fails leads to the page that shows its error."""
    key = site.ask()
    fields = site.form(key)
    site.upstream.reply(status=400)
    answer = site.post(key, fields)
    assert answer.status == 303
    text = site.get(answer.headers["location"].removeprefix("/ai/")).body.decode()
    assert "BadRequestError" in text


def test_what_stands_in_for_a_client_sends_nothing(site: Site) -> None:
    """Where something else stands in the place of the client, as in tests, the page says so."""
    key = site.ask()
    fields = site.form(key)
    with site.provider.override(object()):
        answer = site.post(key, fields)
    assert "stands in the place" in site.get(answer.headers["location"].removeprefix("/ai/")).body.decode()


@pytest.mark.parametrize("stream", [False, True])
def test_a_call_has_a_deadline(site: Site, stream: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that takes too long is given up, its stream too, and leads to the page that says so."""
    key = site.ask(stream=True) if stream else site.ask()
    monkeypatch.setattr("ai_client.dashboard.calls.sending.LONGEST", 0.2)
    site.upstream.reply(pause=60 if stream else 0, delay=0 if stream else 60)
    answer = site.post(key, site.form(key))
    assert answer.status == 303
    entry = site.provider.journal.entry(answer.headers["location"].removeprefix("/ai/calls/"))
    assert entry is not None
    assert entry.outcome == "error"
    assert entry.error is not None
    assert "Deadline" in entry.error or "Timeout" in entry.error


def test_a_cached_answer_is_taken_where_it_is_wanted(upstream: Upstream) -> None:
    """The cache answers only where the box is not checked."""
    site = Site(upstream, cache={"ttl": 60, "scope": "all"})
    key = site.ask(temperature=0)
    fields = site.form(key)
    site.post(key, fields)
    assert len(upstream.requests) == 2
    without = {name: value for name, value in site.form(key).items() if name != "fresh"}
    answer = site.post(key, without)
    assert len(upstream.requests) == 2
    entry = site.provider.journal.entry(answer.headers["location"].removeprefix("/ai/calls/"))
    assert entry is not None
    assert entry.cache == "hit"
    site.provider.close()


@pytest.mark.parametrize(
    ("changes", "content", "fault"),
    [
        ({}, None, "not kept"),
        ({}, JournalContent(request=None, answer=None), "no body"),
        ({}, JournalContent(request="text", answer=None), "no body"),
        ({}, JournalContent(request={"a": ["[redacted]"]}, answer=None), "redacted"),
        ({}, JournalContent(request={"[redacted]": 1}, answer=None), "redacted"),
        ({}, JournalContent(request=CHAT, answer=None, request_cut=True), "are not kept"),
        ({"method": "PATCH"}, JournalContent(request=CHAT, answer=None), "PATCH"),
        ({"path": "/files"}, JournalContent(request=CHAT, answer=None), "a file"),
        ({"path": "/uploads/upload_1/parts"}, JournalContent(request=CHAT, answer=None), "a file"),
        (
            {"path": "https://other.example/v1/x"},
            JournalContent(request=CHAT, answer=None),
            "address of its own",
        ),
    ],
)
def test_what_is_not_whole_is_not_sent(
    changes: Mapping[str, Any], content: JournalContent | None, fault: str
) -> None:
    """A call whose request is not kept as it was sent is refused, with why."""
    assert fault in (fault_of(call(1, **changes), content) or "")
    assert fault_of(call(1), JournalContent(request=CHAT, answer=None)) is None


def test_a_call_with_a_picture_or_a_file_is_not_sent_again(site: Site) -> None:
    """Pictures, vectors and files are not kept, so that a call with one is refused, whatever its path."""
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "iVBORw0K" * 200}}
    key = site.ask(messages=[{"role": "user", "content": [picture]}])
    entry, content = site.provider.journal.entry(key), site.provider.journal.content(key)
    assert entry is not None
    assert fault_of(entry, content) is not None
    assert "cannot be sent again" in site.get(f"calls/{key}").body.decode()
    site.upstream.reply(json={})
    with suppress(OpenAIError):
        site.provider.client.post("/own", cast_to=object, body={"a": 1}, files={"file": ("a.txt", b"text")})
    key = site.newest(path="/own")
    entry, content = site.provider.journal.entry(key), site.provider.journal.content(key)
    assert entry is not None
    assert fault_of(entry, content) is not None


def test_a_refused_call_says_why(upstream: Upstream) -> None:
    """Where content is not kept, the page says that the call cannot be sent again, and takes no form."""
    site = Site(upstream, journal=True)
    key = site.ask()
    text = site.get(f"calls/{key}").body.decode()
    assert "cannot be sent again" in text
    assert json.dumps("form_token") not in text
    site.provider.close()


def test_the_method_is_kept(site: Site) -> None:
    """What was sent with another method than POST is known for that, and not sent again with POST."""
    site.upstream.reply(json={})
    site.provider.client.patch("/own", cast_to=object, body={"a": 1})
    key = site.newest(path="/own")
    entry, content = site.provider.journal.entry(key), site.provider.journal.content(key)
    assert entry is not None
    assert entry.method == "PATCH"
    assert "PATCH" in (fault_of(entry, content) or "")
