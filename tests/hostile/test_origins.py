"""Keys, cookies, names and custom headers reach the origin that they were given for, and no other."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from ai_client import (
    APIError,
    AsyncAzureOpenAI,
    AsyncOpenAI,
    AzureOpenAI,
    ClientConfig,
    ConfigError,
    DefaultAsyncHttpxClient,
    DefaultHttpxClient,
    OpenAI,
    OpenAIError,
    omit,
)
from ai_client.control.fallback import Fallback
from ai_client.doctor import Subject, examine_all, line_of
from tests.support.hostile.framing import framed
from tests.support.hostile.wire import RESET, Request, Step, Wire
from tests.support.invoke import Invoke

CHAT = b'{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[]}'
OWN = {
    "Authorization": "Bearer planted-own",
    "api-key": "planted-key",
    "X-Api-Key": "planted-x",
    "COOKIE": "session=planted-cookie",
    "Proxy-Authorization": "Basic planted-proxy",
    "OpenAI-Organization": "planted-organization",
    "OpenAI-Project": "planted-project",
    "X-Custom": "planted-custom",
}
"""Headers of one call, none of which another origin may see."""
CLIENT: dict[str, Any] = {
    "api_key": "planted-api-key",
    "organization": "planted-org",
    "project": "planted-proj",
    "default_headers": {"X-Default": "planted-default", "Cookie": "planted=jar"},
    "default_query": {"planted": "query"},
    "max_retries": 0,
}
ASK: dict[str, Any] = {"model": "smart", "messages": [{"role": "user", "content": "Hello"}]}


def answer(status: int = 200, *headers: tuple[str, str]) -> list[Step]:
    """Give the script of an answer that every call takes."""
    return [*framed([CHAT], "length", status=status, headers=headers)]


def planted(request: Request) -> list[str]:
    """Give what is planted in the head of a request."""
    lines = [f"{name}: {value}" for name, value in request.headers]
    return [line for line in (request.target, *lines) if "planted" in line]


@pytest.fixture
def other() -> Iterator[Wire]:
    """Yield what plays another origin."""
    with Wire(answer()) as wire:
        yield wire


def test_what_is_planted_is_found(invoke: Invoke, wire: Wire) -> None:
    """The origin that everything was given for gets all of it, so that its lack elsewhere means something."""
    wire.play(answer())
    client = invoke.client(base_url=wire.base_url, **CLIENT)
    invoke(client.chat.completions.create, **ASK, extra_headers={"X-Custom": "planted-custom"})
    assert len(planted(wire.requests[0])) == 7


@pytest.mark.parametrize("stream", [False, True])
def test_another_target_gets_no_header_of_the_call(
    invoke: Invoke, wire: Wire, other: Wire, stream: bool
) -> None:
    """A target at another origin gets neither the call's credentials nor its custom headers, but what it asks for."""
    wire.play(answer(503))
    away = invoke.client(base_url=other.base_url, api_key="own-key-of-it")
    chain = Fallback({"smart": ["m", "away/m"]}, clients={"away": away}, breaker=None)
    client = invoke.client(base_url=wire.base_url, **{**CLIENT, "layers": [chain]})
    if stream:
        other.play([*framed([b"data: [DONE]\n\n"], content_type="text/event-stream")])
    headers = {**OWN, "Idempotency-Key": "one", "OpenAI-Beta": "beta"}
    query = {"a": "b", "access_token": "planted-token", "subscription-key": "planted-subscription"}
    invoke(client.chat.completions.create, **ASK, stream=stream, extra_headers=headers, extra_query=query)
    (request,) = other.requests
    assert planted(request) == []
    assert request.header("authorization") == "Bearer own-key-of-it"
    assert request.header("openai-beta") == "beta"
    assert (request.header("idempotency-key") or "").startswith("one-")  # a key for this body
    assert request.target.endswith("?a=b")


