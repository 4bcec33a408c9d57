"""The extension: an app's provider, endpoint labels, error handlers and command."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack, cast

from flask import Blueprint, Flask

from ai_client import AsyncOpenAI, ClientOptions, OpenAI, operations
from ai_client.adapter import ScopedWSGI
from ai_client.errors import ConfigError
from ai_client.provider import DEFAULT_ALIAS, ClientProvider, Clients

from ._command import commands
from ._current import current_provider
from ._registration import KEY, close_with, provider_of, registration_for, registrations
from ._requests import answer_errors, label, show_timings

if TYPE_CHECKING:
    import openai
else:  # which imports it once an annotation is evaluated
    from ai_client.interop import openai


class AIClient:
    """The AI clients of Flask apps: one sync and one async client per app and process.

    One object serves any number of apps, of which it is `app.extensions["ai_client"]`; each has clients of its own.

    Args:
        app: An app to register with at once.
        error_handlers: Whether to answer an `OpenAIError` that a view raises, unless the app has a handler of
            its own.
        aliases: The options of further clients by name, for `ext[name]`.
        options: The options of the clients as keywords. The `AI_CLIENT_*` keys of an app's configuration take
            precedence over them, and they over the environment.

    Raises:
        ConfigError: *aliases* defines the default client, or see `init_app`.
    """

    def __init__(
        self,
        app: Flask | None = None,
        *,
        error_handlers: bool = True,
        aliases: Mapping[str, ClientOptions] | None = None,
        **options: Unpack[ClientOptions],
    ) -> None:
        if not isinstance(cast("object", aliases), Mapping | None):  # of a caller without a type checker
            raise ConfigError(f"aliases must be a mapping, not {type(aliases).__name__}.")
        if aliases is not None and DEFAULT_ALIAS in aliases:
            raise ConfigError("aliases is for further clients; configure the default one with keywords.")
        self._error_handlers = error_handlers
        self._keywords = {DEFAULT_ALIAS: cast("dict[str, Any]", options), **(aliases or {})}
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Register with an app and validate its options; clients are built on first use.

        The app's `AI_CLIENT_*` keys may still change until then.

        Raises:
            ConfigError: A key or keyword is unknown or its value is invalid.
            RuntimeError: The app has an `AIClient` already, or another extension has its place.
        """
        registration = registration_for(app, self._keywords)
        app.before_request(label)  # raises if the app has served a request
        app.before_request(registration.detect_extra_clients)
        app.after_request(show_timings)
        registrations[app] = registration
        app.extensions[KEY] = self
        close_with(app, registration)
        cast("Any", app).wsgi_app = ScopedWSGI(app.wsgi_app)
        if self._error_handlers:
            answer_errors(app)
        app.cli.add_command(commands)

    @property
    def provider(self) -> ClientProvider:
        """The provider of the current app, which owns its clients.

        Raises:
            RuntimeError: No app context is active, its app is not registered, or the app's configuration has
                changed since the first use.
        """
        return current_provider()

    @property
    def client(self) -> OpenAI:
        """The current app's sync client.

        Raises:
            RuntimeError: As for `provider`.
        """
        return current_provider().client

    @property
    def async_client(self) -> AsyncOpenAI:
        """The current app's async client, which works on any event loop.

        Raises:
            RuntimeError: As for `provider`.
        """
        return current_provider().async_client

    @property
    def official(self) -> "openai.OpenAI":
        """The official SDK's client over `client`, for libraries that take no other.

        Raises:
            RuntimeError: As for `provider`.
            ImportError: The official SDK is not installed.
        """
        return current_provider().official

    @property
    def async_official(self) -> "openai.AsyncOpenAI":
        """The official SDK's client over `async_client`, for libraries that take no other.

        Raises:
            RuntimeError: As for `provider`.
            ImportError: The official SDK is not installed.
        """
        return current_provider().async_official

    @property
    def usage(self) -> "operations.UsageBook":
        """Reports on what the calls of the current app used and cost.

        Raises:
            RuntimeError: As for `provider`.
        """
        return current_provider().usage

    @property
    def budgets(self) -> "operations.BudgetBook":
        """The balances of the current app's budgets, to be read, reset and raised.

        Raises:
            RuntimeError: As for `provider`.
        """
        return current_provider().budgets

    @property
    def breakers(self) -> "operations.Breakers":
        """The circuits of the targets that the current app asks, to be read and reset.

        Raises:
            RuntimeError: As for `provider`.
        """
        return current_provider().breakers

    @property
    def cache(self) -> "operations.CacheBook":
        """The cached answers of the current app, to be invalidated.

        Raises:
            RuntimeError: As for `provider`.
        """
        return current_provider().cache

    @property
    def journal(self) -> "operations.JournalBook":
        """The last calls of the current app, one by one.

        Raises:
            RuntimeError: As for `provider`.
        """
        return current_provider().journal

    @property
    def statistics(self) -> "operations.StatisticsBook":
        """The calls of a time as they were added up, over time and by who made them.

        Raises:
            RuntimeError: As for `provider`.
        """
        return current_provider().statistics

    @property
    def workers(self) -> "operations.WorkerBook":
        """The clients, connections and calls of each process that shares a store with the current app's clients.

        Raises:
            RuntimeError: As for `provider`.
        """
        return current_provider().workers

    @property
    def process(self) -> "operations.ProcessState":
        """The clients that this process has built for the current app, and their connections, at this moment.

        Raises:
            RuntimeError: As for `provider`.
        """
        return current_provider().process

    @property
    def health(self) -> "operations.Health":
        """Whether this process can serve the current app's calls now, found out without one; for probes.

        Raises:
            RuntimeError: As for `provider`.
        """
        return current_provider().health

    def __getitem__(self, alias: str) -> Clients:
        """Return the current app's clients of an alias: `client`, `async_client`, `official` and `async_official`."""
        return current_provider()[alias]

    def health_blueprint(self, url_prefix: str = "/health") -> Blueprint:
        """Return a blueprint for `app.register_blueprint`: `/health/live` and `/health/ready`, for probes.

        Neither sends anything to the API. Functions of `app.before_request`, such as one that demands a login, are
        called for probes too: leave out those whose `request.blueprint` is `"ai_client_health"`.

        Args:
            url_prefix: What the paths begin with.
        """
        from ._health import health_blueprint  # noqa: PLC0415 - for apps that have these pages only

        return health_blueprint(url_prefix)

    def metrics_blueprint(
        self,
        path: str = "/metrics",
        *,
        guard: Callable[[Any], Any] | None = None,
        token: str | None = None,
        token_file: str | Path | None = None,
        public: bool = False,
    ) -> Blueprint:
        """Return a blueprint for `app.register_blueprint`: the metrics of the app's clients, for Prometheus.

        Args:
            path: Its path.
            guard: A function of the request that returns whether it may read them, or a response.
            token: What the request must bring as `Authorization: Bearer ...`.
            token_file: A file that holds that, read at each request.
            public: Whether anyone may read them.

        Raises:
            ConfigError: Not exactly one of the four last arguments is given.
        """
        from ._metrics import metrics_blueprint  # noqa: PLC0415 - for apps that have this page only

        return metrics_blueprint(path, guard=guard, token=token, token_file=token_file, public=public)

    def dashboard_blueprint(
        self,
        path: str = "/ai",
        *,
        guard: Callable[[Any], Any] | None = None,
        token: str | None = None,
        token_file: str | Path | None = None,
        public: bool = False,
        development: bool | None = None,
    ) -> Blueprint:
        """Return a blueprint for `app.register_blueprint`: the dashboard of the app's clients.

        Its forms have a token of their own: an extension that demands another one of each form, such as
        `CSRFProtect`, must leave the blueprint out.

        Args:
            path: Its path; all that it serves is there and below.
            guard: A function or coroutine function of the request that returns whether it may read the dashboard, or
                a response that refuses it.
            token: What a browser must bring as the password of HTTP Basic, with any user name, or any client as
                `Authorization: Bearer ...`.
            token_file: A file that holds that, read at each request.
            public: Whether anyone may read it.
            development: Whether calls may be sent again from it, which costs money; where it is not given, whether
                the app is in debug mode.

        Raises:
            ConfigError: Not exactly one of guard, token, token_file and public is given.
        """
        from ._dashboard import dashboard_blueprint  # noqa: PLC0415 - for apps that have this page only

        return dashboard_blueprint(
            path,
            guard=guard,
            token=token,
            token_file=token_file,
            public=public,
            development=development,
        )

    def override(self, app: Flask, fake: Any, *, alias: str = DEFAULT_ALIAS) -> AbstractContextManager[Any]:
        """Replace an app's clients by *fake* inside a `with` block, in every thread and task; for tests.

        *fake* is an `Upstream`, which both clients then talk to; a client, which replaces that of its kind; or
        any other object, which replaces both.
        """
        from ai_client.testing import override  # noqa: PLC0415 - for tests only

        return override(provider_of(app)[alias], fake)
