"""The package as a client: its resources, and the variables that they are configured by."""

import inspect
import pydoc
from collections.abc import Iterator
from pathlib import Path

import httpx
import openai
import pytest

import ai_client
from ai_client import OpenAIError
from ai_client.testing import Upstream

LATER = {"AsyncBedrockOpenAI", "AsyncComputerDriver", "AsyncComputerToolset"}
"""What is not there yet, and its sync twins."""


@pytest.fixture
def variables() -> Iterator[pytest.MonkeyPatch]:
    """Set variables of the package, and take them back."""
    with pytest.MonkeyPatch.context() as patch:
        yield patch


def test_every_name_of_the_official_sdk() -> None:
    """Every name that the official SDK exports is there, but those of Bedrock and of computers."""
    later = LATER | {name.removeprefix("Async") for name in LATER}
    missing = {name for name in openai.__all__ if not hasattr(ai_client, name)}
    assert missing == later & set(openai.__all__)
    assert (set(openai.__all__) - later) <= set(ai_client.__all__)


def test_every_resource_of_the_official_sdk() -> None:
    """Every resource of the official SDK's module is one of this package, but for those that are modules here."""
    resources = {
        name for name in dir(openai.OpenAI) if hasattr(ai_client.OpenAI, name) and not name.startswith("_")
    }
    of_the_module = {
        name for name in resources if name in dir(openai) and name not in {"timeout", "max_retries"}
    }
    variables = {
        "api_key",
        "admin_api_key",
        "base_url",
        "default_headers",
        "default_query",
        "organization",
        "project",
    }
    assert of_the_module - ai_client._RESOURCES - variables == {"live", "realtime", "webhooks"}


def test_a_call(variables: pytest.MonkeyPatch) -> None:
    """A call of the package goes where its variables say, with the key that they hold."""
    with Upstream() as upstream:
        variables.setattr(ai_client, "api_key", "sk-one")
        variables.setattr(ai_client, "base_url", upstream.base_url)
        variables.setattr(ai_client, "default_headers", {"x-team": "a"})
        assert ai_client.embeddings.create(model="text-embedding-3-small", input="x").data
        assert upstream.requests[-1].headers["authorization"] == "Bearer sk-one"
        assert upstream.requests[-1].headers["x-team"] == "a"
        variables.setattr(ai_client, "api_key", "sk-two")
        ai_client.models.list()
        assert upstream.requests[-1].headers["authorization"] == "Bearer sk-two"


def test_one_client(variables: pytest.MonkeyPatch) -> None:
    """The client stays the same as long as the variables do."""
    variables.setattr(ai_client, "api_key", "sk-one")
    assert ai_client.chat is ai_client.chat
    first = ai_client.chat
    variables.setattr(ai_client, "timeout", 3, raising=False)
    assert ai_client.chat is not first


def test_without_a_key(variables: pytest.MonkeyPatch) -> None:
    """Looking at the package needs no key: help, members and imported resources; the first use says what is missing."""
    variables.delenv("OPENAI_API_KEY", raising=False)
    variables.delenv("OPENAI_ADMIN_KEY", raising=False)
    assert "ai_client.chat" in pydoc.render_doc(ai_client)
    members = dict(inspect.getmembers(ai_client))
    assert "ClientProvider" in members
    assert "chat" in members
    with pytest.raises(OpenAIError, match="Missing credentials"):
        ai_client.chat.completions.create(model="m", messages=[])
    from ai_client import models  # before the key is there

    with Upstream() as upstream:
        variables.setattr(ai_client, "api_key", "sk-late")
        variables.setattr(ai_client, "base_url", upstream.base_url)
        assert models.list().data
        assert upstream.requests[-1].headers["authorization"] == "Bearer sk-late"


def test_azure(variables: pytest.MonkeyPatch) -> None:
    """An Azure endpoint makes it a client of Azure."""
    with Upstream() as upstream:
        variables.setattr(ai_client, "azure_endpoint", upstream.base_url.removesuffix("/v1"))
        variables.setattr(ai_client, "api_version", "2024-10-21")
        variables.setattr(ai_client, "api_key", "key-of-azure")
        ai_client.chat.completions.create(model="deployed", messages=[{"role": "user", "content": "Hello"}])
        request = upstream.requests[-1]
        assert request.path.startswith("/openai/deployments/deployed/chat/completions")
        assert request.headers["api-key"] == "key-of-azure"


def test_timeout_of_the_package() -> None:
    """Where no timeout is set, the variable says what holds."""
    assert ai_client.timeout == ai_client.DEFAULT_TIMEOUT == httpx.Timeout(600, connect=5)


def test_a_file(tmp_path: Path) -> None:
    """A file from a path has the path's last part for its name, and is read at once."""
    (tmp_path / "notes.txt").write_bytes(b"hello")
    assert ai_client.file_from_path(str(tmp_path / "notes.txt")) == ("notes.txt", b"hello")
