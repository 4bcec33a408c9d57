"""The clients themselves: options, environment, copies, closing, warnings."""

import asyncio
import copy
import gc
import inspect
import pickle
import weakref
from typing import Any

import httpx
import openai
import pytest

from ai_client import (
    AsyncOpenAI,
    BlockingCallWarning,
    ClientClosedError,
    ConfigError,
    OpenAI,
    OpenAIError,
    omit,
)
from ai_client._client.time_limits import timeouts
from ai_client.control import Call, Next, Reply
from tests.support.invoke import CHAT, KEY, Invoke

TWINS = [(OpenAI, openai.OpenAI), (AsyncOpenAI, openai.AsyncOpenAI)]
BEDROCK = {"provider"}
VARIABLES = [
    "OPENAI_API_KEY",
    "OPENAI_ADMIN_KEY",
    "OPENAI_ORG_ID",
    "OPENAI_PROJECT_ID",
    "OPENAI_BASE_URL",
    "OPENAI_WEBHOOK_SECRET",
    "OPENAI_CUSTOM_HEADERS",
]


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the variables of the machine that the tests run on."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(("ours", "theirs"), TWINS)
def test_every_option_of_the_official_client_is_there(ours: type[Any], theirs: type[Any]) -> None:
    """Constructor and `copy` take the official names; Bedrock's alone are missing."""
    internal = {"_enforce_credentials", "_extra_kwargs"}
    for name in ("__init__", "copy", "with_options"):
        wanted = set(inspect.signature(getattr(theirs, name)).parameters) - BEDROCK - internal
        assert wanted <= set(inspect.signature(getattr(ours, name)).parameters)


@pytest.mark.parametrize(("ours", "theirs"), TWINS)
@pytest.mark.parametrize("given", [True, False])
def test_attributes_are_as_in_the_official_client(
    ours: type[Any], theirs: type[Any], given: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Arguments win over the environment, and both clients show the same of them."""
    for name in VARIABLES:
        monkeypatch.setenv(name, f"env-{name.lower()}")
    monkeypatch.setenv("OPENAI_BASE_URL", "https://env.example/v2")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Env: 1\nX-Both: env\nno colon here\n")
    arguments: dict[str, Any] = {
        "api_key": "sk-given",
        "admin_api_key": "sk-admin",
        "organization": "org-given",
        "project": "proj-given",
        "webhook_secret": "whsec_given",
        "base_url": "https://given.example/v3/",
        "websocket_base_url": "wss://given.example",
        "timeout": 12.5,
        "max_retries": 7,
        "default_headers": {"X-Both": "given"},
        "default_query": {"a": 1},
    }
    options = arguments if given else {}
    mine, official = ours(**options), theirs(**options)
    names = (
        "api_key",
        "admin_api_key",
        "organization",
        "project",
        "webhook_secret",
        "websocket_base_url",
        "max_retries",
    )
    for name in names:
        assert getattr(mine, name) == getattr(official, name), name
    assert str(mine.base_url) == str(official.base_url)
    assert mine.default_query == official.default_query
    assert mine.auth_headers == official.auth_headers
    for name in ("X-Env", "X-Both", "OpenAI-Organization", "OpenAI-Project", "Accept", "Content-Type"):
        assert mine.default_headers[name] == official.default_headers[name], name
    assert httpx.Timeout(**timeouts(mine.timeout)) == httpx.Timeout(**timeouts(official.timeout))


def test_the_defaults(client_class: type[Any]) -> None:
    """Without options a client goes to OpenAI, waits 600 seconds, connects in 5, and tries twice more."""
    client = client_class(api_key=KEY)
    assert str(client.base_url) == "https://api.openai.com/v1/"
    assert client.timeout.as_dict() == {"connect": 5.0, "read": 600, "write": 600, "pool": 600}
    assert (client.max_retries, client.deadline) == (2, None)


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({}, OpenAIError, "Missing credentials.*OPENAI_API_KEY"),
        ({"api_key": ""}, OpenAIError, "Missing credentials"),
        ({"api_key": " sk-x"}, ConfigError, "api_key has blanks"),
        ({"api_key": 3}, ConfigError, "must be a string or a function, not int"),
        ({"api_key": KEY, "base_url": "example.com/v1"}, ConfigError, "base_url must be an absolute"),
        ({"api_key": KEY, "base_url": "ftp://example.com"}, ConfigError, "base_url must be an absolute"),
        ({"api_key": KEY, "max_retries": -1}, ValueError, "max_retries"),
        ({"api_key": KEY, "max_retries": None}, TypeError, "max_retries"),
        ({"api_key": KEY, "deadline": 0}, ValueError, "deadline"),
        ({"api_key": KEY, "deadline": "1"}, TypeError, "deadline"),
        ({"api_key": KEY, "data_residency": "mars"}, ValueError, "data_residency must be one of"),
        (
            {"api_key": KEY, "data_residency": "eu", "base_url": "https://x.y"},
            ValueError,
            "exclude each other",
        ),
        (
            {"api_key": KEY, "data_residency": "eu", "websocket_base_url": "wss://x.y"},
            ValueError,
            "exclude each other",
        ),
        ({"api_key": KEY, "nonsense": 1}, TypeError, "nonsense"),
    ],
)
def test_faulty_options_are_refused(
    client_class: type[Any], options: dict[str, Any], kind: type[Exception], message: str
) -> None:
    """A faulty option is refused where the client is made, by its name and without its value."""
    with pytest.raises(kind, match=message):
        client_class(**options)


@pytest.mark.parametrize(
    ("region", "host"),
    [("global", "api.openai.com"), ("eu", "eu.api.openai.com"), ("jp", "jp.api.openai.com")],
)
def test_regions(region: Any, host: str) -> None:
    """A region is an address of its own."""
    assert OpenAI(api_key=KEY, data_residency=region).base_url.host == host
    assert OpenAI(api_key=KEY).copy(data_residency=region).base_url.host == host


def test_the_own_authorization_header_replaces_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names of headers count without regard to case."""
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "authorization: Bearer env")
    client = OpenAI(api_key=KEY, default_headers={"Authorization": "Bearer mine"})
    assert client.default_headers["Authorization"] == "Bearer mine"
    assert "authorization" not in client.default_headers


