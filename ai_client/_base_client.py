"""The base of both clients: their options and their resources."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NoReturn

from ._call import constructions
from ._call.pipeline import Policy, together
from ._call.stream_ends import StreamEndPolicy
from ._client import environment as of_process
from ._client.arguments import (
    DEFAULT_BASE_URL,
    DataResidency,
    api_key_of,
    base_url_of,
    check_credentials,
    check_http_client,
    checked_deadline,
    checked_name,
    checked_retries,
    checked_socket_address,
    checked_stream_end,
    headers_of,
    library_of,
    query_of,
    timeout_of,
)
from ._client.blocking_calls import BlockingCalls, OnBlockingCall
from ._client.connections import connections_of, places_of
from ._client.copying import Copies
from ._client.modes import M
from ._exchange.bounds import Bounds
from ._http.certificates import Cert, Verify
from ._libraries import httpx
from ._models.accessor import accessor
from ._params.defaults import (
    DEFAULT_CREDENTIALS_TTL,
    DEFAULT_KEEPALIVE_EXPIRY,
    DEFAULT_MAX_CONNECTIONS,
    DEFAULT_MAX_EVENT_BYTES,
    DEFAULT_MAX_RESPONSE_BYTES,
    DEFAULT_MAX_RETRIES,
)
from ._params.key_file import key_or_file
from ._params.omit import NotGiven, Omit, not_given, without_marks
from ._params.secrets import check_secret, check_webhook_secret
from ._resources import Resources
from ._sockets.open_sessions import Sessions
from .auth import WorkloadIdentity, WorkloadKeys
from .credentials import CredentialsFunction, Label
from .errors import ConfigError


class BaseClient(Copies, Resources[M]):
    """The part that both clients share, including the resources."""

    webhook_secret: str | None
    workload_identity: "WorkloadIdentity | None"
    _accessors = frozenset(name for name, member in vars(Resources).items() if isinstance(member, accessor))

    @without_marks
    def __init__(
        self,
        *,
        api_key: str | Callable[[], Any] | None = None,
        api_key_file: str | Path | None = None,
        admin_api_key: str | None = None,
        workload_identity: WorkloadIdentity | None = None,
        organization: str | None = None,
        project: str | None = None,
        webhook_secret: str | None = None,
        base_url: "str | httpx.URL | NotGiven | None" = not_given,
        data_residency: DataResidency | None = None,
        websocket_base_url: "str | httpx.URL | None" = None,
        timeout: "float | Mapping[str, float | None] | httpx.Timeout | NotGiven | None" = not_given,
        max_retries: int = DEFAULT_MAX_RETRIES,
        deadline: float | None = None,
        default_headers: Mapping[str, str | Omit] | None = None,
        default_query: Mapping[str, object] | None = None,
        http_client: Any = None,
        http_backend: Literal["httpx", "httpx2"] = "httpx",
        layers: Sequence[Policy] = (),
        max_connections: int = DEFAULT_MAX_CONNECTIONS,
        keepalive_expiry: float = DEFAULT_KEEPALIVE_EXPIRY,
        trust: Literal["certifi", "system"] = "certifi",
        verify: Verify = True,
        cert: Cert | None = None,
        proxy: str | None = None,
        local_address: str | None = None,
        uds: str | Path | None = None,
        http2: bool = False,
        on_blocking_call: OnBlockingCall = "warn",
        max_response_bytes: int | None = DEFAULT_MAX_RESPONSE_BYTES,
        max_event_bytes: int | None = DEFAULT_MAX_EVENT_BYTES,
        stream_end: StreamEndPolicy = "required",
        credentials: CredentialsFunction | str | None = None,
        credentials_ttl: float = DEFAULT_CREDENTIALS_TTL,
        credentials_by: Sequence[Label] | None = None,
        warm: Sequence[str] | None = None,
        _strict_response_validation: bool = False,
        _enforce_credentials: bool = True,
        _environment: Mapping[str, str] | None = None,
    ) -> None:
        """Validate the options of a client, and read from the environment what is not given and has a variable.

        Args:
            api_key: The key, or a function that returns it, called for each attempt; else `OPENAI_API_KEY`.
            api_key_file: The file that holds the key, in place of `api_key`; read again when it changes.
            admin_api_key: The key for the organization's administration endpoints; else `OPENAI_ADMIN_KEY`.
            workload_identity: The workload's identity, a `WorkloadIdentity` of `ai_client.auth`, instead of a key.
            organization: The organization to which requests are attributed; else `OPENAI_ORG_ID`.
            project: The project to which requests are attributed; else `OPENAI_PROJECT_ID`.
            webhook_secret: The secret with which webhooks are signed; else `OPENAI_WEBHOOK_SECRET`.
            base_url: The URL of the API; else `OPENAI_BASE_URL`, else OpenAI's.
            data_residency: The region of OpenAI's API, such as `eu`, instead of `base_url`; by default `global`.
            websocket_base_url: The URL for WebSockets; by default derived from `base_url`.
            timeout: Seconds to connect, to write, to wait for a connection and for each read; `None` waits for ever.
                By default 600, and 5 to connect. A mapping of steps or a `Timeout` of the HTTP library sets each apart.
            max_retries: Retries after a transient failure, by default 2; 0 turns them off.
            deadline: Seconds for a whole call: attempts, waits between them, bodies and streams. Off by default.
            default_headers: Headers of every request; the value `omit` removes one.
                `OPENAI_CUSTOM_HEADERS` may hold more.
            default_query: Query parameters of every request.
            http_client: A client or transport of httpx or httpx2 in place of the pool, closed with this client.
            http_backend: The HTTP library on which the pool builds: `httpx`, or `httpx2` if it is installed.
            layers: Policies around every call, outermost first: caches, limits, fallbacks and others.
            max_connections: Open connections of the built-in pool, at most; by default 1000.
            keepalive_expiry: Seconds for which the built-in pool keeps an idle connection; by default 60.
            trust: The trust store for TLS: certifi's (`certifi`, the default) or the operating system's (`system`).
            verify: Whether certificates of servers are checked, a file or directory of authorities, or an `SSLContext`.
                Takes precedence over `trust` and `SSL_CERT_FILE`.
            cert: The client's certificate (mTLS): a file, `(certificate, key)` or `(certificate, key, password)`.
                A single file holds the key too. Only the servers of `base_url` and `websocket_base_url` see it.
            proxy: The proxy of all connections, such as `http://user:password@proxy.example:3128`; `""` for none.
                By default `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` decide.
            local_address: The IP address of this machine that connections come from.
            uds: The path of the unix socket behind which the server of `base_url` is.
            http2: `True` for HTTP/2, which takes an `http_client` that speaks it.
            on_blocking_call: Reaction of the sync client to a call on the thread of a running event loop.
                `warn`, the default, warns once; `raise` raises the warning each time; `ignore` does nothing.
            max_response_bytes: Bytes of a decoded response in memory, at most; by default 256 MiB. `None` is no bound.
                What the caller streams with `with_streaming_response` has none.
            max_event_bytes: Bytes of an event of a stream or WebSocket, at most; by default 64 MiB. `None` is no bound.
            stream_end: Whether a stream without its protocol's end mark counts as interrupted or as complete.
                Interrupted with `required`, the default; complete with `optional`, for servers that send none.
            credentials: A function of a call's labels that returns its tenant's key and address, or its dotted path.
                See `ai_client.credentials`.
            credentials_ttl: Seconds for which the result of `credentials` is kept; by default 60.
            credentials_by: The labels that `credentials` is given and its result is kept by; by default all.
            warm: Operations or groups of them made ready at the start, such as `responses.create` or `files`.
                A thread builds what decodes their results, so that the first call keeps no event loop waiting.

        Raises:
            ConfigError: An option is ill-typed or can never work.
            OpenAIError: There is no key.
        """
        environment = of_process.of_clients() if _environment is None else _environment
        api_key = key_or_file(api_key, api_key_file)
        if workload_identity is not None and api_key is not None:
            raise ConfigError("api_key and workload_identity exclude each other: pass one of them.")
        self.api_key, self._api_key_source = (
            ("", None)
            if workload_identity is not None
            else api_key_of(environment.get("OPENAI_API_KEY", "") if api_key is None else api_key)
        )
        self.admin_api_key = environment.get("OPENAI_ADMIN_KEY") if admin_api_key is None else admin_api_key
        if self.admin_api_key is not None:
            check_secret("admin_api_key", self.admin_api_key)
        if _enforce_credentials:
            check_credentials(
                self.api_key,
                self._api_key_source,
                self.admin_api_key is not None,
                workload_identity,
                credentials,
            )
        self.organization = checked_name(
            "organization", environment.get("OPENAI_ORG_ID") if organization is None else organization
        )
        self.project = checked_name(
            "project", environment.get("OPENAI_PROJECT_ID") if project is None else project
        )
        self.webhook_secret = (
            environment.get("OPENAI_WEBHOOK_SECRET") if webhook_secret is None else webhook_secret
        )
        if self.webhook_secret is not None:
            check_webhook_secret("webhook_secret", self.webhook_secret)
        self._library = library_of(http_client, http_backend)
        address = base_url_of(base_url, data_residency, websocket_base_url)
        self.base_url = address or environment.get("OPENAI_BASE_URL") or DEFAULT_BASE_URL
        self.websocket_base_url = checked_socket_address(websocket_base_url)
        if http_client is not None:
            check_http_client(http_client, self._library, sync=self._sync)
        self.timeout = timeout_of(timeout, http_client, self._library)
        self.max_retries = checked_retries(max_retries)
        self.deadline = checked_deadline(deadline)
        self._bounds = Bounds.of(max_response_bytes, max_event_bytes)
        self._custom_headers = headers_of(default_headers, environment.get("OPENAI_CUSTOM_HEADERS", ""))
        self.stream_end: StreamEndPolicy = checked_stream_end(stream_end)
        self._custom_query = query_of(default_query)
        self._strict_response_validation = _strict_response_validation
        self._layers = together(layers)
        self._owns_sender = True
        self._closed = False
        self._blocking_calls = BlockingCalls(on_blocking_call) if self._sync else None
        self._connections = connections_of(
            http_client,
            places_of(
                self._base_url,
                None if not self.websocket_base_url else self._library.http.URL(self.websocket_base_url),
            ),
            max_connections=max_connections,
            keepalive_expiry=keepalive_expiry,
            trust=trust,
            verify=verify,
            cert=cert,
            proxy=proxy,
            local_address=local_address,
            uds=uds,
            http2=http2,
            library=self._library.name,
            owner=constructions.owned(type(self).__name__),
        )
        self._sessions = Sessions()
        self._connect(http_client, self._connections)
        self._identify(workload_identity)
        self._ask_for_credentials(credentials, credentials_ttl, credentials_by)
        if warm is not None:
            from ._warming import warm_up  # noqa: PLC0415 - few clients need it

            own = http_client is None and self._base_url.scheme == "https"
            warm_up(warm, [self._sync], tls=self._tls if own else None)
        if constructions.hook is not None:
            constructions.hook(self)

    def _identify(self, workload_identity: WorkloadIdentity | None) -> None:
        self.workload_identity = workload_identity
        self._workload_keys: Any = None
        if workload_identity is not None:
            self._workload_keys = WorkloadKeys(workload_identity, self.io)
        self._fetches_key = self._api_key_source is not None or self._workload_keys is not None

    def _tls(self) -> object:
        """Return the TLS context for the client's own server."""
        return self._connections.tls(self._connections.places[0])

    def is_closed(self) -> bool:
        """Return whether the client is closed, or the one whose connections it shares."""
        return self._closed or self._sender.is_closed

    def __repr__(self) -> str:
        url = self._base_url
        return f"<{type(self).__name__} base_url={str(url.copy_with(query=None))!r}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__} holds connections and credentials and cannot be pickled. Build one in each process."
        )

    def _built_by_layers(self) -> list[Any]:
        makers: list[Any] = [layer for layer in self._layers if hasattr(layer, "_built_clients")]
        return [client for maker in makers for client in maker._built_clients(sync=self._sync)]