def test_another_client_of_the_same_origin_keeps_its_own_credentials(invoke: Invoke, wire: Wire) -> None:
    """A target of another account at the same origin gets the call's custom headers, not its credentials."""
    wire.play(answer(503), answer())
    twin = invoke.client(base_url=wire.base_url, api_key="own-key-of-it")
    chain = Fallback({"smart": ["m", "twin/m"]}, clients={"twin": twin}, breaker=None)
    client = invoke.client(base_url=wire.base_url, **{**CLIENT, "layers": [chain]})
    invoke(client.chat.completions.create, **ASK, extra_headers=OWN)
    assert len(planted(wire.requests[0])) == 10
    assert planted(wire.requests[1]) == ["X-Custom: planted-custom"]
    assert wire.requests[1].header("authorization") == "Bearer own-key-of-it"


def test_an_omitted_credential_is_omitted_at_its_own_origin_only(
    invoke: Invoke, wire: Wire, other: Wire
) -> None:
    """A call without authorization falls back to a target that is authorized by its own client."""
    wire.play(answer(503))
    away = invoke.client(base_url=other.base_url, api_key="own-key-of-it")
    chain = Fallback({"smart": ["m", "away/m"]}, clients={"away": away}, breaker=None)
    client = invoke.client(base_url=wire.base_url, layers=[chain], max_retries=0)
    invoke(client.chat.completions.create, **ASK, extra_headers={"Authorization": omit})
    assert wire.requests[0].header("authorization") is None
    assert other.requests[0].header("authorization") == "Bearer own-key-of-it"


def test_the_same_client_gets_its_own_headers_again(invoke: Invoke, wire: Wire) -> None:
    """A further model of the same client gets what the call gave for it."""
    wire.play(answer(503), answer())
    chain = Fallback({"smart": ["m", "n"]}, breaker=None)
    client = invoke.client(base_url=wire.base_url, **{**CLIENT, "layers": [chain]})
    invoke(client.chat.completions.create, **ASK, extra_headers=OWN)
    assert planted(wire.requests[0]) == planted(wire.requests[1]) != []


@pytest.mark.parametrize("scheme", ["http://", "HTTP://", "hTTp://"])
@pytest.mark.parametrize("kind", ["openai", "azure", "key function", "http client"])
def test_an_absolute_address_elsewhere_gets_nothing_of_the_client(
    invoke: Invoke, wire: Wire, other: Wire, scheme: str, kind: str
) -> None:
    """A whole address of another origin gets the call's own headers, and of the client neither keys nor defaults."""
    cls: Any = None
    options = dict(CLIENT)
    if kind == "azure":
        cls = AzureOpenAI if invoke.sync else AsyncAzureOpenAI
        options |= {"api_version": "planted-version"}
    if kind == "key function":
        options["api_key"] = lambda: "planted-given"
    if kind == "http client":
        http = httpx.Client if invoke.sync else httpx.AsyncClient
        options["http_client"] = http(
            auth=("planted", "planted"),
            cookies={"c": "planted"},
            params={"p": "planted"},
            headers={"x": "planted"},
        )
    client = invoke.client(cls, base_url=wire.base_url, **options)
    address = other.url.replace("http://", scheme)
    invoke(client.get, f"{address}/there", cast_to=object)
    invoke(client.post, f"{address}/there", cast_to=object, body={}, options={"headers": {"X-Mine": "mine"}})
    assert [request.target for request in other.requests] == ["/there", "/there"]
    assert [planted(request) for request in other.requests] == [[], []]
    assert other.requests[0].header("authorization") is None
    assert other.requests[1].header("x-mine") == "mine"
    assert other.requests[1].header("host") == f"127.0.0.1:{other.port}"
    assert not wire.requests


@pytest.mark.parametrize(
    "path", ["//127.0.0.1:{port}/x", "/x?next=http://127.0.0.1:{port}/y", "http:/x", "x:y"]
)
def test_what_only_looks_like_an_address_stays_here(
    invoke: Invoke, wire: Wire, other: Wire, path: str
) -> None:
    """A path without a scheme and an authority is below the client's address."""
    wire.play(answer())
    client = invoke.client(base_url=wire.base_url, **CLIENT)
    invoke(client.get, path.format(port=other.port), cast_to=object)
    assert not other.requests
    assert wire.requests[0].target.startswith("/v1/")
    assert planted(wire.requests[0])


