"""Secrets in queries and in the environment stay where they belong, and are shown nowhere."""

import asyncio
import base64
import json
import logging
import pickle
from typing import Any

import openai
import pytest

from ai_client import APIError, OpenAI
from ai_client.control.fallback import Fallback
from ai_client.control.observability.hooks import Hooks
from ai_client.control.observability.logs import Logs
from ai_client.provider import ClientProvider
from tests.support.hostile.framing import framed
from tests.support.hostile.wire import Request, Step, Wire
from tests.support.invoke import Invoke

SECRET = "planted-secret-0123"
CHAT = b'{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[]}'
ASK: dict[str, Any] = {"model": "m", "messages": []}
ENVIRONMENT = {
    "OPENAI_API_KEY": f"sk-{SECRET}",
    "OPENAI_ADMIN_KEY": f"sk-admin-{SECRET}",
    "OPENAI_ORG_ID": f"org-{SECRET}",
    "OPENAI_PROJECT_ID": f"proj-{SECRET}",
    "OPENAI_CUSTOM_HEADERS": f"X-Gateway: {SECRET}\nX-Also: {SECRET}",
}


def whole(request: Request) -> str:
    """Give the head of a request as text."""
    return request.target + "".join(f"\n{name}: {value}" for name, value in request.headers)


def answer(body: bytes = CHAT, **more: Any) -> list[Step]:
    """Give the script of an answer."""
    return [*framed([body], "length", **more)]


def ask_of_the_sdk(wire: Wire, options: dict[str, Any], *, sync: bool) -> str:
    """Give the heads of what an alias of the official SDK sends: its client, and a copy of that."""
    given = {"client_class": "openai.OpenAI", "async_client_class": openai.AsyncOpenAI, **options}
    provider = ClientProvider({"api_key": "first"}, aliases={"other": {"base_url": wire.base_url, **given}})
    clients: Any = provider["other"]
    if sync:
        client = clients.client
        for one in (client, client.with_options(timeout=30)):
            one.chat.completions.create(**ASK)
    else:

        async def main() -> None:
            client = clients.async_client
            for one in (client, client.with_options(timeout=30)):
                await one.chat.completions.create(**ASK)

        asyncio.run(main())
    provider.close()
    return "\n".join(map(whole, wire.requests))


def test_an_sdk_at_another_address_sends_nothing_of_the_environment(
    wire: Wire, monkeypatch: pytest.MonkeyPatch, sync: bool
) -> None:
    """An alias with an address of its own that the official SDK serves sends no variable there, from copies neither."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    wire.play(answer())
    heads = ask_of_the_sdk(wire, {"project": f"proj-{SECRET}"}, sync=sync)
    assert heads.count(SECRET) == 2
    assert heads.lower().count(f"openai-project: proj-{SECRET}") == 2


def test_an_sdk_that_may_take_the_environment_does(
    wire: Wire, monkeypatch: pytest.MonkeyPatch, sync: bool
) -> None:
    """The same alias sends the variables where it is told that they are for it."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    wire.play(answer())
    assert ask_of_the_sdk(wire, {"environment": True}, sync=sync).count(SECRET) == 10


def test_a_secret_in_a_path_stays_at_its_origin(invoke: Invoke, wire: Wire) -> None:
    """A target at another origin gets the query of the call's path without its secrets."""
    wire.play(answer(b"{}", status=503))
    with Wire(answer()) as other:
        away = invoke.client(base_url=other.base_url, api_key="own")
        chain = Fallback({"smart": ["m", "away/m"]}, clients={"away": away}, breaker=None)
        client = invoke.client(base_url=wire.base_url, layers=[chain], max_retries=0)
        names = ("key", "api-key", "pwd", "sas", "X-Amz-Signature", "authorization", "%6Bey")
        path = "/chat/completions?a=b&" + "&".join(f"{name}={SECRET}" for name in names)
        invoke(client.post, path, body={**ASK, "model": "smart"}, cast_to=object)
    assert wire.requests[0].target.count(SECRET) == len(names)
    assert other.requests[0].target == "/v1/chat/completions?a=b"


