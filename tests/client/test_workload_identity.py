"""Workload identity: keys in exchange for a platform's token."""

from collections.abc import Iterator
from pathlib import Path
from traceback import walk_tb
from typing import Any

import httpx
import pytest

from ai_client import (
    APIConnectionError,
    AuthenticationError,
    ConfigError,
    OAuthError,
    OpenAIError,
    SubjectTokenProviderError,
    auth,
)
from ai_client.control.accounting.budget import Budget, Budgets
from ai_client.stores import Ledger, open_store
from ai_client.testing import Recorded, Reply
from tests.support.accounts import held
from tests.support.invoke import CHAT, KEY, Invoke

TOKEN = "platform-token/with+0123456789"


class Exchange:
    """A token exchange of the upstream that counts the keys it gives."""

    def __init__(self, invoke: Invoke, **answer: Any) -> None:
        self.given = 0
        self.answer = answer
        invoke.upstream.always(self.reply, path="/oauth/token")

    def reply(self, recorded: Recorded) -> Reply:
        """Give the next key."""
        self.given += 1
        self.asked = recorded
        token = {"access_token": f"wif-key-number-{self.given}", "expires_in": 3600, **self.answer}
        return Reply(json=token)


def identity(get_token: Any = lambda: "platform-token", **more: Any) -> Any:
    """Describe a workload."""
    provider = {"token_type": "jwt", "get_token": get_token}
    return {"identity_provider_id": "idp_1", "service_account_id": "sa_1", "provider": provider, **more}


def client_of(invoke: Invoke, workload: Any = None) -> Any:
    """Make a client of a workload that exchanges its tokens at the upstream."""
    client = invoke.client(api_key=None, workload_identity=workload or identity())
    client._workload_keys.url = f"{invoke.upstream.url}/oauth/token"
    return client


def keys_sent(invoke: Invoke) -> list[str]:
    """Give the keys that calls of the API carried."""
    return [
        recorded.headers["authorization"]
        for recorded in invoke.upstream.requests
        if recorded.path.startswith("/v1/")
    ]


def test_a_key_is_exchanged_once(invoke: Invoke) -> None:
    """The platform's token becomes a key, which serves all calls of the client and its copies."""
    exchange = Exchange(invoke)
    client = client_of(invoke)
    for each in (client, client, client.copy(timeout=3)):
        invoke(each.models.retrieve, "gpt-5.5")
    assert keys_sent(invoke) == ["Bearer wif-key-number-1"] * 3
    assert exchange.given == 1
    assert exchange.asked.json() == {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": "platform-token",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "identity_provider_id": "idp_1",
        "service_account_id": "sa_1",
    }
    assert "authorization" not in exchange.asked.headers


def test_a_short_lived_key_is_renewed(invoke: Invoke) -> None:
    """A key near its end is exchanged anew."""
    exchange = Exchange(invoke, expires_in=0)
    client = client_of(invoke)
    for _ in range(2):
        invoke(client.models.retrieve, "gpt-5.5")
    assert exchange.given == 2


def test_a_refused_key_is_exchanged_anew_once(invoke: Invoke) -> None:
    """An answer of 401 costs the key: the call is sent again with a new one, once."""
    exchange = Exchange(invoke)
    client = client_of(invoke)
    invoke.upstream.reply(status=401, path="/models/gpt-5.5")
    invoke(client.models.retrieve, "gpt-5.5")
    assert keys_sent(invoke) == ["Bearer wif-key-number-1", "Bearer wif-key-number-2"]
    invoke.upstream.always(status=401, path="/models/gpt-5.5")
    with pytest.raises(AuthenticationError):
        invoke(client.models.retrieve, "gpt-5.5")
    assert exchange.given == 3


def test_a_refused_exchange(invoke: Invoke) -> None:
    """A refusal tells the OAuth code and is not tried again; other failures are told too, without the token."""
    client = client_of(invoke)
    body = {"error": "invalid_grant", "error_description": "not yours"}
    invoke.upstream.reply(status=400, json=body, path="/oauth/token")
    with pytest.raises(OAuthError, match="not yours") as caught:
        invoke(client.models.retrieve, "m")
    assert caught.value.error == "invalid_grant"
    invoke.upstream.reply(status=503, path="/oauth/token")
    with pytest.raises(OpenAIError, match="failed with status 503"):
        invoke(client.models.retrieve, "m")
    invoke.upstream.reply(json={"access_token": "x"}, path="/oauth/token")
    with pytest.raises(OpenAIError, match="no access_token with an expires_in"):
        invoke(client.models.retrieve, "m")
    invoke.upstream.always(disconnect=True, path="/oauth/token")
    with pytest.raises(APIConnectionError, match="exchange of the workload's token") as broken:
        invoke(client.copy(max_retries=0).models.retrieve, "m")
    assert broken.value.request.content == b""


@pytest.mark.parametrize(
    "answer",
    [
        {"json": {"error": "invalid_grant", "error_description": f"{TOKEN} is unknown", "hint": [TOKEN]}},
        {"json": {"error": {"code": TOKEN}, "error_description": [TOKEN]}},
        {"json": [TOKEN]},
        {"body": f"<p>{TOKEN} is unknown</p>".encode(), "headers": {"content-type": "text/html"}},
    ],
)
@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_refused_exchange_shows_no_token(invoke: Invoke, status: int, answer: dict[str, Any]) -> None:
    """Nothing that can be reached from the error of an exchange holds the platform's token, which the server quotes."""
    client = client_of(invoke, identity(lambda: TOKEN))
    invoke.upstream.reply(status=status, path="/oauth/token", **answer)
    with pytest.raises(OAuthError) as caught:
        invoke(client.models.retrieve, "m")
    error = caught.value
    assert error.status_code == status
    assert isinstance(error.message, str)
    assert error.response.content
    shown = [error, error.message, error.body, error.error, vars(error), error.response.text, error.args]
    shown += [error.response.headers, error.response.request.content, error.request.content]
    shown += [variable for frame in frames(error) for variable in frame.values()]
    assert not [each for each in shown if TOKEN in repr(each) or TOKEN in str(each)]


