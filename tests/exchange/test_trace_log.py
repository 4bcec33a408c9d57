"""The log of connections over a user's HTTP client, which shows what the HTTP library tells."""

import logging
import re
from collections.abc import Iterator

import httpx
import pytest

import ai_client
from ai_client.errors import OpenAIError
from tests.support.invoke import Invoke
from tests.support.ports import free_port
from tests.support.proxy_server import ProxyServer
from tests.support.raw_server import RawServer

NAME = "ai_client.connections"
SECRET = "hush-hush"


@pytest.fixture
def server() -> Iterator[RawServer]:
    """Yield a server that answers at once."""
    with RawServer() as server:
        yield server


def lines(log: pytest.LogCaptureFixture) -> list[str]:
    """Return what was logged of connections, without times."""
    said = [record.getMessage() for record in log.records if record.name == NAME]
    return [re.sub(r"\d+\.\d+ s", "t", text) for text in said]


@pytest.mark.parametrize("deadline", [None, 30.0])
def test_opened_and_reused(
    invoke: Invoke, server: RawServer, deadline: float | None, caplog: pytest.LogCaptureFixture
) -> None:
    """The first of two calls opens a connection and the second uses it again, with a deadline and without."""
    kind = httpx.Client if invoke.sync else httpx.AsyncClient
    with caplog.at_level(logging.DEBUG, NAME):
        client = invoke.client(
            base_url=f"{server.url}/v1", api_key=SECRET, http_client=kind(trust_env=False), deadline=deadline
        )
        for _ in range(2):
            invoke(lambda: client.get(f"/{SECRET}?key={SECRET}", cast_to=object))
    name = "OpenAI" if invoke.sync else "AsyncOpenAI"
    assert lines(caplog) == [
        f"Connection of {name} to {server.url}: opened in t, HTTP/1.1",
        f"Connection of {name} to {server.url}: reused, HTTP/1.1",
    ]


def test_not_opened(invoke: Invoke, caplog: pytest.LogCaptureFixture) -> None:
    """A connection that is refused is said not to be opened, with the class of the error."""
    kind = httpx.Client if invoke.sync else httpx.AsyncClient
    port = free_port()
    client = invoke.client(
        base_url=f"http://127.0.0.1:{port}/v1",
        api_key=SECRET,
        http_client=kind(trust_env=False),
        max_retries=0,
    )
    with caplog.at_level(logging.DEBUG, NAME), pytest.raises(OpenAIError):
        invoke(lambda: client.get("/models", cast_to=object))
    [said] = lines(caplog)
    assert said.endswith(f" to http://127.0.0.1:{port}: not opened after t: ConnectError")


def test_proxies_of_the_client(server: RawServer, caplog: pytest.LogCaptureFixture) -> None:
    """A request through a proxy of the user's HTTP client is logged once, without the proxy's password."""
    with (
        ProxyServer(user=f"someone:{SECRET}") as proxy,
        caplog.at_level(logging.DEBUG, NAME),
        ai_client.OpenAI(
            base_url=server.url,
            api_key=SECRET,
            http_client=httpx.Client(proxy=proxy.address.replace("//", f"//someone:{SECRET}@")),
        ) as client,
    ):
        client.get("/models", cast_to=object)
    assert lines(caplog) == [f"Connection of OpenAI to {server.url}: opened in t, HTTP/1.1"]


def test_filters_that_fail(server: RawServer, caplog: pytest.LogCaptureFixture) -> None:
    """A filter of the application's that raises is no error of a call."""

    def fail(record: logging.LogRecord) -> bool:
        raise LookupError(record.name)

    logger = logging.getLogger(NAME)
    logger.addFilter(fail)
    try:
        with (
            caplog.at_level(logging.DEBUG, NAME),
            ai_client.OpenAI(
                base_url=server.url, api_key="key", http_client=httpx.Client(trust_env=False)
            ) as client,
        ):
            client.get("/models", cast_to=object)
    finally:
        logger.removeFilter(fail)
