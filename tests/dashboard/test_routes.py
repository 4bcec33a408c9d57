"""The routes of the dashboard, who may read them, and the headers of every answer."""

from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ai_client import ClientProvider
from ai_client.dashboard import DashboardPage, PageRequest
from ai_client.dashboard.forms import FIELD, FormToken, is_own_form
from ai_client.errors import ConfigError
from ai_client.metrics import MetricsPage


def test_a_dashboard_needs_one_guard() -> None:
    """Nothing, or two things, that decide who may read the dashboard are an error that names all of them."""
    impossible: tuple[dict[str, Any], ...] = ({}, {"public": True, "token": "x"}, {"token": " "})
    for arguments in impossible:
        with pytest.raises(ConfigError, match=r"dashboard: .*token"):
            DashboardPage(**arguments)


def test_a_browser_brings_the_token_as_a_password(tmp_path: Path) -> None:
    """The token opens the page as a bearer and as the password of any user, and a browser is asked for it."""
    file = tmp_path / "token"
    file.write_text("s3:cret\n")
    for page in (DashboardPage(token="s3:cret"), DashboardPage(token_file=file)):
        refused = page.refusal(None)
        assert refused is not None
        assert refused.status == 401
        assert refused.headers["www-authenticate"].startswith("Basic realm=")
        assert "Bearer" in refused.headers["www-authenticate"]
        assert page.refusal("Bearer s3:cret") is None
        for user in ("", "anna", "ü"):
            assert page.refusal(_basic(f"{user}:s3:cret")) is None
        for wrong in (
            "Basic s3:cret",
            "Basic !",
            _basic("s3:cret"),
            _basic("s3:cret:"),
            _basic("a:s3:cre"),
            "Basic",
        ):
            assert page.refusal(wrong) is not None


def test_a_guard_decides_alone() -> None:
    """What the guard returned lets a request in or not, whatever it brings besides."""
    page = DashboardPage(guard=bool)
    assert page.refusal(None, allowed=True) is None
    refused = page.refusal("Bearer x", allowed=False)
    assert refused is not None
    assert refused.status == 403


def _yields(_: object) -> Iterator[bool]:
    yield False


async def _yields_async(_: object) -> AsyncIterator[bool]:
    yield False


class _Yielding:
    def __call__(self, _: object) -> Iterator[bool]:
        yield False


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"guard": "myapp.is_admin"}, "guard must be a function of the request, not str"),
        ({"guard": _yields}, "a function that yields"),
        ({"guard": _yields_async}, "a function that yields"),
        ({"guard": _Yielding()}, "a function that yields"),
        ({"guard": partial(_yields)}, "a function that yields"),
        ({"token": 5}, "token must be a text, not int"),
        ({"token": " "}, "token must not be empty"),
        ({"token_file": ""}, "token_file must not be empty"),
        ({"token_file": 5}, "token_file must be a path, not int"),
        ({"public": "no"}, "public must be True or False, not str"),
    ],
)
@pytest.mark.parametrize("page", [DashboardPage, MetricsPage])
def test_what_cannot_say_who_may_read_it_fails_at_once(page: Any, given: dict[str, Any], named: str) -> None:
    """Nobody has to send a request to see that nobody can be let in, or that everybody would."""
    with pytest.raises(ConfigError, match=named):
        page(**given)


def test_every_answer_has_the_headers() -> None:
    """Each page, file and error says that nothing foreign and nothing inline may run, and that it is not to be kept."""
    page = DashboardPage(public=True)
    provider = ClientProvider(api_key="sk-test")
    statuses = {
        "": 200,
        "calls": 200,
        "data.json": 200,
        "assets/style.css": 200,
        "assets/script.js": 200,
        "assets/icon.svg": 200,
        "assets/../page.py": 404,
        "assets/": 404,
        "other": 404,
        "calls/no/such": 404,
    }
    for path, status in statuses.items():
        answer = page.answer(provider, PageRequest("GET", path, base="/ai"))
        assert answer.status == status, path
        assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] in {"no-store", "no-cache"}
    assert page.answer(None, PageRequest("GET", base="/ai")).status == 503
    assert page.answer(provider, PageRequest("POST", base="/ai")).status == 405
    assert page.answer(provider, PageRequest("HEAD", base="/ai")).body == b""


def test_only_own_forms_are_taken() -> None:
    """A form counts with the cookie and the field of one page, sent from the same origin."""
    token = FormToken(PageRequest("GET", base="/ai"))
    cookie = token.headers["set-cookie"].partition(";")[0]
    value = cookie.partition("=")[2]
    assert f'value="{value}"' in token.field
    assert FormToken(PageRequest("GET", headers={"cookie": cookie})).field == token.field
    own = {
        "cookie": cookie,
        "host": "x.example",
        "origin": "https://x.example",
        "sec-fetch-site": "same-origin",
    }
    body = f"{FIELD}={value}".encode()

    def is_taken(body: bytes = body, **headers: str | None) -> bool:
        changed = {name.replace("_", "-"): value for name, value in headers.items()}
        given = {name: value for name, value in {**own, **changed}.items() if value is not None}
        return is_own_form(PageRequest("POST", headers=given, body=body))

    assert is_taken()
    assert is_taken(sec_fetch_site=None)
    assert is_taken(sec_fetch_site=None, origin=None)
    assert is_taken(host="behind-a-proxy")
    assert not is_taken(sec_fetch_site="cross-site")
    assert not is_taken(sec_fetch_site="same-site")
    assert not is_taken(sec_fetch_site=None, origin="https://y.example")
    assert not is_taken(sec_fetch_site=None, origin="null")
    assert not is_taken(sec_fetch_site=None, origin="http://[")
    assert not is_taken(cookie=None)
    assert not is_taken(body=b"")
    assert not is_taken(body=f"{FIELD}=".encode())


def _basic(text: str) -> str:
    return f"Basic {b64encode(text.encode()).decode()}"