def frames(error: BaseException) -> Iterator[dict[str, Any]]:
    """Yield the variables of this package's functions in a traceback, as debug pages show them."""
    for frame, _ in walk_tb(error.__traceback__):
        if frame.f_globals["__name__"].startswith("ai_client."):
            yield frame.f_locals


@pytest.mark.parametrize("failure", [{"disconnect": True}, {"status": 500}, {"json": {"access_token": 3}}])
def test_a_failed_exchange_shows_no_token(invoke: Invoke, failure: dict[str, Any]) -> None:
    """No variable of a function that a failed exchange passed holds the platform's token."""
    client = client_of(invoke, identity(lambda: TOKEN)).copy(max_retries=0)
    invoke.upstream.always(path="/oauth/token", **failure)
    with pytest.raises(OpenAIError) as caught:
        invoke(client.models.retrieve, "m")
    assert not [each for frame in frames(caught.value) for each in frame.values() if TOKEN in repr(each)]


def test_a_provider_may_be_asynchronous_or_fail(invoke: Invoke) -> None:
    """The async client awaits the platform's token; an empty one is an error."""

    async def token() -> str:
        return "async-token"

    with pytest.raises(OpenAIError, match="returned no token"):
        invoke(client_of(invoke, identity(lambda: "")).models.retrieve, "m")
    if not invoke.sync:
        exchange = Exchange(invoke)
        invoke(client_of(invoke, identity(token)).models.retrieve, "gpt-5.5")
        assert exchange.asked.json()["subject_token"] == "async-token"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"workload_identity": identity(), "api_key": KEY}, "exclude each other"),
        ({"workload_identity": {"type": "x509"}}, "X.509"),
        ({"workload_identity": {"provider": {}}}, "`provider` must hold"),
        (
            {"workload_identity": identity() | {"provider": {"get_token": str, "token_type": "saml"}}},
            "`provider` must",
        ),
    ],
)
def test_faulty_identities_are_refused(invoke: Invoke, options: dict[str, Any], message: str) -> None:
    """What no key can be had with is refused where the client is made."""
    with pytest.raises(ConfigError, match=message):
        invoke.client(**{"api_key": None, **options})


def test_kubernetes(tmp_path: Path) -> None:
    """The token of a pod is read from its file, each time."""
    path = tmp_path / "token"
    provider = auth.k8s_service_account_token_provider(path)
    with pytest.raises(SubjectTokenProviderError, match="Cannot read"):
        provider["get_token"]()
    for text in ("one\n", "two"):
        path.write_text(text)
        assert provider["get_token"]() == text.strip()
    path.write_bytes(b"\xff\xfe\x00secret")
    with pytest.raises(SubjectTokenProviderError, match="is not text") as caught:
        provider["get_token"]()
    assert caught.value.__suppress_context__
    path.write_text(" ")
    with pytest.raises(SubjectTokenProviderError, match="is empty"):
        provider["get_token"]()


@pytest.mark.parametrize("cloud", ["azure", "gcp"])
def test_clouds(cloud: str) -> None:
    """The metadata services are asked in their own words, and their failures told."""
    asked: list[httpx.Request] = []
    nothing = (
        [b"{}", b"", b"<html>", b"[1]", b'{"access_token": 3}', b"\xff"] if cloud == "azure" else [b" ", b""]
    )
    answers = iter(
        [
            httpx.Response(200, json={"access_token": "t"})
            if cloud == "azure"
            else httpx.Response(200, text=" t\n"),
            httpx.Response(500),
            *(httpx.Response(200, content=content) for content in nothing),
        ]
    )

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return next(answers)

    http = httpx.Client(transport=httpx.MockTransport(answer))
    if cloud == "azure":
        provider = auth.azure_managed_identity_token_provider(client_id="c", http_client=http)
    else:
        provider = auth.gcp_id_token_provider("audience", http_client=http)
    assert provider["get_token"]() == "t"
    for message in ("answered 500", *["returned no token"] * len(nothing)):
        with pytest.raises(SubjectTokenProviderError, match=message):
            provider["get_token"]()
    with pytest.raises(SubjectTokenProviderError, match="did not answer"):
        provider["get_token"]()
    if cloud == "azure":
        assert asked[0].headers["metadata"] == "true"
        assert asked[0].url.params["client_id"] == "c"
    else:
        assert asked[0].headers["metadata-flavor"] == "Google"
        assert asked[0].url.params["audience"] == "audience"


@pytest.mark.parametrize("refused", [False, True])
def test_a_call_whose_key_cannot_be_had_costs_nothing(invoke: Invoke, refused: bool) -> None:
    """Where the exchange of a token is lost, before a call or after a key was refused, no budget is used up."""
    exchange = Exchange(invoke)
    store = open_store()
    client = client_of(invoke).with_options(
        layers=[Budgets([Budget(tokens=10**6, per="total")], store)], max_retries=0
    )
    if refused:
        invoke(client.models.retrieve, "gpt-5.5")  # has a key exchanged
        invoke.upstream.reply(status=401, path="/v1/chat/completions")
    assert exchange.given == refused
    invoke.upstream.always(disconnect=True, path="/oauth/token")
    with pytest.raises(APIConnectionError, match="exchange of the workload's token failed"):
        invoke(client.chat.completions.create, **CHAT)
    assert held(store, "tokens") == Ledger(0, 0)
