"""The adapter in Starlette applications, where FastAPI is not installed."""

import subprocess
import sys
from typing import Any

import pytest

from ai_client.testing import Upstream
from tests.support.servers import ROOT

BLOCKED = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "fastapi":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocked())
"""
APPLICATION = """
import os
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from ai_client import current_labels
from ai_client_fastapi import (
    add_ai_client_error_handlers, ai_client, ai_client_lifespan, get_ai_client, get_sync_ai_client, stream_response
)

ASK = {"model": "m", "messages": [{"role": "user", "content": "Hello?"}]}

async def ask(request):
    client = await get_ai_client(request)
    assert client is await ai_client("default")(request)
    answer = await client.chat.completions.create(**ASK)
    return JSONResponse([answer.choices[0].message.content, current_labels().endpoint])

async def stream(request):
    client = await get_ai_client(request)
    return stream_response(client.chat.completions.create(**ASK, stream=True))

async def fail(request):
    client = await get_ai_client(request)
    await client.models.retrieve("")

app = Starlette(
    routes=[Mount("/v1/{tenant}", routes=[Route("/ask/{who}", ask)]), Route("/stream", stream), Route("/fail", fail)],
    lifespan=ai_client_lifespan({"base_url": os.environ["UPSTREAM"], "api_key": "any", "max_retries": 0}),
)
add_ai_client_error_handlers(app)
with TestClient(app) as http:
    print(http.get("/v1/a/ask/b").json()[1])
    print(http.get("/stream").text.endswith("data: [DONE]\\n\\n"))
print(*(name for name in sys.modules if name.partition(".")[0] == "fastapi"), "end")
"""


def run(code: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run code in a process that cannot import FastAPI."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", BLOCKED + code],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_starlette_alone(ai_client_upstream: Upstream) -> None:
    """A Starlette application has clients, labels, streams and error handlers where FastAPI cannot be imported."""
    done = run(APPLICATION, UPSTREAM=ai_client_upstream.base_url)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["/v1/{tenant}/ask/{who}", "True", "end"]


@pytest.mark.parametrize("name", ["AIClientDep", "SyncAIClientDep", "ai_client_router"])
def test_what_only_fastapi_has(name: str) -> None:
    """What only FastAPI has says so, with the command that installs it."""
    done = run(f"from ai_client_fastapi import {name}")
    assert done.returncode != 0
    assert 'fastapi is not installed: pip install "ai-client[fastapi]"' in done.stderr


def test_unknown_names() -> None:
    """A name that the adapter does not have is missing as in any module."""
    import ai_client_fastapi

    module: Any = ai_client_fastapi
    assert not hasattr(module, "nothing")