def test_a_copy_shares_connections_and_changes_options(invoke: Invoke) -> None:
    """A copy has its own options and the same connections."""
    client = invoke.client(default_headers={"X-A": "1", "X-B": "1"}, default_query={"a": "1"})
    changed = client.with_options(
        timeout=3, max_retries=0, organization="org", default_headers={"x-b": "2"}, default_query={"b": "2"}
    )
    invoke(client.models.retrieve, "gpt-5.5")
    invoke(changed.models.retrieve, "gpt-5.5")
    first, second = invoke.upstream.requests
    assert invoke.upstream.connections_opened == 1
    assert "openai-organization" not in first.headers
    assert second.headers["openai-organization"] == "org"
    assert (second.headers["x-a"], second.headers["x-b"]) == ("1", "2")
    assert second.headers["x-stainless-read-timeout"] == "3"
    assert (first.query, second.query) == ("a=1", "a=1&b=2")
    assert (client.max_retries, changed.max_retries) == (2, 0)
    assert changed.models is not client.models


def test_set_default_replaces(invoke: Invoke) -> None:
    """`set_default_headers` and `set_default_query` take the place of what was there."""
    client = invoke.client(default_headers={"X-A": "1"}, default_query={"a": "1"})
    bare = client.copy(set_default_headers={"X-B": "2"}, set_default_query={})
    invoke(bare.models.retrieve, "gpt-5.5")
    (recorded,) = invoke.upstream.requests
    assert "x-a" not in recorded.headers
    assert recorded.headers["x-b"] == "2"
    assert recorded.query == ""


@pytest.mark.parametrize("what", ["headers", "query"])
def test_laying_over_and_replacing_exclude_each_other(what: str) -> None:
    """Both at once is an error."""
    with pytest.raises(ValueError, match=f"default_{what} and set_default_{what} exclude"):
        OpenAI(api_key=KEY).copy(**{f"default_{what}": {}, f"set_default_{what}": {}})  # type: ignore[arg-type]


