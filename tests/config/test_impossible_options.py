"""Options that can never work are refused when the application starts, each by its name and by where it came from."""

import importlib
import inspect
import math
import re
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from ai_client import (
    AsyncAzureOpenAI,
    AsyncOpenAI,
    ClientConfig,
    ClientProvider,
    ConfigError,
    OpenAI,
    OpenAIError,
)
from ai_client._process.factory import arguments_of
from ai_client.control.assembly import OPTIONS
from tests.support.invoke import KEY, Invoke

ADDRESSES = [
    "",
    " ",
    "x",
    "/v1",
    "ftp://x",
    "file:///v1",
    "wss://h/v1",
    "http://",
    "http:///v1",
    "https://:443/v1",
    "https://user:password@/v1",
    "https://h:abc/",
    "https://h:99999",
    "https://h:-1/",
    "https://h:0/v1",
    "https://h h/v1",
    " https://h/v1",
    "https://h/v1\n",
    "https://h\r\nX-Evil: 1/",
    "https://h/\0",
    "https://a..b/v1",
    "https://-h/v1",
    "https://[::1/v1",
    "https://[::x]/v1",
    "https://h/v1#here",
    f"https://{'a' * 64}.example/v1",
    "https://h%20x/v1",
    "https://\U0001f600.example/v1",  # DNS may know these names, the HTTP library does not
    "https://a.\u2603.example/v1",
    "https://\uff41.example/v1",
    "https://xn--ls8h.example/v1",
    "https://xn--a.example/v1",
]
GOOD_ADDRESSES = [
    "https://api.openai.com/v1",
    "http://localhost:8000/",
    "http://my_service:8080/v1/",
    "http://127.0.0.1",
    "http://[::1]:8000/v1",
    "https://user:password@gateway.example/v1",
    "https://gateway.example/v1?version=2",
    "https://bücher.example/v1",
    "https://xn--bcher-kva.example/v1",
    "https://\u6211\u3002example/v1",
    "HTTPS://API.EXAMPLE.COM./v1",
]
TEXTS = ["", " ", "a\r\nb", "a\nb", "a\0b", "ä", "a\ud800", b"bytes", 3, True, ["a"]]
NUMBERS = [True, False, -1, math.nan, math.inf, -math.inf, 1e300, "soon", "", b"3", [], {}, object(), 10**400]


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the tests say all that the environment says."""
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)


def refused(name: str, **options: Any) -> str:
    """Assert that options are refused by the name of one; give what is said."""
    with pytest.raises(ConfigError, match=re.escape(name)) as caught:
        ClientConfig.make({"api_key": KEY, **options})
    assert KEY not in str(caught.value)
    with pytest.raises(ConfigError, match=re.escape(name)):
        ClientConfig(**{"api_key": KEY, **options})
    with pytest.raises(ConfigError, match=re.escape(name)):
        ClientProvider({"api_key": KEY, **options})
    return str(caught.value)


@pytest.mark.parametrize("address", ADDRESSES)
def test_addresses_that_lead_nowhere(address: str) -> None:
    """An address is absolute, of http or https, with a host and a possible port, for configurations and clients."""
    said = refused("base_url", base_url=address)
    assert "password" not in said
    refused("azure_endpoint", azure_endpoint=address, api_version="1") if address else None
    for cls in (OpenAI, AsyncOpenAI) if address else ():
        with pytest.raises(ConfigError, match="base_url"):
            cls(api_key=KEY, base_url=address)
    if address:
        with pytest.raises(ConfigError, match=r"base_url|azure_endpoint"):
            AsyncAzureOpenAI(api_key=KEY, azure_endpoint=address, api_version="1")


@pytest.mark.parametrize("address", GOOD_ADDRESSES)
def test_addresses_that_may_lead_somewhere(address: str) -> None:
    """What can be the address of an API is one, also with a query, a password, and letters of other scripts."""
    config = ClientConfig.make(api_key=KEY, base_url=address)
    assert config.base_url == address
    assert OpenAI(api_key=KEY, base_url=address).base_url.host


@pytest.mark.parametrize("value", TEXTS, ids=repr)
@pytest.mark.parametrize("name", ["organization", "project"])
def test_names_that_no_header_holds(name: str, value: Any) -> None:
    """What is sent as a header of its own is text of ASCII, neither empty nor with line breaks."""
    refused(name, **{name: value})
    for cls in (OpenAI, AsyncOpenAI):
        with pytest.raises(ConfigError, match=name):
            cls(api_key=KEY, **{name: value})


@pytest.mark.parametrize("value", ["a\r\nb", "a\nb", "a\0b", "ä", " a", b"bytes", 3, True])
@pytest.mark.parametrize("name", ["api_key", "admin_api_key"])
def test_keys_that_no_header_holds(name: str, value: Any) -> None:
    """A key is text of ASCII without blanks around it."""
    refused(name, **{name: value})
    for cls in (OpenAI, AsyncOpenAI):
        with pytest.raises(ConfigError, match=name):
            cls(**{"api_key": KEY, name: value})


@pytest.mark.parametrize(
    "headers",
    [
        {"": "a"},
        {" ": "a"},
        {"a b": "a"},
        {"a\r\n": "a"},
        {"ä": "a"},
        {"a:": "a"},
        {3: "a"},
        {b"a": "a"},
        {"X-A": "a\r\nX-B: c"},
        {"X-A": "ä"},
        {"X-A": "a\0"},
        {"X-A": "\x7f"},
        {"X-A": b"a"},
        {"X-A": 3},
        {"X-A": None},
        {"X-A": True},
    ],
    ids=repr,
)
def test_headers_that_cannot_be_sent(headers: Any) -> None:
    """Names and values of headers are what HTTP allows."""
    refused("default_headers", default_headers=headers)
    for cls in (OpenAI, AsyncOpenAI):
        with pytest.raises(ConfigError, match="default_headers"):
            cls(api_key=KEY, default_headers=headers)


@pytest.mark.parametrize("query", [{"a": b"b"}, {"a": "\ud800"}, {3: "a"}, "a=b", [("a", "b")]], ids=repr)
def test_queries_that_cannot_be_sent(query: Any) -> None:
    """A query is a mapping of names to what can be written in an address."""
    refused("default_query", default_query=query)


@pytest.mark.parametrize("value", NUMBERS, ids=lambda value: repr(value)[:20])
@pytest.mark.parametrize(
    "name",
    [
        "timeout",
        "max_retries",
        "deadline",
        "max_connections",
        "keepalive_expiry",
        "shutdown_timeout",
        "max_response_bytes",
        "max_event_bytes",
    ],
)
def test_numbers_that_are_none(name: str, value: Any) -> None:
    """A truth value, bytes, what is infinite, negative or beyond every clock is no number of seconds or of things."""
    if name.endswith("_bytes") and value == 10**400:
        return  # as good as no bound
    refused(name, **{name: value})


@pytest.mark.parametrize(
    "name", ["timeout", "max_retries", "deadline", "max_connections", "keepalive_expiry"]
)
@pytest.mark.parametrize("value", [True, -1, math.nan, math.inf, "3", b"3"], ids=repr)
def test_numbers_of_a_client_that_are_none(name: str, value: Any) -> None:
    """The clients themselves refuse them too."""
    for cls in (OpenAI, AsyncOpenAI):
        with pytest.raises((TypeError, ConfigError), match=name):
            cls(api_key=KEY, **{name: value})


@pytest.mark.parametrize("name", ["client_class", "async_client_class"])
@pytest.mark.parametrize(
    "path", ["", "x", ".x", "no_such_module.Client", "ai_client.Nothing", "ai_client.__version__", b"a.b", 3]
)
def test_a_class_that_cannot_be_imported(name: str, path: Any) -> None:
    """A client class is something that can be called, and is looked for at the start."""
    refused(name, **{name: path})


@pytest.mark.parametrize("package", ["openai", "ai_client"])
def test_a_class_of_the_other_kind(package: str) -> None:
    """An async class in the place of the sync one, or the reverse, fails at the start with the option that takes it."""
    assert "async_client_class" in refused("client_class", client_class=f"{package}.AsyncOpenAI")
    assert " client_class" in refused("async_client_class", async_client_class=f"{package}.OpenAI")
    cls = importlib.import_module(package).OpenAI
    refused("async_client_class", async_client_class=cls)
    ClientConfig(client_class=partial(cls, api_key=KEY), async_client_class=f"{package}.AsyncOpenAI")


def test_a_class_without_a_signature() -> None:
    """A class whose keywords Python does not know fails as one that does not take the options."""
    provider = ClientProvider(client_class=dict)
    with pytest.raises(ConfigError, match=r"client_class: .*dict.* keywords"):
        _ = provider.client
    provider.close()


@pytest.mark.parametrize(
    "store",
    [
        "redis://h:abc/0",
        "redis://h:99999/0",
        "redis://h?nonsense=1",
        "redis://user:pass/word@h/0",
        "redis://[::1",
        "unix://",
        "mongo://h",
        "redis",
        "",
        "sqlite://file",
        "sqlite:////dev/null/x.db",
        "sqlite:////tmp",
        "sqlite:///a%00b",
        "sqlite:///x.db?max_bytes=none",
        "memory://?max_bytes=" + "9" * 5000,
        "memory://?nonsense=1",
        3,
        b"memory://",
        pytest.param(object(), id="object()"),
    ],
    ids=lambda store: repr(store)[:30],
)
def test_stores_that_cannot_be(store: Any) -> None:
    """A store's address names a store that can be there, and its fault does not show it."""
    said = refused("store", controls={"store": store, "cost": True})
    assert "controls" in said
    assert "pass" not in said


