"""The contract in process: settings, one client, labels, errors, streams, the end."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, TypeAlias

import pytest

from ai_client._call.labels import Labels, current_labels, requests_are_served
from ai_client.client import AsyncOpenAI, OpenAI
from ai_client.config import ClientConfig
from ai_client.errors import ConfigError
from ai_client.provider import ClientProvider
from ai_client.testing.adapter_contract.application import TENANT
from ai_client.testing.server import Upstream
from ai_client.testing.substitute import override

KEY = "sk-verysecret"
_SECONDS = 30.0
Options: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class Answer:
    """An answer as a reader received it.

    Args:
        status: The HTTP status.
        headers: The headers, in any case.
        text: The whole body.
    """

    status: int
    headers: Mapping[str, str]
    text: str

    def header(self, name: str) -> str | None:
        """Return a header; `None` where there is none."""
        return {each.lower(): value for each, value in self.headers.items()}.get(name)


@dataclass(frozen=True)
class Site:
    """A running application under contract.

    Args:
        provider: The provider that the adapter stores for the application.
        get: Sends a GET request for a path and reads the answer to its end.
    """

    provider: ClientProvider
    get: Callable[[str], Answer]

    def ask(self) -> Answer:
        """Request the path that makes one call."""
        return self.get("/items/7")

    def stream(self) -> Answer:
        """Request the path that relays a stream."""
        return self.get("/stream")

    def generate(self) -> Answer:
        """Request the path that relays a generator."""
        return self.get("/generate")


class AdapterContract:
    """Tests of an adapter in process; a derived class has `endpoint` and `start`.

        class TestMyAdapter(AdapterContract):
            endpoint = "/items/<pk>"

            @contextmanager
            def start(self, options, aliases):
                ...
                yield Site(provider, get)

    Attributes:
        endpoint: The template of the route of `/items/7`, as the framework writes it.
    """

    endpoint: str

    def start(self, options: Options, aliases: Mapping[str, Options]) -> AbstractContextManager[Site]:
        """Start a new application with these options, each given in the framework's way; end it after the block.

        At the end the provider is closed, by the application where its framework has such an event.

        Args:
            options: The options of the default client.
            aliases: The options of further clients, by alias.

        Raises:
            ConfigError: An option is wrong.
        """
        raise NotImplementedError

    @pytest.fixture
    def options(self, ai_client_upstream: Upstream) -> dict[str, Any]:
        """Return options that lead to the upstream."""
        return {"base_url": ai_client_upstream.base_url, "api_key": KEY, "max_retries": 0}

    @pytest.fixture
    def site(self, options: dict[str, Any]) -> Iterator[Site]:
        """Run the application over the upstream."""
        with self.start(options, {}) as site:
            yield site

    def test_options_reach_the_client(self, site: Site, ai_client_upstream: Upstream) -> None:
        """A call goes where the framework's settings say, with their key."""
        assert site.ask().status == 200
        (request,) = ai_client_upstream.requests
        assert request.headers["authorization"] == f"Bearer {KEY}"

    def test_nothing_is_built_at_the_start(self, site: Site, ai_client_upstream: Upstream) -> None:
        """Starting builds no client and opens no connection."""
        assert not site.provider["default"]._built
        assert not ai_client_upstream.connections_opened

    def test_one_client(self, site: Site, ai_client_upstream: Upstream) -> None:
        """Requests one after the other share a client and its connection."""
        for _ in range(10):
            assert site.ask().status == 200
        assert len(site.provider["default"]._built) == 1, "Views get their client from the provider alone."
        assert ai_client_upstream.connections_opened == 1

    def test_aliases(self, options: dict[str, Any]) -> None:
        """Each alias has a client with its own options."""
        with self.start(options, {"azure": {"api_key": "k", "base_url": "https://azure.test/v1"}}) as site:
            assert isinstance(site.provider["azure"].client, OpenAI)
            assert isinstance(site.provider["azure"].async_client, AsyncOpenAI)
            assert site.provider["azure"].client.api_key == "k"
            assert site.provider["azure"].client is not site.provider.client

    @pytest.mark.parametrize(
        "faulty",
        [
            {"timeoutt": 3},
            {"max_retries": KEY},
            {"api_key": f"{KEY}\n"},
            {"api_key": KEY.encode()},
            {"timeout": True},
            {"base_url": f"https://user:{KEY}@host:abc/"},
            {"organization": f"{KEY}\r\n"},
            {"default_headers": {"X-A": f"{KEY}\n"}},
            {"client_class": "no_such_module.Client"},
            {"controls": {"store": f"redis://:{KEY}@host:abc/0", "cost": True}},
        ],
    )
    def test_faulty_options_stop_the_start(self, options: dict[str, Any], faulty: Options) -> None:
        """An option that is unknown or does not fit fails at the start, with its name and without any value."""
        (name,) = faulty
        with pytest.raises(ConfigError) as caught, self.start({**options, **faulty}, {}):
            pass
        assert name in str(caught.value).lower()
        assert KEY not in str(caught.value)

    @pytest.mark.parametrize(
        ("variable", "value", "named"),
        [
            ("HTTPS_PROXY", "ftp://host", "HTTPS_PROXY in the environment"),
            ("SSL_CERT_FILE", "/no/such/file", "SSL_CERT_FILE in the environment"),
            ("AI_CLIENT_TIMEOU", "3", "AI_CLIENT_TIMEOUT"),
            ("AI_CLIENT_DEADLINE", "soon", "AI_CLIENT_DEADLINE in the environment"),
        ],
    )
    def test_a_faulty_environment_stops_the_start(
        self, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, named: str
    ) -> None:
        """A variable of the environment that can never work fails at the start, by its name."""
        monkeypatch.setenv(variable, value)
        with (
            pytest.raises(ConfigError, match=named),
            self.start({"api_key": KEY, "base_url": "https://ai.test/v1"}, {}),
        ):
            pass

    def test_options_are_those_of_the_provider(self, options: dict[str, Any]) -> None:
        """Every option of the configuration can be given in the framework's settings."""
        defaults = ClientConfig.make().__dict__
        for name in set(defaults) - set(options):
            with self.start({**options, name: defaults[name]}, {}) as site:
                assert site.provider.config.__dict__[name] == defaults[name]

    def test_endpoint_is_the_template(self, site: Site) -> None:
        """A call made for a request is labelled with the template of its route."""
        assert json.loads(site.ask().text)["endpoint"] == self.endpoint

    def test_no_label_outlives_its_request(self, site: Site) -> None:
        """Neither the next request nor the thread has labels of one that has ended, and none counts as being served."""
        for path in ("/items/7", "/generate", "/items/7"):
            answer = site.get(path)
            if path == "/items/7":
                assert json.loads(answer.text)["tenant"] is None, (
                    "Each request has a RequestScope of its own."
                )
        assert current_labels() == Labels(), "A request leaves the context as it was before."
        give_up = time.monotonic() + _SECONDS
        while requests_are_served() and time.monotonic() < give_up:
            time.sleep(0.01)  # a server may end the request just after the reader has the response
        assert not requests_are_served(), "A RequestScope ends when the response is closed."

    def test_labels_last_while_the_body_is_made(self, site: Site) -> None:
        """Calls of a generator that makes the body have the labels of the request, its endpoint and its tenant."""
        text = site.generate().text
        events = [json.loads(line.removeprefix("data: ")) for line in text.splitlines() if "{" in line]
        assert [event["tenant"] for event in events] == [TENANT, TENANT]
        assert {event["endpoint"].strip("/") for event in events} == {"generate"}
        assert text.endswith("data: [DONE]\n\n")

    @pytest.mark.parametrize(
        ("reply", "status"),
        [
            ({"status": 429, "headers": {"retry-after": "7"}}, 429),
            ({"status": 500}, 502),
            ({"status": 503}, 502),
            ({"status": 401}, 500),
            ({"status": 404}, 500),
            ({"status": 400, "json": {"error": {"message": "No.", "code": "content_filter"}}}, 400),
            ({"disconnect": True}, 502),
        ],
    )
    def test_errors(
        self, site: Site, ai_client_upstream: Upstream, reply: dict[str, Any], status: int
    ) -> None:
        """An error of a call is answered by the table, in the one format and without any secret."""
        ai_client_upstream.reply(**reply)
        answer = site.ask()
        assert answer.status == status
        assert answer.header("retry-after") == ("7" if status == 429 else None)
        assert set(json.loads(answer.text)["error"]) == {"type", "message", "request_id"}
        assert KEY not in answer.text
        assert "private" not in answer.text

    def test_timeout(self, options: dict[str, Any], ai_client_upstream: Upstream) -> None:
        """An upstream that does not answer in time is a gateway's timeout."""
        ai_client_upstream.reply(never=True)
        with self.start({**options, "timeout": 0.05}, {}) as site:
            assert site.ask().status == 504

    def test_stream(self, site: Site, ai_client_upstream: Upstream) -> None:
        """A stream arrives as server-sent events that nothing collects on the way, with `[DONE]` at the end."""
        ai_client_upstream.reply(content="one two")
        answer = site.stream()
        assert answer.header("content-type") == "text/event-stream; charset=utf-8"
        assert answer.header("cache-control") == "no-cache"
        assert answer.header("x-accel-buffering") == "no"
        assert '"content":"one' in answer.text
        assert answer.text.endswith("data: [DONE]\n\n")

    def test_stream_that_does_not_open(self, site: Site, ai_client_upstream: Upstream) -> None:
        """An error before the first item is an answer with its status, not an event."""
        ai_client_upstream.reply(status=429)
        assert site.stream().status == 429

    def test_stream_that_breaks(self, site: Site, ai_client_upstream: Upstream) -> None:
        """A stream that breaks in its middle ends with an error event and without `[DONE]`."""
        ai_client_upstream.reply(close_after=700)
        text = site.stream().text
        assert "event: error\n" in text
        assert "[DONE]" not in text

    def test_override(self, site: Site, ai_client_upstream: Upstream) -> None:
        """A test can lead the application to another upstream, for the length of a block."""
        with Upstream() as other, override(site.provider, other):
            assert site.ask().status == 200
            assert len(other.requests) == 1
        assert site.ask().status == 200
        assert len(ai_client_upstream.requests) == 1

    def test_requests_after_the_signal(self, site: Site) -> None:
        """A request that a server hands in when it was told to end already is served, until the clients are closed."""
        site.provider.drain()
        assert site.ask().status == 200
        assert site.ask().status == 200
        assert site.stream().text.endswith("data: [DONE]\n\n")
        site.provider.close()
        assert site.ask().status == 503
        site.provider.start()

    def test_closed_and_started_again(self, site: Site, ai_client_upstream: Upstream) -> None:
        """A closed provider answers that the service ends; started again it serves with a new client."""
        assert site.ask().status == 200
        site.provider.close()
        assert site.ask().status == 503
        site.provider.start()
        assert site.ask().status == 200
        assert len(ai_client_upstream.requests) == 2

    def test_the_end_closes_the_clients(self, options: dict[str, Any], ai_client_upstream: Upstream) -> None:
        """With the application its clients end, and their connections; another application can start then."""
        for _ in range(2):
            with self.start(options, {}) as site:
                assert site.ask().status == 200
            assert site.provider.state == "closed"
            ai_client_upstream.wait_for(lambda: ai_client_upstream.connections_open == 0)