def test_a_copy_may_have_another_key(invoke: Invoke) -> None:
    """A key or a key function replaces the other in a copy and leaves the original alone."""
    client = invoke.client(api_key=lambda: "sk-from-function")
    fixed = client.copy(api_key="sk-fixed-key")
    for each, key in (
        (fixed, "sk-fixed-key"),
        (client, "sk-from-function"),
        (fixed.copy(api_key=lambda: "sk-third"), "sk-third"),
    ):
        invoke(each.models.retrieve, "gpt-5.5")
        assert invoke.upstream.requests[-1].headers["authorization"] == f"Bearer {key}"


def test_closing_a_copy_leaves_the_connections_open(invoke: Invoke) -> None:
    """Closing a copy closes the copy; closing the original closes both."""
    client = invoke.client()
    twin, other = client.copy(), copy.copy(client)
    invoke(twin.close)
    with pytest.raises(ClientClosedError, match="closed"):
        invoke(twin.models.retrieve, "gpt-5.5")
    assert twin.is_closed()
    assert not client.is_closed()
    invoke(client.models.retrieve, "gpt-5.5")
    invoke(client.close)
    assert client.is_closed()
    assert other.is_closed()
    with pytest.raises(ClientClosedError):
        invoke(other.models.retrieve, "gpt-5.5")
    invoke.upstream.wait_for(lambda: invoke.upstream.connections_open == 0)


def test_many_copies_open_nothing_and_are_let_go(invoke: Invoke) -> None:
    """Ten thousand copies, some of them used, open one connection between them and none survives."""
    client = invoke.client()
    kept: list[weakref.ref[Any]] = []
    for number in range(10_000):
        made = client.with_options(timeout=number + 1)
        if number % 1000 == 0:
            invoke(made.models.retrieve, "gpt-5.5")
        kept.append(weakref.ref(made))
    del made
    gc.collect()
    assert not [each for each in kept if each() is not None]
    assert invoke.upstream.connections_opened == 1


def test_an_unused_copy_needs_no_collector(invoke: Invoke) -> None:
    """A copy is no part of a cycle: it goes with its last reference."""
    client = invoke.client()
    gc.disable()
    try:
        made = weakref.ref(client.copy())
        assert made() is None
    finally:
        gc.enable()


def test_as_a_context_manager(invoke: Invoke) -> None:
    """Leaving the block closes the client."""
    with invoke.within(invoke.client()) as client:
        invoke(client.models.retrieve, "gpt-5.5")
    assert client.is_closed()


def test_no_secret_in_the_repr_and_no_pickle(invoke: Invoke) -> None:
    """A client shows its address without its password, and cannot be pickled."""
    client = invoke.client(base_url="http://user:secret-pass@127.0.0.1:1/v1", webhook_secret="whsec_abc")
    assert repr(client) == f"<{type(client).__name__} base_url='http://127.0.0.1:1/v1/'>"
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(client)


def test_layers_wrap_every_call(invoke: Invoke) -> None:
    """Policies run around a call, the first outermost, and a copy may have others."""
    seen: list[str] = []

    def layer(name: str) -> Any:
        async def wrap(call: Call, proceed: Next) -> Reply:
            seen.append(f"{name} {call.path}")
            reply = await proceed(call)
            seen.append(f"{name} done")
            return reply

        return wrap

    client = invoke.client(layers=[layer("a"), layer("b")])
    invoke(client.models.retrieve, "gpt-5.5")
    assert seen == ["a /models/gpt-5.5", "b /models/gpt-5.5", "b done", "a done"]
    seen.clear()
    invoke(client.copy(layers=[]).models.retrieve, "gpt-5.5")
    assert not seen


def test_omit_in_default_headers(invoke: Invoke) -> None:
    """A default header may be an omission of one of the client's own."""
    client = invoke.client(default_headers={"User-Agent": omit}, organization="o")
    invoke(client.chat.completions.create, **CHAT)
    assert "ai_client" not in invoke.upstream.requests[0].headers.get("user-agent", "")


