"""The clients of Azure OpenAI: deployments in the path and Azure's credentials."""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Self, TypeAlias, Unpack

from ._base_client import BaseClient
from ._call.call import Call
from ._client import environment as of_process
from ._client.arguments import query_of
from ._client.azure_arguments import (
    MutuallyExclusiveAuthError,
    address_of,
    credentials_of,
    is_of_a_deployment,
)
from ._client.http_request import Header
from ._client.keywords import CopyOptions, OwnOptions
from ._client.modes import M
from ._exchange.origins import is_absolute
from ._libraries import httpx
from ._params.defaults import DEFAULT_MAX_RETRIES
from ._params.omit import NotGiven, Omit, not_given, without_marks
from ._params.query import path
from ._params.secrets import check_secret
from .client import AsyncOpenAI, OpenAI
from .errors import ConfigError, OpenAIError, members_of

__all__ = [
    "AsyncAzureADTokenProvider",
    "AsyncAzureOpenAI",
    "AzureADTokenProvider",
    "AzureOpenAI",
    "MutuallyExclusiveAuthError",
    "OwnOptions",
]

AzureADTokenProvider: TypeAlias = Callable[[], str]
AsyncAzureADTokenProvider: TypeAlias = Callable[[], "str | Awaitable[str]"]


class _Azure(BaseClient[M]):
    """The part that both of Azure's clients share."""

    _azure_ad_token: str | None
    _azure_ad_token_provider: Callable[[], Any] | None
    _azure_deployment: str | None
    _azure_endpoint: "httpx.URL | None"
    _api_version: str
    _priced_as = "azure"

    @without_marks
    def __init__(
        self,
        *,
        api_version: str | None = None,
        azure_endpoint: str | None = None,
        azure_deployment: str | None = None,
        api_key: str | Callable[[], Any] | None = None,
        admin_api_key: str | None = None,
        workload_identity: object = None,
        azure_ad_token: str | None = None,
        azure_ad_token_provider: Callable[[], Any] | None = None,
        organization: str | None = None,
        project: str | None = None,
        webhook_secret: str | None = None,
        websocket_base_url: "str | httpx.URL | None" = None,
        base_url: "str | httpx.URL | None" = None,
        timeout: "float | Mapping[str, float | None] | httpx.Timeout | NotGiven | None" = not_given,
        max_retries: int = DEFAULT_MAX_RETRIES,
        default_headers: Mapping[str, str | Omit] | None = None,
        default_query: Mapping[str, object] | None = None,
        http_client: Any = None,
        _strict_response_validation: bool = False,
        _enforce_credentials: bool = True,
        _environment: Mapping[str, str] | None = None,
        **own: Unpack[OwnOptions],
    ) -> None:
        """Validate the options of a client, and read from the environment what is not given and has a variable.

        Args:
            api_version: The version of Azure's API, such as `2024-10-21`; else `OPENAI_API_VERSION`.
            azure_endpoint: The URL of the resource; else `AZURE_OPENAI_ENDPOINT`.
            azure_deployment: The deployment for all calls; without it, a call's model is the name of its deployment.
            api_key: The resource's key, or a function that returns it, called for each attempt.
                Else `AZURE_OPENAI_API_KEY`.
            workload_identity: Not for Azure, use `azure_ad_token_provider`.
            azure_ad_token: A token of Microsoft Entra ID, instead of a key; else `AZURE_OPENAI_AD_TOKEN`.
            azure_ad_token_provider: A function that returns such a token, called for each attempt.
            base_url: The URL to which paths are appended, instead of `azure_endpoint`.
            api_key_file: The file that holds the key, in place of `api_key`; read again when it changes.
            admin_api_key: The key for the organization's administration endpoints; else `OPENAI_ADMIN_KEY`.
            organization: The organization to which requests are attributed; else `OPENAI_ORG_ID`.
            project: The project to which requests are attributed; else `OPENAI_PROJECT_ID`.
            webhook_secret: The secret with which webhooks are signed; else `OPENAI_WEBHOOK_SECRET`.
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
            ConfigError: An option is missing, ill-typed or can never work.
            MutuallyExclusiveAuthError: There is more than one of key, token and function.
            OpenAIError: There is none of them.
        """
        if workload_identity is not None:
            raise ConfigError("Azure does not support workload_identity: use azure_ad_token_provider.")
        environment = of_process.of_clients() if _environment is None else _environment
        api_key, azure_ad_token = credentials_of(
            api_key, azure_ad_token, azure_ad_token_provider, environment, own.pop("api_key_file", None)
        )
        own_key = api_key or azure_ad_token or azure_ad_token_provider
        if _enforce_credentials and not (own_key or own.get("credentials")):
            raise OpenAIError(
                "Missing credentials. Pass api_key=..., azure_ad_token=... or azure_ad_token_provider=..., or set the"
                " environment variable AZURE_OPENAI_API_KEY or AZURE_OPENAI_AD_TOKEN."
            )
        version = environment.get("OPENAI_API_VERSION") if api_version is None else api_version
        if version is None:
            raise ConfigError("Pass api_version=..., or set the environment variable OPENAI_API_VERSION.")
        address, endpoint = address_of(base_url, azure_endpoint, azure_deployment, environment)
        self._api_version = version
        self._azure_ad_token = azure_ad_token
        self._azure_ad_token_provider = azure_ad_token_provider
        super().__init__(
            api_key=api_key or "",
            admin_api_key=admin_api_key,
            organization=organization,
            project=project,
            webhook_secret=webhook_secret,
            websocket_base_url=websocket_base_url,
            base_url=address,
            timeout=timeout,
            max_retries=max_retries,
            default_headers=default_headers,
            default_query={**query_of(default_query), "api-version": version},
            http_client=http_client,
            _strict_response_validation=_strict_response_validation,
            _enforce_credentials=False,
            _environment=environment,
            **own,
        )
        self._azure_endpoint = (
            None
            if endpoint is None
            else self._checked_url("azure_endpoint", endpoint).copy_with(userinfo=b"")
        )
        self._azure_deployment = azure_deployment if endpoint else None

    def _identify(self, workload_identity: Any) -> None:
        super()._identify(workload_identity)
        self._fetches_key = self._fetches_key or self._azure_ad_token_provider is not None

    def _take_key(self, key: str) -> None:
        self._azure_ad_token = self._azure_ad_token_provider = None
        super()._take_key(key)

    def _authorization(self, call: Call | None, key: str | None = None) -> Header | None:
        del call
        if self._azure_ad_token is not None:
            return Header("Authorization", f"Bearer {self._azure_ad_token}")
        key = self.api_key if key is None else key
        return Header("api-key", key) if key else None

    async def _fetch_key(self, call: Call) -> Header | None:
        if self._azure_ad_token_provider is None:
            return await super()._fetch_key(call.changed(admin=None))
        token = await call.io.call(self._azure_ad_token_provider)
        if inspect.iscoroutine(token):
            token.close()
            raise ConfigError(
                "azure_ad_token_provider is a coroutine function: only AsyncAzureOpenAI can await it."
            )
        if not isinstance(token, str) or not token:
            raise ConfigError("azure_ad_token_provider must return a token, a non-empty string.")
        return Header("Authorization", f"Bearer {check_secret('azure_ad_token', str(token))}")

    def _url(self, call: Call) -> "httpx.URL":
        if is_of_a_deployment(call.path) and "/deployments" not in self._base_url.path:
            model = members_of(call.body).get("model")
            if model is not None:
                call = call.changed(path=path("/deployments/{model}", model=str(model)) + call.path)
        return super()._url(call)

    def _join(self, path: str) -> "httpx.URL":
        endpoint = self._azure_endpoint
        if (
            self._azure_deployment
            and endpoint is not None
            and not is_of_a_deployment(path)
            and not is_absolute(path)
        ):
            return self._below(endpoint, "/openai/" + path.lstrip("/"))
        return super()._join(path)

    def _socket_address(
        self, base: "httpx.URL", path: str, query: Mapping[str, object]
    ) -> "tuple[httpx.URL, Mapping[str, object]]":
        """Put the deployment into the query: Azure's realtime API is not below a deployment's path."""
        if path != "/realtime":
            return super()._socket_address(base, path, query)
        model = query.get("model")
        if not model:
            raise OpenAIError("Azure's realtime API needs a model: client.realtime.connect(model=...).")
        named = {"api-version": self._api_version, "deployment": self._azure_deployment or model}
        rest = {name: value for name, value in query.items() if name != "model"}
        if self.websocket_base_url is None:
            return self._join(path), {**rest, **named}
        return super()._socket_address(base, path, {**rest, **named})[0], {**rest, **named}

    @without_marks
    def copy(
        self,
        *,
        api_version: str | None = None,
        azure_ad_token: str | None = None,
        azure_ad_token_provider: Callable[[], Any] | None = None,
        **options: Unpack[CopyOptions],
    ) -> Self:
        """Return a copy with some options changed that shares this client's connections; see `OpenAI.copy`.

        Args:
            api_version: Another version of Azure's API.
            azure_ad_token: Another token of Microsoft Entra ID, instead of a key.
            azure_ad_token_provider: Another function that returns such a token, called for each attempt.
            options: The options of `OpenAI.copy`, but `data_residency` and `workload_identity`.
                A `base_url` takes the place of the endpoint and its deployment.

        Raises:
            ConfigError: An option is ill-typed, or not for Azure.
            MutuallyExclusiveAuthError: There is more than one of key, token and function.
        """
        if options.get("data_residency") is not None or options.get("workload_identity") is not None:
            raise ConfigError("Azure does not support data_residency and workload_identity.")
        api_key = options.pop("api_key", None)
        given = (api_key, azure_ad_token, azure_ad_token_provider)
        new = super().copy(**options)
        if any(credential is not None for credential in given):
            if sum(credential is not None for credential in given) > 1:
                raise MutuallyExclusiveAuthError
            new._azure_ad_token = azure_ad_token
            new._azure_ad_token_provider = azure_ad_token_provider
            new._replace_credentials(api_key or "", None)
        if api_version:
            new._api_version = api_version
            new._custom_query = {**new._custom_query, "api-version": api_version}
        else:
            new._custom_query = {"api-version": self._api_version, **new._custom_query}
        if options.get("base_url"):
            new._azure_endpoint = new._azure_deployment = None
        return new

    with_options = copy


if TYPE_CHECKING:  # the same with every keyword spelled out, for editors
    from ._signatures import AsyncAzureSignatures, SyncAzureSignatures
else:
    SyncAzureSignatures = AsyncAzureSignatures = _Azure


class AzureOpenAI(SyncAzureSignatures, OpenAI):
    """The sync client of Azure OpenAI."""


class AsyncAzureOpenAI(AsyncAzureSignatures, AsyncOpenAI):
    """The async client of Azure OpenAI."""