@pytest.mark.parametrize(
    ("variable", "value", "option"),
    [
        ("OPENAI_BASE_URL", "x", "base_url"),
        ("OPENAI_ORG_ID", "ä", "organization"),
        ("OPENAI_API_KEY", "a\nb", "api_key"),
        ("AI_CLIENT_TIMEOUT", "soon", "timeout"),
        ("AI_CLIENT_MAX_RETRIES", "-1", "max_retries"),
        ("AI_CLIENT_TRUST", "nobody", "trust"),
        ("AI_CLIENT_CONTROLS", "{", "controls"),
        ("AI_CLIENT_CONTROLS", '{"store": "\udcff"}', "controls"),  # as bytes that are no UTF-8 are read
        ("AI_CLIENT_CONTROLS", '{"store": "redis://h:abc/0", "cost": true}', "store"),
        ("OPENAI_CUSTOM_HEADERS", "a b: c", "'a b'"),
        ("OPENAI_CUSTOM_HEADERS", "X-A: ä", "'X-A'"),
    ],
)
def test_what_the_environment_says_is_named_by_its_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, option: str
) -> None:
    """A fault of an option that the environment gave names the variable and the option."""
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigError, match=f"{variable} in the environment.*{option}"):
        ClientConfig.make()


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("AI_CLIENT_TIMEOU", "AI_CLIENT_TIMEOUT"),
        ("AI_CLIENT_TIME_OUT", "AI_CLIENT_TIMEOUT"),
        ("AI_CLIENT_RETRIES", "AI_CLIENT_MAX_RETRIES"),
        ("AI_CLIENT_CONTROL", "AI_CLIENT_CONTROLS"),
        ("AI_CLIENT_API_KEY", "OPENAI_API_KEY"),
        ("AI_CLIENT_BASE_URL", "OPENAI_BASE_URL"),
        ("AI_CLIENT_DEFAULT_HEADERS", "default_headers cannot be set in the environment"),
    ],
)
def test_a_mistyped_variable(monkeypatch: pytest.MonkeyPatch, variable: str, meant: str) -> None:
    """A variable that nobody reads is named, with the one that was meant."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv(variable, "3")
    with pytest.raises(ConfigError, match=f"{variable} in the environment.*{meant}"):
        ClientConfig.make()


@pytest.mark.parametrize(
    "variable",
    [
        "AI_CLIENT_SERVICE_HOST",
        "AI_CLIENT_SERVICE_PORT_HTTP",
        "AI_CLIENT_PORT",
        "AI_CLIENT_PORT_8000_TCP_ADDR",
        "AI_CLIENT_REGION",
        "AI_CLIENT_API_KEY",
    ],
)
def test_variables_of_others(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    """What a cluster sets for a service of that name, and what the application reads by itself, is no mistake."""
    monkeypatch.setenv(variable, "3")
    assert ClientConfig.make(api_key=KEY).timeout == 600


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "ALL_PROXY", "https_proxy", "HTTP_PROXY"])
@pytest.mark.parametrize(
    "value",
    [
        "ftp://h:1",
        "http://h:abc",
        "http://",
        "http://[::1",
        "http://h:99999",
        "http://ä:1",
        "http//u:p@h:1",
        "http:/h:1",
    ],
)
def test_a_proxy_that_is_none(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    """The address of a proxy is checked at the start, of the application and of a client."""
    monkeypatch.setenv(variable, value)
    named = f"{variable.upper()} in the environment"
    refused(named)
    for cls in (OpenAI, AsyncOpenAI):
        with pytest.raises(ConfigError, match=named):
            cls(api_key=KEY)


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_authorities_that_are_not_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str
) -> None:
    """A file or directory of authorities that is not there stops the start."""
    monkeypatch.setenv(variable, str(tmp_path / "nothing"))
    refused(f"{variable} in the environment")
    ClientConfig.make(api_key=KEY, base_url="http://localhost/v1")


def test_authorities_that_are_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A file that holds no certificates stops the start, a directory with one that does not."""
    (tmp_path / "file").write_text("nothing")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "file"))
    refused("SSL_CERT_FILE in the environment")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path))
    refused("SSL_CERT_FILE in the environment")
    monkeypatch.delenv("SSL_CERT_FILE")
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    ClientConfig.make(api_key=KEY)


