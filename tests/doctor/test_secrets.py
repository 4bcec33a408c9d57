"""Reports show no secret: no key, no header, no password of an address."""

import json
import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from ai_client.doctor import Check, Subject, as_json, examine_all, line_of
from ai_client.doctor.secrets import KnownSecrets
from tests.support.broken import KEY, LOGIN, Scene, answer, listing
from tests.support.ports import free_port

WORD = st.text(string.ascii_letters + string.digits, min_size=12, max_size=40).map("planted-{}".format)
PLACES: dict[str, Callable[[str], dict[str, Any]]] = {
    "api_key": lambda secret: {"api_key": secret},
    "api_key in quotes": lambda secret: {"api_key": f'"{secret}"'},
    "api_key with a break": lambda secret: {"api_key": f"{secret}\n{secret}"},
    "key in another option": lambda secret: {"organization": f"{secret}\n"},
    "unknown option": lambda secret: {"apikey": secret},
    "wrong type": lambda secret: {"timeout": secret},
    "admin_api_key": lambda secret: {"admin_api_key": secret},
    "webhook_secret": lambda secret: {"webhook_secret": f"{secret}"},
    "header": lambda secret: {"default_headers": {"X-Token": secret}},
    "header that cannot be sent": lambda secret: {"default_headers": {"X-Token": f"{secret}\n"}},
    "query": lambda secret: {"default_query": {"token": secret}},
    "base_url": lambda secret: {"base_url": f"http://user:{secret}@127.0.0.1:9/v1?token={secret}"},
    "broken base_url": lambda secret: {"base_url": f"http://user:{secret}@127.0.0.1:port/v1"},
    "proxy": lambda secret: {"proxy": f"http://user:{secret}@127.0.0.1:9"},
    "broken proxy": lambda secret: {"proxy": f"htp://user:{secret}@127.0.0.1:9"},
    "websocket_base_url": lambda secret: {"websocket_base_url": f"wss://user:{secret}@sockets.test"},
    "cert": lambda secret: {"cert": ("/none.pem", "/none.key", secret)},
    "verify": lambda secret: {"verify": f"-----BEGIN CERTIFICATE-----\n{secret}"},
    "store": lambda secret: {"controls": {"store": f"redis://:{secret}@127.0.0.1:9/0", "cost": True}},
    "sentinels": lambda secret: {
        "controls": {"store": f"redis+sentinel://127.0.0.1:9/s/0?sentinel_password={secret}", "cost": True}
    },
    "fallback": lambda secret: {
        "controls": {
            "models": {"a": ["spare/a"]},
            "fallback": {"clients": {"spare": {"base_url": "http://127.0.0.1:9/v1", "api_key": secret}}},
        }
    },
    "azure": lambda secret: {
        "azure_endpoint": "http://127.0.0.1:9",
        "api_version": "v",
        "azure_ad_token": secret,
    },
}


@pytest.mark.parametrize("place", PLACES)
@given(secret=WORD)
@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_secret_of_an_option_is_shown(place: str, secret: str) -> None:
    """Wherever a secret is among the options, valid or not, no report holds it."""
    options = {"api_key": KEY, "base_url": "http://127.0.0.1:9/v1", **PLACES[place](secret)}
    if "azure_endpoint" in options:
        del options["base_url"], options["api_key"]
    found = list(examine_all(Subject({"default": options, "other": options})))
    shown = as_json(found) + "".join(map(line_of, found)) + repr(found)
    assert secret not in shown
    assert KEY not in shown


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OPENAI_API_KEY", "{}"),
        ("OPENAI_API_KEY", "'{}'"),
        ("OPENAI_ADMIN_KEY", "{}"),
        ("OPENAI_WEBHOOK_SECRET", "{}"),
        ("OPENAI_CUSTOM_HEADERS", "X-Token: {}"),
        ("OPENAI_BASE_URL", "http://user:{}@127.0.0.1:9/v1"),
        ("AI_CLIENT_PROXY", "http://user:{}@127.0.0.1:9"),
        ("HTTP_PROXY", "http://user:{}@127.0.0.1:9"),
        ("HTTP_PROXY", "http//user:{}@127.0.0.1:9"),
        ("AI_CLIENT_CONTROLS", '{{"store": "redis://:{}@127.0.0.1:9/0", "cost": true}}'),
        ("AI_CLIENT_CONTROLS", '{{"store": "redis://:{}@127.0.0.1:9/0", "cost": tru'),
        ("AI_CLIENT_TIMEOUT", "{}"),
        ("AI_CLIENT_API_KEE", "{}"),
        ("AI_CLIENT_CERT", '["/none.pem", "/none.key", "{}"]'),
    ],
)
def test_no_secret_of_the_environment_is_shown(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """Wherever a secret is in the environment, no report holds it."""
    secret = "planted-secret-0123456789"
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv(name, value.format(secret))
    shown = as_json(examine_all())
    assert secret not in shown
    assert KEY not in shown


def test_no_secret_of_a_file_is_shown(tmp_path: Path) -> None:
    """The key in a file is in no report, that of a file with more than a key neither; the file's path is."""
    for content in (KEY, f"{KEY} {KEY}"):
        path = tmp_path / "key"
        path.write_text(content)
        shown = as_json(examine_all(Subject({"default": {"api_key_file": str(path)}}), offline=True))
        assert KEY not in shown
        assert str(path) in shown


ECHOES = [
    answer("401 Unauthorized", json.dumps({"error": {"code": KEY, "message": f"Incorrect API key: {KEY}"}})),
    answer("404 Not Found", json.dumps({"error": {"code": KEY, "type": KEY}})),
    answer("302 Found", b"", f"Location: http://{LOGIN}@other.test/{KEY}?key={KEY}"),
    answer("200 OK", f"<html>{KEY}</html>", f"Server: {KEY}", kind="text/html"),
    answer("500 Internal Server Error", KEY),
    listing(**{KEY: "2020-01-01"}),
]


@pytest.mark.parametrize("echo", ECHOES, ids=range(len(ECHOES)))
def test_no_secret_that_a_server_repeats_is_shown(
    scene: Scene, print_report: Callable[..., str], echo: bytes
) -> None:
    """A key that a server sends back is in no report, neither as lines nor as JSON, in each framework."""
    options = {**scene.at(echo), "api_key": KEY, "controls": {"models": {"a": KEY}}}
    for arguments in ([], ["--json"]):
        shown = print_report(options, *arguments)
        assert "models.list" in shown
        assert KEY not in shown
        assert "planted-password" not in shown


def test_a_proxy_s_password_is_not_shown(scene: Scene, print_report: Callable[..., str]) -> None:
    """The password of a proxy is in no report, also where the proxy is down."""
    proxy = f"http://{LOGIN}@127.0.0.1:{free_port()}"
    shown = print_report({**scene.good(), "api_key": KEY, "proxy": proxy})
    assert "by " in shown
    assert "planted" not in shown


def test_known_secrets_are_replaced_wherever_they_stand() -> None:
    """A secret in a message, a hint or the details is replaced, the longer one of two first."""
    secrets = KnownSecrets(["planted-one", "planted-one-and-more", "short"])
    check = Check(
        "a", "b", "ok", "planted-one-and-more!", "planted-one", details={"x": ["planted-one", 1], "short": 2}
    )
    cleaned = secrets.clean(check)
    assert (cleaned.message, cleaned.hint, cleaned.details) == ("***!", "***", {"x": ["***", 1], "short": 2})