def test_an_absolute_address_here_gets_the_key(invoke: Invoke, wire: Wire) -> None:
    """A whole address of the client's own origin is one of its paths."""
    wire.play(answer())
    client = invoke.client(base_url=wire.base_url, **CLIENT)
    invoke(client.get, f"{wire.url}/else", cast_to=object)
    assert wire.requests[0].header("authorization") == "Bearer planted-api-key"


@pytest.mark.parametrize(
    "path", ["http://h:port/x", "/a\nb", "http://h\x7f/", "/" + "x" * 70000, "https://xn--ls8h.h/"]
)
def test_an_address_that_is_none_is_an_error_of_ours(invoke: Invoke, path: str) -> None:
    """A path that makes no address is named as such before anything is sent."""
    client = invoke.client()
    with pytest.raises(ConfigError, match="makes no valid address"):
        invoke(client.get, path, cast_to=object)
    assert not invoke.upstream.requests


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("own", [False, True], ids=["pool", "http client"])
def test_a_redirect_elsewhere_takes_nothing_along(
    invoke: Invoke, wire: Wire, other: Wire, status: int, own: bool
) -> None:
    """Another origin that a server points to gets neither credentials nor custom headers, and nor does a third."""
    wire.play(answer(status, ("Location", f"{other.url}/there")))
    other.play(answer(302, ("Location", f"http://localhost:{other.port}/third")), answer())
    options = dict(CLIENT)
    if own:
        http = httpx.Client if invoke.sync else httpx.AsyncClient
        headers = {"x": "planted"}
        cookies = {"c": "planted"}
        options["http_client"] = http(headers=headers, cookies=cookies, follow_redirects=True)
    client = invoke.client(base_url=wire.base_url, **options)
    invoke(
        client.chat.completions.create, **ASK, extra_headers={"X-Custom": "planted-custom", "Accept": "a/b"}
    )
    assert planted(wire.requests[0])
    assert [planted(request) for request in other.requests] == [[], []]
    assert [request.header("accept") for request in other.requests] == ["a/b", "a/b"]
    assert other.requests[0].header("host") == f"127.0.0.1:{other.port}"


def test_a_redirect_here_keeps_everything(invoke: Invoke, wire: Wire) -> None:
    """Another path of the same origin gets what the first one got."""
    wire.play(answer(307, ("Location", "/else")), answer())
    client = invoke.client(base_url=wire.base_url, **CLIENT)
    invoke(client.chat.completions.create, **ASK, extra_headers={"X-Custom": "planted-custom"})
    first, second = (planted(request) for request in wire.requests)
    assert [line for line in first if not line.startswith("/")] == second
    assert second