def sync_client(invoke: Invoke, **options: Any) -> OpenAI:
    """Make a sync client whichever is driven."""
    return OpenAI(api_key=KEY, base_url=invoke.upstream.base_url, **options)


def test_blocking_a_running_loop_warns_once(invoke: Invoke) -> None:
    """The sync client names the line that calls it inside a loop, once."""
    with sync_client(invoke) as client:

        async def handler() -> None:
            for _ in range(3):
                client.models.retrieve("gpt-5.5")
            client.copy().chat.completions.create(**CHAT)

        with pytest.warns(BlockingCallWarning, match="AsyncOpenAI") as caught:
            asyncio.run(handler())
        (warning,) = caught
        assert warning.filename == __file__
        line = inspect.getsource(handler).splitlines().index("            for _ in range(3):") + 1
        assert warning.lineno == inspect.getsourcelines(handler)[1] + line


@pytest.mark.parametrize("how", ["raise", "ignore"])
def test_the_warning_may_be_an_error_or_nothing(invoke: Invoke, how: Any) -> None:
    """`on_blocking_call` turns the warning into an error, each time, or turns it off."""
    with sync_client(invoke, on_blocking_call=how) as client:

        async def handler() -> None:
            client.models.retrieve("gpt-5.5")

        for _ in range(2):
            if how == "ignore":
                asyncio.run(handler())
            else:
                with pytest.raises(BlockingCallWarning):
                    asyncio.run(handler())
    assert len(invoke.upstream.requests) == (2 if how == "ignore" else 0)


def test_a_thread_beside_the_loop_may_block(invoke: Invoke) -> None:
    """A call in a thread of the loop's does not block the loop, and is not warned about."""
    with sync_client(invoke, on_blocking_call="raise") as client:
        assert asyncio.run(_in_thread(client)).id == "gpt-5.5"


async def _in_thread(client: OpenAI) -> Any:
    return await asyncio.to_thread(client.models.retrieve, "gpt-5.5")


@pytest.mark.parametrize(
    ("option", "values"),
    [
        ("layers", ["abc", ["x"], [None], [dict], 5, None]),
        ("websocket_base_url", [" ", "a\n", "x", "ftp://x", "ws://", "ws://h:99999", "\ud800", b"ws://h", 5]),
        ("data_residency", ["", "mars", b"eu", ["eu"]]),
        ("stream_end", ["", None]),
        ("on_blocking_call", ["", None]),
        ("http_backend", ["", "requests"]),
        ("max_response_bytes", [0, -1]),
    ],
)
def test_what_can_never_work_is_an_error_that_names_it(
    client_class: type[Any], option: str, values: list[Any]
) -> None:
    """An argument that no call could do anything with is refused when the client is made, by its name."""
    for value in values:
        if option == "on_blocking_call" and client_class is AsyncOpenAI:
            continue
        with pytest.raises(ConfigError, match=option):
            client_class(api_key="any", **{option: value})


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("default_headers", 5),
        ("default_headers", {"X-A": 5}),
        ("set_default_headers", {"X-A": "a\nb"}),
        ("default_query", 5),
        ("set_default_query", "a=b"),
        ("websocket_base_url", "x"),
        ("layers", [5]),
        ("stream_end", ""),
        ("max_event_bytes", -1),
    ],
)
def test_what_can_never_work_is_an_error_of_a_copy_too(option: str, value: Any) -> None:
    """`with_options` refuses by its name what no call could do anything with."""
    with OpenAI(api_key="any") as client, pytest.raises(ConfigError, match=option):
        client.with_options(**{option: value})


@pytest.mark.parametrize("address", ["", "ws://h", "wss://h:1/v1?a=b", "HTTPS://h", "http://[::1]:5/v1"])
def test_addresses_of_websockets_are_taken(address: str) -> None:
    """An address of any scheme that WebSockets have is taken; an empty one is none."""
    with OpenAI(api_key="any", websocket_base_url=address) as client:
        assert client.websocket_base_url == (address or None)