def test_authorities_that_went_away(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, invoke: Invoke) -> None:
    """Where they are missing at the first call, that fails with the same error, and holds no place of the pool."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "nothing"))
    address = invoke.upstream.base_url.replace("http:", "https:")
    client = invoke.client(base_url=address, max_connections=1, timeout=5)
    for _ in range(2):
        with pytest.raises(ConfigError, match="SSL_CERT_FILE in the environment"):
            invoke(client.models.list)


ODD: st.SearchStrategy[Any] = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=20),
        st.binary(max_size=8),
        st.sampled_from(
            ADDRESSES + GOOD_ADDRESSES + ["redis://h:abc/0", "memory://", "openai.OpenAI", "a.b", "*"]
        ),
        st.sampled_from(
            [10**400, Decimal("1.5"), object(), int, print, lambda: 1, math.nan, "9" * 5000, "\ud800"]
        ),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.one_of(st.text(max_size=8), st.integers(), st.sampled_from(sorted(OPTIONS))), inner, max_size=3
        ),
        st.tuples(inner),
    ),
    max_leaves=5,
)


@settings(max_examples=500)
@given(name=st.sampled_from([*ClientConfig.model_fields]), value=ODD)
def test_any_value_of_any_option(name: str, value: Any) -> None:
    """Whatever an option is given, the configuration is made or says `ConfigError`."""
    try:
        config = ClientConfig.make({name: value})
    except ConfigError:
        return
    arguments_of(config)


@settings(max_examples=500)
@given(name=st.sampled_from(sorted(OPTIONS)), value=ODD)
def test_any_value_of_any_control(name: str, value: Any) -> None:
    """Whatever an option of the controls is given, the configuration is made or says `ConfigError`."""
    try:
        ClientConfig.make({"api_key": KEY, "controls": {"cost": True, name: value}})
    except ConfigError:
        return


@given(options=ODD)
def test_any_options(options: Any) -> None:
    """Whatever is given for the options as a whole, the configuration is made or says `ConfigError`."""
    try:
        ClientConfig.make(options)
    except ConfigError:
        return


OF_CLIENTS = sorted(
    {name for name in inspect.signature(OpenAI.__init__).parameters if not name.startswith("_")}
    - {"self", "layers", "http_client", "workload_identity"}
)


@settings(max_examples=300)
@given(name=st.sampled_from(OF_CLIENTS), value=ODD)
def test_any_value_of_any_keyword_of_a_client(name: str, value: Any) -> None:
    """Whatever a keyword of a client is given, the client is made, or says what is wrong by the keyword's name."""
    for cls in (OpenAI, AsyncOpenAI):
        try:
            cls(**{"api_key": KEY, name: value})
        except (TypeError, ValueError, OpenAIError) as error:
            said = str(error)
        else:
            continue
        assert name in said or "HTTP backend" in said or "credentials" in said