def test_a_workloads_token_follows_no_redirect(
    invoke: Invoke, wire: Wire, other: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a platform says about a workload goes to the address of the exchange and not where that points."""
    monkeypatch.setattr("ai_client.auth.TOKEN_EXCHANGE_URL", f"{wire.url}/token")
    wire.play(answer(307, ("Location", f"{other.url}/token")))
    identity = {
        "identity_provider_id": "p",
        "service_account_id": "s",
        "provider": {"token_type": "jwt", "get_token": lambda: "planted"},
    }
    cls = OpenAI if invoke.sync else AsyncOpenAI
    client = invoke.client(cls, api_key=None, workload_identity=identity, base_url=wire.base_url)
    with pytest.raises(OpenAIError, match="exchange of the workload's token failed with status 307"):
        invoke(client.models.list)
    assert not other.requests


def with_user(address: str) -> str:
    """Give an address with a user in it."""
    return address.replace("://", "://planted:pl%40nted%2F@")


@pytest.mark.parametrize("own", [False, True], ids=["pool", "http client"])
def test_the_user_of_an_address_authorizes_and_is_not_shown(invoke: Invoke, wire: Wire, own: bool) -> None:
    """The user in `base_url` is sent as the HTTP library does, in place of the key, and is in no error."""
    wire.play(
        answer(), answer(404), [b"HTTP/1.1 200 OK\r\n", RESET], answer(307, ("Location", "else")), answer(400)
    )
    options: dict[str, Any] = {"api_key": "key", "max_retries": 0, "base_url": with_user(wire.base_url)}
    if own:
        options["http_client"] = (DefaultHttpxClient if invoke.sync else DefaultAsyncHttpxClient)()
    client = invoke.client(**options)
    invoke(client.models.list)
    with httpx.Client() as plain:
        expected = plain.build_request("GET", "http://h")
        next(httpx.BasicAuth("planted", "pl@nted/").auth_flow(expected))
    for error in [*failures(invoke, client, 3), deadline(invoke, client)]:
        assert str(error.request.url).startswith(f"http://127.0.0.1:{wire.port}/")
        for text in (str(error), repr(error), str(error.__cause__), repr(error.request)):
            assert "planted" not in text
    assert {request.header("authorization") for request in wire.requests} == {
        expected.headers["Authorization"]
    }
    assert str(client.base_url) == with_user(wire.base_url) + "/"
    assert str(client.with_options(timeout=3).base_url) == str(client.base_url)
    assert "planted" not in repr(client)


def failures(invoke: Invoke, client: Any, count: int) -> list[APIError]:
    """Give the errors of some calls that fail."""
    errors: list[APIError] = []
    for _ in range(count):
        with pytest.raises(APIError) as caught:
            invoke(client.models.list)
        errors.append(caught.value)
    return errors


def deadline(invoke: Invoke, client: Any) -> APIError:
    """Give the error of a call whose deadline has passed before it begins."""
    with pytest.raises(APIError) as caught:
        invoke(client.with_options(deadline=1e-9).models.list)
    return caught.value


def test_the_user_of_an_absolute_address(invoke: Invoke, other: Wire) -> None:
    """The user in an absolute address is sent there, and is not in its error."""
    other.play(answer(404))
    client = invoke.client(api_key="key", max_retries=0)
    with pytest.raises(APIError) as caught:
        invoke(client.get, with_user(other.url) + "/x", cast_to=object)
    assert str(caught.value.request.url) == f"{other.url}/x"
    assert (other.requests[0].header("authorization") or "").startswith("Basic ")


def test_a_user_in_a_redirect_is_nobodys(invoke: Invoke, wire: Wire) -> None:
    """A server cannot name a user for where it points to."""
    wire.play(answer(307, ("Location", with_user(f"{wire.url}/else"))), answer(404))
    client = invoke.client(base_url=wire.base_url, api_key="key", max_retries=0)
    (error,) = failures(invoke, client, 1)
    assert str(error.request.url) == f"{wire.url}/else"
    assert wire.requests[1].header("authorization") == "Bearer key"


@pytest.mark.parametrize(
    ("name", "address", "shown"),
    [
        ("base_url", "https://planted:planted@h.example/v1", "https://h.example/v1"),
        ("base_url", "https://planted:planted@h.example/v1?key=planted", "https://h.example/v1"),
        ("base_url", "https://planted@h.example", "https://h.example"),
        ("azure_endpoint", "https://planted:planted@h.example", "https://h.example"),
    ],
)
def test_a_configuration_does_not_show_the_user_of_an_address(name: str, address: str, shown: str) -> None:
    """Neither the `repr` of a configuration nor the report on it shows the user or the query of an address."""
    options = {name: address, **({"api_version": "v"} if name[0] == "a" else {})}
    config = ClientConfig.make(options)
    assert "planted" not in repr(config) + str(config)
    assert f"{name}='{shown}'" in repr(config)
    report = "\n".join(map(line_of, examine_all(Subject({"default": options}), offline=True)))
    assert "planted" not in report
    assert shown in report
