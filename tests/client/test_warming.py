"""Operations that are made ready before their first call."""

import subprocess
import sys
import threading
from typing import Any

import pytest

from ai_client import AzureOpenAI, ClientConfig, ClientProvider, ConfigError
from ai_client._models import decode
from ai_client._warming import THREAD, _types_of, warm_up
from ai_client.lib._embeddings import PackedResponse
from ai_client.types import FileObject
from ai_client.types.chat import ChatCompletion, ChatCompletionChunk
from ai_client.types.responses import CompactedResponse, Response, ResponseStreamEvent
from tests.support.invoke import Invoke

PATIENCE = 60.0
PROCESS = """
import sys, threading
from ai_client import AsyncOpenAI, ClientProvider
made = {made}
for thread in threading.enumerate():
    if thread.name == "ai-client-warm":
        thread.join()
assert "ai_client.types.responses" in sys.modules
from ai_client._models.decode import _decoders
from ai_client.types.responses import Response, ResponseStreamEvent
assert Response.__pydantic_complete__
assert {{Response, ResponseStreamEvent}} <= _decoders.keys()
from ai_client._http import tls
assert len(tls._contexts) == {contexts}
"""


@pytest.mark.parametrize(
    ("made", "contexts"),
    [
        ("AsyncOpenAI(api_key='any', warm=['responses.create'])", 1),
        ("AsyncOpenAI(api_key='any', base_url='http://127.0.0.1:9/v1', warm=['responses.create'])", 0),
        ("ClientProvider(api_key='any', warm=['responses.create'])", 1),
        (
            "ClientProvider(aliases={'default': {'warm': ('responses',), 'base_url': 'http://127.0.0.1:9/v1'}})",
            0,
        ),
    ],
)
def test_what_is_ready(made: str, contexts: int) -> None:
    """Who is made with `warm` imports the operations and builds in a thread their decoders and the TLS context."""
    code = PROCESS.format(made=made, contexts=contexts)
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("sync", [True, False])
@pytest.mark.parametrize(
    ("name", "types"),
    [
        ("chat.completions.create", [ChatCompletion, ChatCompletionChunk]),
        ("chat.completions.parse", [ChatCompletion]),
        ("chat", []),
        ("responses.create", [Response, ResponseStreamEvent]),
        ("responses.with_raw_response.create", [Response, ResponseStreamEvent]),
        ("embeddings.create", [PackedResponse]),
        ("files.retrieve", [FileObject]),
    ],
)
def test_types_of_an_operation(name: str, types: list[Any], sync: bool) -> None:
    """What an operation decodes is known without its arguments: its answer and its stream's items."""
    assert _types_of(name, sync=sync) == types


@pytest.mark.parametrize("name", ["responses", "responses.stream"])
def test_types_of_a_group(name: str) -> None:
    """A group, and a helper that stands on another operation, stand for all operations of the group."""
    assert set(_types_of(name, sync=False)) >= {Response, ResponseStreamEvent, CompactedResponse}


def test_pages_of_both_clients() -> None:
    """The pages of a list are those of the client that will make the call."""
    (of_sync,), (of_async,) = (_types_of("files.list", sync=sync) for sync in (True, False))
    assert (of_sync.__name__, of_async.__name__) == (
        "SyncCursorPage[FileObject]",
        "AsyncCursorPage[FileObject]",
    )


def test_nothing_is_sent(invoke: Invoke) -> None:
    """Making operations ready sends nothing, and the client goes on as any other."""
    client = invoke.client(warm=["files", "uploads", "vector_stores.files", "chat.completions.create"])
    assert invoke.upstream.requests == []
    assert invoke.chat(client).choices
    assert invoke.chat(client.with_options(timeout=9)).choices


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            ["chat.completion.create"],
            "no operation 'chat.completion.create'. Did you mean 'chat.completions.create'?",
        ),
        (["responses.creat"], "no operation 'responses.creat'. Did you mean 'responses.create'?"),
        (["with_options"], "no operation 'with_options'"),
        (["_client"], "no operation '_client'"),
        (["responses._client"], "no operation 'responses._client'"),
        (["responses.create.x"], "no operation 'responses.create.x'"),
        ([""], "no operation ''"),
        ("responses.create", "a list of names"),
        ([3], "a list of names"),
        (False, "a list of names"),
        (7, "a list of names"),
        ({"files": 1}, "a list of names"),
        (iter(("files",)), "a list of names"),
    ],
)
def test_names_of_nothing(invoke: Invoke, names: Any, message: str) -> None:
    """What is no operation fails where the client is made, with the option's name and the nearest operation."""
    with pytest.raises(ConfigError, match=r"^warm") as caught:
        invoke.client(warm=names)
    assert message in str(caught.value)


def test_names_of_nothing_in_a_provider() -> None:
    """A provider fails in the same way, and names the alias."""
    with pytest.raises(ConfigError, match=r"^warm: There is no operation 'chats'"):
        ClientProvider(api_key="any", warm=["chats"])
    with pytest.raises(ConfigError, match=r"^other\.warm: There is no operation 'chats'"):
        ClientProvider(api_key="any", aliases={"other": {"warm": ["chats"]}})
    with pytest.raises(ConfigError, match="warm"):
        ClientProvider({"warm": "responses.create"})


def test_precedence() -> None:
    """A keyword comes before the mapping, like any other option."""
    assert ClientConfig.make({"warm": ["chats"]}, warm=["models"]).warm == ["models"]


@pytest.mark.parametrize(
    ("option", "cls"), [("client_class", "openai.OpenAI"), ("async_client_class", "openai.AsyncOpenAI")]
)
def test_other_classes(option: str, cls: str) -> None:
    """Clients of another package's class, which decode by themselves, take no `warm`."""
    with pytest.raises(ConfigError, match="warm: supported only by"):
        ClientConfig.make({option: cls, "warm": ["models"]})


def test_targets_of_a_chain() -> None:
    """The client of a chain's target is made ready with the client that the chain belongs to."""
    chain = {"fallback": {"clients": {"x": {"base_url": "http://127.0.0.1:9/v1", "warm": ["models"]}}}}
    with pytest.raises(ConfigError, match="set this on the client that the chain belongs to"):
        ClientConfig.make({"controls": chain})


def test_azure() -> None:
    """Azure's clients take the option too."""
    with pytest.raises(ConfigError, match=r"^warm: There is no operation 'chats'"):
        AzureOpenAI(api_key="any", api_version="1", azure_endpoint="https://127.0.0.1", warm=["chats"])


def test_the_thread_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Decoders are built in a thread that ends with them, whatever keeps one from being built."""
    seen: list[tuple[str, Any]] = []

    def build(cast_to: Any) -> Any:
        seen.append((threading.current_thread().name, cast_to))
        raise LookupError

    monkeypatch.setattr(decode, "_decoders", {})
    monkeypatch.setattr(decode, "_build_decoder", build)
    warm_up(["responses.create"], [False], tls=None)
    for thread in threading.enumerate():
        if thread.name == THREAD:
            thread.join(PATIENCE)
    assert (THREAD, ResponseStreamEvent) in seen
    assert THREAD not in [thread.name for thread in threading.enumerate()]
