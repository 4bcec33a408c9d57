"""The options of a client as keywords, for editors and type checkers."""

import ssl
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypedDict

from .network_values import Timeout
from .values import Package

Label = Literal["endpoint", "tenant", "user"]


class ClientOptions(TypedDict, total=False):
    """The options of a client as keywords; `ClientConfig` describes and validates each."""

    api_key: str | Callable[[], Any] | None
    """The API key, or a function that returns it, called for each attempt. Environment: `OPENAI_API_KEY`."""
    api_key_file: str | Path | None
    """The file that holds the key, in place of `api_key`; read again when it changes or the API refuses the
    key. Environment: `AI_CLIENT_API_KEY_FILE`."""
    admin_api_key: str | None
    """The key for the organization's administration endpoints. Environment: `OPENAI_ADMIN_KEY`."""
    workload_identity: Mapping[str, Any] | str | Callable[[], Any] | None
    """The workload's identity, see `ai_client.auth`, instead of a key; or its dotted path, perhaps of a
    function."""
    organization: str | None
    """The organization to which requests are attributed. Environment: `OPENAI_ORG_ID`."""
    project: str | None
    """The project to which requests are attributed. Environment: `OPENAI_PROJECT_ID`."""
    base_url: str | None
    """The URL of the API; by default OpenAI's. Environment: `OPENAI_BASE_URL`."""
    websocket_base_url: str | None
    """The URL for WebSockets; by default derived from `base_url`. Environment:
    `AI_CLIENT_WEBSOCKET_BASE_URL`."""
    data_residency: Literal["global", "us", "eu", "ae", "au", "in", "jp"] | None
    """The region of OpenAI's API, instead of `base_url`. Environment: `AI_CLIENT_DATA_RESIDENCY`."""
    azure_endpoint: str | None
    """The URL of an Azure OpenAI resource; makes the clients Azure's. Environment:
    `AI_CLIENT_AZURE_ENDPOINT`."""
    azure_deployment: str | None
    """The Azure deployment for all calls; without it, a call's model is the name of its deployment.
    Environment: `AI_CLIENT_AZURE_DEPLOYMENT`."""
    azure_ad_token_provider: Callable[[], Any] | None
    """A function that returns a token of Microsoft Entra ID, called for each attempt."""
    azure_ad_token: str | None
    """A token of Microsoft Entra ID, instead of a key or `azure_ad_token_provider`."""
    api_version: str | None
    """The version of Azure's API; required with `azure_endpoint`. Environment: `OPENAI_API_VERSION`."""
    credentials: str | Callable[..., Any] | None
    """A function of a call's labels that returns its tenant's own key and address, or its dotted path."""
    credentials_ttl: float
    """Seconds for which the result of `credentials` is kept. Default `60.0`."""
    credentials_by: Sequence[Label] | None
    """The labels that `credentials` is given and its result is kept by; by default all."""
    webhook_secret: str | None
    """The secret with which webhooks are signed. Environment: `OPENAI_WEBHOOK_SECRET`."""
    timeout: float | Mapping[str, float | None] | Timeout | None
    """Seconds for each read and write, to connect (by default 5), and to wait for a connection; `None` waits
    for ever. A mapping or a `Timeout` of the HTTP library sets `connect`, `read`, `write` and `pool` apart.
    Default `600`. Environment: `AI_CLIENT_TIMEOUT`."""
    max_retries: int
    """Retries after a transient failure; 0 turns them off. Default `2`. Environment:
    `AI_CLIENT_MAX_RETRIES`."""
    deadline: float | None
    """Seconds for a whole call, including retries and waits; off by default. Environment:
    `AI_CLIENT_DEADLINE`."""
    default_headers: Mapping[str, str] | None
    """Headers of every request, over those that the client sends by itself."""
    default_query: Mapping[str, Any] | None
    """Query parameters of every request."""
    max_connections: int
    """Open connections per client, at most. Default `1000`. Environment: `AI_CLIENT_MAX_CONNECTIONS`."""
    keepalive_expiry: float
    """Seconds for which an idle connection is kept. Default `60.0`. Environment:
    `AI_CLIENT_KEEPALIVE_EXPIRY`."""
    max_response_bytes: int | None
    """Bytes of a response held in memory, at most; `None` is no bound. Streamed downloads are not bounded.
    Default `268435456`. Environment: `AI_CLIENT_MAX_RESPONSE_BYTES`."""
    max_event_bytes: int | None
    """Bytes of one stream event held in memory, at most; `None` is no bound. Default `67108864`. Environment:
    `AI_CLIENT_MAX_EVENT_BYTES`."""
    trust: Literal["certifi", "system"]
    """The trust store for TLS: the certifi package's, or the operating system's. Default `'certifi'`.
    Environment: `AI_CLIENT_TRUST`."""
    verify: bool | str | Path | ssl.SSLContext
    """Whether certificates of servers are checked, a file or directory of authorities, or an `SSLContext`;
    counts before `trust`. Default `True`. Environment: `AI_CLIENT_VERIFY`."""
    cert: str | Path | Sequence[str | Path | None] | None
    """The clients' certificate (mTLS): a file with its key, or a list of certificate, key and perhaps the
    key's password; shown to the servers of `base_url` and `websocket_base_url` alone. Environment:
    `AI_CLIENT_CERT`."""
    proxy: str | None
    """The proxy of all connections; an empty text for none. By default the environment decides. Environment:
    `AI_CLIENT_PROXY`."""
    local_address: str | None
    """The IP address of this machine that connections come from. Environment: `AI_CLIENT_LOCAL_ADDRESS`."""
    uds: str | Path | None
    """The path of the unix socket behind which the server of `base_url` is. Environment: `AI_CLIENT_UDS`."""
    http2: bool
    """`True` for HTTP/2, which takes an HTTP client that speaks it. Default `False`."""
    http_client: Any
    """A client or transport of httpx or httpx2 in place of the sync client's pool; a function or class that
    makes one, or its dotted path."""
    async_http_client: Any
    """The same for the async client; where one of the two is set, the other must be to be used."""
    http_backend: Literal["httpx", "httpx2"]
    """The HTTP library on which the pool builds: `httpx`, or `httpx2` if it is installed. Default `'httpx'`.
    Environment: `AI_CLIENT_HTTP_BACKEND`."""
    on_blocking_call: Literal["warn", "raise", "ignore"]
    """Reaction of the sync client to a call on the thread of a running event loop: warn, raise or ignore.
    Default `'warn'`. Environment: `AI_CLIENT_ON_BLOCKING_CALL`."""
    stream_end: Literal["required", "optional"]
    """Whether a stream without its protocol's end mark counts as interrupted (`required`) or as complete.
    Default `'required'`. Environment: `AI_CLIENT_STREAM_END`."""
    warm: Sequence[str] | None
    """Operations or groups of them made ready at the start, such as `responses.create` or `files`: a thread
    builds what decodes their results."""
    shutdown_timeout: float
    """Seconds for calls in flight to finish when the application shuts down. Default `10.0`. Environment:
    `AI_CLIENT_SHUTDOWN_TIMEOUT`."""
    warn_on_extra_clients: bool | Sequence[Package] | None
    """Whether to warn of lines of code that build clients while requests are served: this package's, and
    those of the packages in a list of `openai`, `httpx` and `httpx2`. By default in the debug mode of the
    framework. Environment: `AI_CLIENT_WARN_ON_EXTRA_CLIENTS`."""
    client_class: str | Callable[..., Any] | None
    """A class to use instead of `OpenAI`, or its dotted path, such as `openai.OpenAI`."""
    async_client_class: str | Callable[..., Any] | None
    """A class to use instead of `AsyncOpenAI`, or its dotted path."""
    environment: bool | None
    """Whether keys, names and URLs are read from the environment; by default they are, except by a further
    client with a URL of its own."""
    controls: Mapping[str, Any] | None
    """Policies around calls, by name: limits, budgets, cache, fallback, logs; in the environment as JSON.
    Environment: `AI_CLIENT_CONTROLS`."""
