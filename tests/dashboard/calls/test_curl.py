"""A call as a command of curl: what a real shell and a real curl send is the body, byte for byte, and no key."""

import json
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from ai_client.dashboard.calls.curl import curl_command, json_text, quoted
from ai_client.dashboard.calls.destination import destination_of
from ai_client.testing import Upstream
from tests.support.journal import MadeUpJournal, ProviderWithJournal, call

BEARER = "Authorization: Bearer $OPENAI_API_KEY"
SHELLS = [shell for shell in ("sh", "bash", "zsh") if shutil.which(shell)]
TEXTS = [
    "it's",
    "''\\''",
    "line\nbreak\r\nand\ttab",
    "$HOME ${HOME} $(id) `id` !! !$ \\ \\\\ \\n %s %n",
    "\"quoted\" and 'single' ;|&<>(){}[]*?~#",
    "-n",
    "@/etc/passwd",
    "\x00\x1b[31m\x7f\x9b201~",
    "\u202e reversed \u2066 \u200d \ufeff \u2028",
    "gr\u00fc\u00dfe \u65e5\u672c\u8a9e \U0001f600",
    "\ud800 half",
    "EOF\nEOF",
    "x" * 300_000,
]


def body_of(text: str) -> dict[str, Any]:
    """Return a request whose names and values have a text."""
    return {"model": "gpt-5.5", "messages": [{"role": "user", "content": text}], "metadata": {text[:20]: 1}}


def run(shell: str, command: str, home: Path) -> str:
    """Run a command in a shell, with a key in its environment, and return what it printed."""
    done = subprocess.run(
        [shell, "-s"],
        input=f"set -e\n{command} --silent --show-error\n".encode(),
        env={"PATH": "/usr/bin:/bin", "OPENAI_API_KEY": "sk-of-the-shell", "HOME": str(home)},
        cwd=home,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert not done.stderr
    return done.stdout.decode()


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_the_body_arrives(shell: str, text: str, upstream: Upstream, tmp_path: Path) -> None:
    """Whatever the prompt holds, the shell runs one command, which sends the body as it is and the shell's key."""
    body = body_of(text)
    command = curl_command(f"{upstream.base_url}/chat/completions", body, key_header=BEARER, stream=False)
    assert "sk-" not in command
    assert all(line.isprintable() for line in command.split("\n"))
    answer = json.loads(run(shell, command, tmp_path))
    assert answer["object"] == "chat.completion"
    (received,) = upstream.requests
    assert received.body == json_text(body).encode()
    assert json.loads(received.body) == body
    assert received.headers["authorization"] == "Bearer sk-of-the-shell"
    assert received.headers["content-type"] == "application/json"
    assert not list(tmp_path.iterdir())


@given(st.text())
def test_a_text_is_one_word(text: str) -> None:
    """A quoted text is one word of the shell, which is the text."""
    assert shlex.split(quoted(text)) == [text]


@given(
    st.recursive(st.none() | st.booleans() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x))
)
def test_json_is_printable(value: Any) -> None:
    """The JSON of a value has only characters that can be seen, and is the value."""
    text = json_text(value)
    assert text.isprintable()
    text.encode()
    assert json.loads(text) == value


@pytest.mark.parametrize(
    ("options", "url", "key"),
    [
        (
            {"base_url": "https://user:hunter2@gateway.example/v1?api-key=hunter2&tag=a"},
            "https://gateway.example/v1/chat/completions?tag=a",
            BEARER,
        ),
        (
            {"azure_endpoint": "https://acme.example", "api_version": "2024-10-21"},
            "https://acme.example/openai/deployments/gpt-5.5/chat/completions?api-version=2024-10-21",
            "api-key: $AZURE_OPENAI_API_KEY",
        ),
    ],
    ids=["gateway", "azure"],
)
def test_the_address_has_no_credentials(options: Mapping[str, Any], url: str, key: str) -> None:
    """The address is that of the client without user, password and secret parameters, and the key is a variable."""
    provider = ProviderWithJournal(MadeUpJournal(), api_key="sk-hunter2", **options)
    found = destination_of(provider, call(), {"model": "gpt-5.5"})
    assert found is not None
    assert (found.url, found.key_header) == (url, key)
    provider.close()


def test_a_fallback_is_named_by_its_target() -> None:
    """Of a call that a fallback served, the command asks the target: its address and its model."""
    other = {"base_url": "https://u:p@other.example/v1/", "api_key": "sk-hunter3"}
    controls = {
        "models": {"smart": ["gpt-5.5", "other/llama"]},
        "fallback": {"clients": {"other": other}},
    }
    provider = ProviderWithJournal(MadeUpJournal(), base_url="https://own.example/v1", controls=controls)
    for target, url, model in (
        ("gpt-5.5", "https://own.example/v1/chat/completions", "gpt-5.5"),
        ("other/llama", "https://other.example/v1/chat/completions", "llama"),
    ):
        found = destination_of(provider, call(model="smart", target=target), {"model": "smart"})
        assert found is not None
        assert (found.url, found.model) == (url, model)
    assert destination_of(provider, call(client="gone"), {}) is None
    provider.close()
