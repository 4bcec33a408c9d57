"""What every adapter must do: its tests derive from `Contract` and say how its application is made and asked.

An application under contract has two paths: `ask` makes one call and gives `{"endpoint": ...}`, the label that the call
had; `stream` passes on a stream.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

import pytest

from ai_client import AsyncOpenAI, ClientConfig, ClientProvider, ConfigError, OpenAI, current_labels
from ai_client.testing import Upstream, override

KEY = "sk-verysecret"
ASK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "a private question"}]}
Options = Mapping[str, Any]


@dataclass(frozen=True)
class Answer:
    """What a reader got."""

    status: int
    headers: Mapping[str, str]
    text: str


class Site(Protocol):
    """A running application, asked in process."""

    @property
    def provider(self) -> ClientProvider:
        """The provider in the framework's own place."""
        ...

    def ask(self) -> Answer:
        """GET the path that makes one call."""
        ...

    def stream(self) -> Answer:
        """GET the path that streams, to its end."""
        ...


class Contract:
    """The tests; a derived class has the attributes below."""

    endpoint: str
    """The template of the path that `Site.ask` takes."""

    def start(self, options: Options, aliases: Mapping[str, Options]) -> AbstractContextManager[Site]:
        """Run an application with these options, each given in the framework's way.

        Raises:
            ConfigError: An option is wrong.
        """
        raise NotImplementedError

    @pytest.fixture
    def options(self, ai_client_upstream: Upstream) -> dict[str, Any]:
        """Give options that lead to the upstream."""
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
        assert len(site.provider["default"]._built) == 1
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
        """What the environment says and can never work fails at the start, by the variable's name."""
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
        """A call made for a request is labelled with the template of its route; no label outlives the request."""
        assert json.loads(site.ask().text)["endpoint"] == self.endpoint
        assert current_labels().endpoint is None

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
        assert answer.headers.get("retry-after") == ("7" if status == 429 else None)
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
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert answer.headers["cache-control"] == "no-cache"
        assert answer.headers["x-accel-buffering"] == "no"
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
