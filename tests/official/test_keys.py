"""Keys of calls through an official client over ours: those of the client below, whatever the environment has."""

from typing import Any

import openai
import pytest

from ai_client import AsyncAzureOpenAI, AzureOpenAI
from ai_client.control.accounting.cost import Cost
from ai_client.control.pricing.prices import Prices
from ai_client.interop import official
from ai_client.testing import Upstream
from tests.support.invoke import CHAT, KEY, Invoke

ADMIN_KEY = "sk-planted-admin-0123456789"
ELSEWHERE = {
    "OPENAI_API_KEY": "sk-environment",
    "OPENAI_ADMIN_KEY": "sk-environment-admin",
    "OPENAI_ORG_ID": "org-environment",
    "OPENAI_PROJECT_ID": "proj-environment",
    "OPENAI_CUSTOM_HEADERS": "X-Environment: yes",
    "AZURE_OPENAI_API_KEY": "sk-environment-azure",
    "AZURE_OPENAI_AD_TOKEN": "token-environment",
}


def listed(invoke: Invoke, client: Any) -> Any:
    """List the organization's users, which takes the administration's key."""
    return invoke(client.admin.organization.users.list)


def copies_of(made: Any) -> list[Any]:
    """Return an official client and copies of it."""
    return [made, made.with_options(timeout=3), made.with_options(max_retries=0).copy(timeout=3)]


@pytest.mark.parametrize("elsewhere", [{}, ELSEWHERE], ids=["no environment", "environment"])
def test_admin_key(
    invoke: Invoke, upstream: Upstream, monkeypatch: pytest.MonkeyPatch, elsewhere: dict[str, str]
) -> None:
    """Calls of the administration go with the client's key for them, and copies' calls do."""
    upstream.always(json={"object": "list", "data": []})
    client = invoke.client(admin_api_key=ADMIN_KEY)
    for name, value in elsewhere.items():
        monkeypatch.setenv(name, value)
    for made in copies_of(official(client)):
        assert listed(invoke, made).data == []
        assert invoke(made.models.list).data == []
    assert [request.headers["authorization"] for request in upstream.requests] == [
        f"Bearer {ADMIN_KEY}",
        f"Bearer {KEY}",
    ] * 3


def test_no_admin_key(invoke: Invoke, upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without such a key of the client nothing is sent, though the environment has one."""
    client = invoke.client(admin_api_key="")
    for name, value in ELSEWHERE.items():
        monkeypatch.setenv(name, value)
    for made in copies_of(official(client)):
        with pytest.raises((TypeError, openai.OpenAIError)):
            listed(invoke, made)
    assert upstream.requests == []


def test_own_admin_key(invoke: Invoke, upstream: Upstream) -> None:
    """A copy of an official client may have a key for the administration of its own."""
    upstream.always(json={"object": "list", "data": []})
    listed(invoke, official(invoke.client()).with_options(admin_api_key="sk-copy"))
    assert upstream.requests[0].headers["authorization"] == "Bearer sk-copy"


def seen(upstream: Upstream) -> Any:
    """Return what the last request said, apart from who said it."""
    request = upstream.requests[-1]
    apart = {"x-stainless-read-timeout", "content-length"}  # versions of the SDK write JSON in different ways
    headers = {name: value for name, value in request.headers.items() if name not in apart}
    return request.method, request.path, request.params, headers, request.json()


@pytest.mark.parametrize("has_policies", [False, True], ids=["no policies", "policies"])
@pytest.mark.parametrize("deployment", [None, "deployed", "gpt-5.5"])
@pytest.mark.parametrize("credential", ["api_key", "azure_ad_token", "azure_ad_token_provider"])
def test_azure(
    invoke: Invoke,
    upstream: Upstream,
    monkeypatch: pytest.MonkeyPatch,
    deployment: str | None,
    credential: str,
    *,
    has_policies: bool,
) -> None:
    """A call of an official client of Azure's goes where the client's own goes, with its credential and version."""
    cls = AzureOpenAI if invoke.sync else AsyncAzureOpenAI
    given = (lambda: "secret") if credential == "azure_ad_token_provider" else "secret"
    options = {"api_key": None, credential: given, "azure_deployment": deployment, "base_url": None}
    layers = [Cost(Prices({}, library=False))] if has_policies else []
    client = invoke.client(
        cls, **options, azure_endpoint=upstream.url, api_version="2024-10-21", layers=layers
    )
    for name, value in ELSEWHERE.items():
        monkeypatch.setenv(name, value)
    for options in ({}, {"extra_query": {"more": "1"}}):
        invoke(client.chat.completions.create, **CHAT, **options)
        own = seen(upstream)
        for made in copies_of(official(client)):
            invoke(made.chat.completions.create, **CHAT, **options)
            assert seen(upstream) == own
    invoke(client.models.list)
    own = upstream.requests[-1].path, upstream.requests[-1].params
    invoke(official(client).models.list)
    assert (upstream.requests[-1].path, upstream.requests[-1].params) == own


def test_accepts_anything(invoke: Invoke, upstream: Upstream) -> None:
    """A call of the SDK's, or a caller, that accepts any type of answer says so."""
    made = official(invoke.client())
    upstream.always(json={})
    invoke(made.vector_stores.files.delete, "f", vector_store_id="v")
    invoke(made.models.list, extra_headers={"Accept": "*/*"})
    sent = [request.headers["accept"] for request in upstream.requests]
    invoke(made.responses.delete, "r")
    assert [*sent, upstream.requests[-1].headers["accept"]] == ["application/json", "*/*", "*/*"]
