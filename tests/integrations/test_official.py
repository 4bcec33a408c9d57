"""The official SDK's client in each framework: over the process's client, of each kind and alias."""

from typing import Annotated, Any

import openai
import pytest
from django.conf import settings as django_settings
from django.test import override_settings
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient
from flask import Flask

from ai_client import ClientProvider
from ai_client.interop import official
from ai_client.testing import Upstream
from ai_client_fastapi import (
    OfficialAIClientDep,
    SyncOfficialAIClientDep,
    ai_client_lifespan,
    official_ai_client,
    sync_official_ai_client,
)
from ai_client_flask import AIClient
from tests.support.invoke import CHAT, KEY

LIMITED = {"budgets": [{"requests": 1, "per": "total"}]}


@pytest.fixture
def options(upstream: Upstream) -> dict[str, Any]:
    """Return the options of clients that talk to the upstream."""
    return {"base_url": upstream.base_url, "api_key": KEY}


def test_fastapi(options: dict[str, Any], upstream: Upstream) -> None:
    """Path operations get the official clients of the process and of aliases, over one connection of each kind."""
    app = FastAPI(lifespan=ai_client_lifespan(options, aliases={"other": options}))
    seen: set[object] = set()

    @app.get("/async")
    async def ask(client: OfficialAIClientDep) -> str | None:
        seen.add(client)
        return (await client.chat.completions.create(**CHAT)).choices[0].message.content

    @app.get("/sync")
    def ask_sync(client: SyncOfficialAIClientDep) -> str | None:
        seen.add(client)
        return client.chat.completions.create(**CHAT).choices[0].message.content

    @app.get("/alias")
    async def ask_alias(
        client: Annotated[openai.AsyncOpenAI, Depends(official_ai_client("other"))],
        sync_client: Annotated[openai.OpenAI, Depends(sync_official_ai_client("other"))],
    ) -> int:
        assert isinstance(sync_client, openai.OpenAI)
        seen.update((client, sync_client))
        return len((await client.models.list()).data)

    with TestClient(app) as http:
        for path in ("/async", "/sync", "/alias"):
            for _ in range(2):
                assert http.get(path).status_code == 200
    assert len(seen) == 4
    assert upstream.connections_opened == 3


def test_fastapi_budget(options: dict[str, Any]) -> None:
    """A budget refuses the second call as the SDK's own error."""
    app = FastAPI(lifespan=ai_client_lifespan({**options, "controls": LIMITED}))

    @app.get("/")
    async def ask(client: OfficialAIClientDep) -> int:
        try:
            await client.chat.completions.create(**CHAT)
        except openai.RateLimitError as error:
            return error.status_code
        return 200

    with TestClient(app) as http:
        assert [http.get("/").json() for _ in range(2)] == [200, 429]


def test_flask(options: dict[str, Any]) -> None:
    """`ext.official` and `ext.async_official` stand on the current app's clients, and those of aliases on theirs."""
    ai = AIClient(aliases={"other": options})  # type: ignore[dict-item]
    app = Flask(__name__)
    app.config.update({f"AI_CLIENT_{name.upper()}": value for name, value in options.items()})
    ai.init_app(app)
    with app.app_context():
        assert ai.official is official(ai.client)
        assert ai.async_official is official(ai.async_client)
        assert ai["other"].official is official(ai["other"].client)
        assert ai.official.chat.completions.create(**CHAT).choices
        ai.provider.close()


def test_django(options: dict[str, Any]) -> None:
    """`settings.AI_CLIENT.official` and its twin stand on the client of the setting, and those of aliases on theirs."""
    with override_settings(AI_CLIENT={"default": options, "other": options}):
        handle: Any = django_settings.AI_CLIENT
        assert handle.official is official(handle.client)
        assert handle.async_official is official(handle.async_client)
        assert handle["other"].official is official(handle["other"].client)
        assert handle.official.chat.completions.create(**CHAT).choices


def test_what_stands_in_their_place(options: dict[str, Any]) -> None:
    """In tests the official client is over the client that stands in the place of the process's, or is that itself."""
    provider = ClientProvider(options)
    fake = object()
    with provider.override(fake):
        assert provider.official is fake
    with ClientProvider(options).client as other, provider.override(other):
        assert provider.official is official(other)
    assert provider.official is official(provider.client)
    provider.close()
