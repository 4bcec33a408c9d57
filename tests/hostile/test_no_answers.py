"""What comes with status 200 and is no answer of the API: to every policy it is the failure that the caller sees."""

from typing import Any

import pytest

from ai_client import APIResponseValidationError
from ai_client.control import call_record
from ai_client.control.breaker import Breaker
from ai_client.control.cache.policy import Cache
from ai_client.control.fallback import Fallback
from ai_client.control.observability.hooks import Hooks
from ai_client.stores import open_store
from tests.support.invoke import CHAT, Invoke

NO_ANSWERS = {
    "a page": (b"<html>Back soon</html>", "text/html"),
    "a text": (b"upstream busy", "text/plain"),
    "no type": (b"upstream busy", ""),
    "nothing": (b"", "application/json"),
    "half of JSON": (b'{"id": "c", "choi', "text/plain"),
    "a line of half of JSON": (b'{"id": "c", "choices":\n\n', "application/json"),
    "null": (b"null", "application/json"),
}
each_kind = pytest.mark.parametrize("kind", NO_ANSWERS)
CALLS = {
    "chat": ("chat.completions.create", {**CHAT, "temperature": 0}),
    "chat, raw": ("chat.completions.with_raw_response.create", {**CHAT, "temperature": 0}),
    "chat, parsed": ("chat.completions.parse", {**CHAT, "temperature": 0}),
    "embeddings": ("embeddings.create", {"model": "m", "input": "x"}),
    "an image": (
        "images.with_raw_response.generate",
        {"prompt": "x", "extra_headers": {"cache-control": "max-age=60"}},
    ),
    "speech": (
        "audio.speech.create",
        {"model": "m", "input": "x", "voice": "alloy", "extra_headers": {"cache-control": "max-age=60"}},
    ),
}


def answer_by(invoke: Invoke, kind: str) -> None:
    """Let the upstream give what is no answer next."""
    body, content_type = NO_ANSWERS[kind]
    invoke.upstream.reply(body=body, headers={"content-type": content_type})


def ask(invoke: Invoke, client: Any, name: str = "chat") -> Any:
    """Make a call of a name; give its outcome, an error too."""
    path, arguments = CALLS[name]
    method = client
    for part in path.split("."):
        method = getattr(method, part)
    try:
        return invoke(method, **arguments)
    except APIResponseValidationError as error:
        return error


@each_kind
@pytest.mark.parametrize("name", CALLS)
def test_it_is_not_cached(invoke: Invoke, kind: str, name: str) -> None:
    """The next call is sent, whatever the first one came as."""
    if name == "speech" and NO_ANSWERS[kind][1] != "text/html" and kind != "nothing":
        pytest.skip("it may be sound")
    client = invoke.client(layers=[Cache("all", open_store("memory://"))])
    answer_by(invoke, kind)
    ask(invoke, client, name)
    if name in {"an image", "speech"}:
        invoke.upstream.reply(body=b"{}", headers={"content-type": "application/json"})
    ask(invoke, client, name)
    assert len(invoke.upstream.requests) == 2


@each_kind
def test_it_leads_to_the_next_target(invoke: Invoke, kind: str) -> None:
    """It is a failure of the server, after which the next target answers, and which its circuit counts."""
    chain = Fallback({"smart": ["one", "two"]}, breaker=Breaker(failures=1))
    client = invoke.client(layers=[chain])
    answer_by(invoke, kind)
    for _ in range(2):
        found = invoke(client.chat.completions.create, **{**CHAT, "model": "smart"})
        record = call_record(found)
        assert record is not None
        assert record.target == "two"
    assert [sent.json()["model"] for sent in invoke.upstream.requests] == ["one", "two", "two"]


@each_kind
def test_hooks_are_told_of_a_failure(invoke: Invoke, kind: str) -> None:
    """The call and its attempt failed, by the error that the caller gets."""
    seen: list[Any] = []
    hooks = Hooks(on_attempt=seen.append, on_result=seen.append, on_error=seen.append)
    client = invoke.client(layers=[hooks])
    answer_by(invoke, kind)
    error = ask(invoke, client)
    assert isinstance(error, APIResponseValidationError)
    assert [details.error for details in seen] == ["APIResponseValidationError"] * 2


@each_kind
def test_an_old_answer_serves_meanwhile(invoke: Invoke, kind: str) -> None:
    """It means that the upstream is down, so that `stale_if_error` serves what is there."""
    client = invoke.client(layers=[Cache("all", open_store("memory://"), ttl=1e-9, stale_if_error=60)])
    ask(invoke, client)
    answer_by(invoke, kind)
    record = call_record(ask(invoke, client))
    assert record is not None
    assert record.cache == "stale"


@each_kind
def test_who_looks_at_the_answer_gets_it(invoke: Invoke, kind: str) -> None:
    """A raw response is as it came; its result is the error."""
    answer_by(invoke, kind)
    raw = ask(invoke, invoke.client(), "chat, raw")
    assert raw.content == NO_ANSWERS[kind][0]
    with pytest.raises(APIResponseValidationError):
        raw.parse()