@pytest.mark.parametrize("absolute", [False, True])
def test_a_secret_in_a_path_is_shown_nowhere(
    invoke: Invoke, wire: Wire, caplog: pytest.LogCaptureFixture, absolute: bool
) -> None:
    """Logs and hooks show the path of a call without its query, be it answered or not."""
    caplog.set_level(logging.DEBUG)
    told: list[Any] = []
    hooks = Hooks(on_call=told.append, on_attempt=told.append, on_result=told.append, on_error=told.append)
    client = invoke.client(base_url=wire.base_url, layers=[Logs(), hooks], max_retries=0)
    path = f"{wire.base_url if absolute else ''}/chat/completions?key={SECRET}"
    wire.play(answer())
    invoke(client.post, path, body=ASK, cast_to=object)
    wire.play(answer(b"{}", status=500))
    with pytest.raises(APIError):
        invoke(client.post, path, body=ASK, cast_to=object)
    assert len(told) == 6
    assert "/chat/completions" in str(told[0])
    assert SECRET not in str(told)
    assert len(caplog.records) >= 4
    assert SECRET not in "".join(str(vars(record)) for record in caplog.records)


@pytest.mark.parametrize("stream", ["no", "refused", "opening", "later"])
def test_what_a_server_quotes_of_a_request_is_not_in_the_error(
    invoke: Invoke, wire: Wire, stream: str
) -> None:
    """Whatever of its credentials a server repeats, in an answer or in a stream, is taken out of the error."""
    basic = base64.b64encode(f"user:{SECRET}-3".encode()).decode()
    quoted = [f"{SECRET}-{number}" for number in range(6)] + [f"{SECRET} 6", f"{SECRET}%206", basic]
    error = {"error": {"message": " | ".join(quoted), "code": quoted[0], "param": [quoted[1]]}}
    body = json.dumps(error).encode()
    event = b"data: " + body + b"\n\n"
    if stream == "later":
        event = b'data: {"id":"c","choices":[]}\n\n' + event
    kind = "text/event-stream" if stream in {"opening", "later"} else "application/json"
    if kind == "application/json":
        wire.play(answer(body, status=200 if stream == "refused" else 400))
    else:
        wire.play(answer(event, content_type=kind))
    client = invoke.client(
        base_url=f"{wire.base_url}?api-key={SECRET}-0",
        api_key=f"{SECRET}-1",
        default_headers={"X-Gateway-Token": f"{SECRET}-2", "Cookie": f"a={SECRET}-4; b={SECRET}-5"},
        default_query={"sig": f"{SECRET} 6"},
        max_retries=0,
    )
    headers = {"Proxy-Authorization": f"Basic {basic}"}
    more: dict[str, Any] = {} if stream == "no" else {"stream": True}

    def ask() -> None:
        invoke.collect(invoke(client.chat.completions.create, **ASK, **more, extra_headers=headers))

    with pytest.raises(APIError) as caught:
        ask()
    found = caught.value
    shown = f"{found} {found!r} {found.args} {found.message} {found.body} {found.code} {found.param}"
    assert "[redacted]" in shown
    assert SECRET not in shown
    assert basic not in shown
    assert SECRET not in repr(found.request)
    assert SECRET.encode() not in pickle.dumps(found)
    assert found.request.headers["X-Gateway-Token"] == f"{SECRET}-2"


def test_only_secrets_are_masked_in_the_address_of_an_error(invoke: Invoke, wire: Wire) -> None:
    """The request of an error is the one that was sent where its address holds nothing secret."""
    wire.play(answer(b"{}", status=400))
    client = invoke.client(base_url=wire.base_url, max_retries=0)
    query = "limit=5&max_tokens=7&author=me&monkey&after=a%20b"
    with pytest.raises(APIError) as caught:
        invoke(client.get, f"/models?{query}", cast_to=object)
    assert caught.value.request.url.query.decode() == query
    assert caught.value.request is caught.value.response.request  # type: ignore[attr-defined]


def test_a_call_does_not_show_its_query() -> None:
    """The `repr` of a client whose address has a query, and of its errors' requests, hold nothing of it."""
    client = OpenAI(api_key="any", base_url=f"http://127.0.0.1:1/v1?key={SECRET}", max_retries=0)
    with pytest.raises(APIError) as caught:
        client.models.list()
    assert SECRET not in f"{client!r} {caught.value} {caught.value.request!r} {vars(caught.value)}"
    client.close()
