"""The options of a client: names, types, defaults and environment variables."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, cast

import pydantic
from pydantic import Field

from .._params.defaults import (
    DEFAULT_CREDENTIALS_TTL,
    DEFAULT_KEEPALIVE_EXPIRY,
    DEFAULT_MAX_CONNECTIONS,
    DEFAULT_MAX_EVENT_BYTES,
    DEFAULT_MAX_RESPONSE_BYTES,
    DEFAULT_MAX_RETRIES,
    DEFAULT_READ_TIMEOUT,
)
from .network_values import (
    Certified,
    HttpClient,
    Identity,
    KeyPath,
    LocalAddress,
    ProxyAddress,
    SocketAddress,
    SocketPath,
    Timeouts,
    Trusted,
)
from .values import (
    Address,
    ClassPath,
    Count,
    FunctionPath,
    Headers,
    Name,
    Query,
    Seconds,
    Segment,
    Size,
    SomeCount,
    SomeSeconds,
    Text,
    WatchedClients,
)


def _option(default: Any, description: str, env: str | None = None, **more: Any) -> Any:
    return Field(
        default=default, description=description, json_schema_extra={"env": env} if env else None, **more
    )


class Options(pydantic.BaseModel):
    """Every option of an application's client, each checked by itself."""

    model_config = pydantic.ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, arbitrary_types_allowed=True
    )

    api_key: Text | Callable[[], Any] | None = _option(
        None,
        "The API key, or a function that returns it, called for each attempt.",
        "OPENAI_API_KEY",
        repr=False,
    )
    api_key_file: KeyPath | None = _option(
        None,
        "The file that holds the key, in place of `api_key`; read again when it changes or the API refuses the key.",
        "AI_CLIENT_API_KEY_FILE",
    )
    admin_api_key: Text | None = _option(
        None, "The key for the organization's administration endpoints.", "OPENAI_ADMIN_KEY", repr=False
    )
    workload_identity: Identity | None = _option(
        None,
        "The workload's identity, see `ai_client.auth`, instead of a key; or its dotted path, perhaps of a function.",
        repr=False,
    )
    organization: Name | None = _option(
        None, "The organization to which requests are attributed.", "OPENAI_ORG_ID"
    )
    project: Name | None = _option(None, "The project to which requests are attributed.", "OPENAI_PROJECT_ID")
    base_url: Address | None = _option(None, "The URL of the API; by default OpenAI's.", "OPENAI_BASE_URL")
    websocket_base_url: SocketAddress | None = _option(
        None, "The URL for WebSockets; by default derived from `base_url`.", "AI_CLIENT_WEBSOCKET_BASE_URL"
    )
    data_residency: Literal["global", "us", "eu", "ae", "au", "in", "jp"] | None = _option(
        None, "The region of OpenAI's API, instead of `base_url`.", "AI_CLIENT_DATA_RESIDENCY"
    )
    azure_endpoint: Address | None = _option(
        None,
        "The URL of an Azure OpenAI resource; makes the clients Azure's.",
        "AI_CLIENT_AZURE_ENDPOINT",
    )
    azure_deployment: Segment | None = _option(
        None,
        "The Azure deployment for all calls; without it, a call's model is the name of its deployment.",
        "AI_CLIENT_AZURE_DEPLOYMENT",
    )
    azure_ad_token_provider: Callable[[], Any] | None = _option(
        None, "A function that returns a token of Microsoft Entra ID, called for each attempt.", repr=False
    )
    azure_ad_token: Text | None = _option(
        None, "A token of Microsoft Entra ID, instead of a key or `azure_ad_token_provider`.", repr=False
    )
    api_version: Segment | None = _option(
        None, "The version of Azure's API; required with `azure_endpoint`.", "OPENAI_API_VERSION"
    )
    credentials: FunctionPath | Callable[..., Any] | None = _option(
        None,
        "A function of a call's labels that returns its tenant's own key and address, or its dotted path.",
    )
    credentials_ttl: Seconds = _option(
        DEFAULT_CREDENTIALS_TTL, "Seconds for which the result of `credentials` is kept."
    )
    credentials_by: Sequence[Literal["endpoint", "tenant", "user"]] | None = _option(
        None,
        "The labels that `credentials` is given and its result is kept by; by default all.",
        min_length=1,
    )
    webhook_secret: Text | None = _option(
        None, "The secret with which webhooks are signed.", "OPENAI_WEBHOOK_SECRET", repr=False
    )
    timeout: Timeouts | None = _option(
        DEFAULT_READ_TIMEOUT,
        "Seconds for each read and write, to connect (by default 5), and to wait for a connection; `None` waits for"
        " ever. A mapping or a `Timeout` of the HTTP library sets `connect`, `read`, `write` and `pool` apart.",
        "AI_CLIENT_TIMEOUT",
    )
    max_retries: Count = _option(
        DEFAULT_MAX_RETRIES, "Retries after a transient failure; 0 turns them off.", "AI_CLIENT_MAX_RETRIES"
    )
    deadline: SomeSeconds | None = _option(
        None, "Seconds for a whole call, including retries and waits; off by default.", "AI_CLIENT_DEADLINE"
    )
    default_headers: Headers | None = _option(
        None, "Headers of every request, over those that the client sends by itself.", repr=False
    )
    default_query: Query | None = _option(None, "Query parameters of every request.", repr=False)
    max_connections: SomeCount = _option(
        DEFAULT_MAX_CONNECTIONS, "Open connections per client, at most.", "AI_CLIENT_MAX_CONNECTIONS"
    )
    keepalive_expiry: Seconds = _option(
        DEFAULT_KEEPALIVE_EXPIRY,
        "Seconds for which an idle connection is kept.",
        "AI_CLIENT_KEEPALIVE_EXPIRY",
    )
    max_response_bytes: Size | None = _option(
        DEFAULT_MAX_RESPONSE_BYTES,
        "Bytes of a response held in memory, at most; `None` is no bound. Streamed downloads are not bounded.",
        "AI_CLIENT_MAX_RESPONSE_BYTES",
    )
    max_event_bytes: Size | None = _option(
        DEFAULT_MAX_EVENT_BYTES,
        "Bytes of one stream event held in memory, at most; `None` is no bound.",
        "AI_CLIENT_MAX_EVENT_BYTES",
    )
    trust: Literal["certifi", "system"] = _option(
        "certifi",
        "The trust store for TLS: the certifi package's, or the operating system's.",
        "AI_CLIENT_TRUST",
    )
    verify: Trusted = _option(
        True,
        "Whether certificates of servers are checked, a file or directory of authorities, or an `SSLContext`; counts"
        " before `trust`.",
        "AI_CLIENT_VERIFY",
    )
    cert: Certified | None = _option(
        None,
        "The clients' certificate (mTLS): a file with its key, or a list of certificate, key and perhaps the key's"
        " password; shown to the servers of `base_url` and `websocket_base_url` alone.",
        "AI_CLIENT_CERT",
    )
    proxy: ProxyAddress | None = _option(
        None,
        "The proxy of all connections; an empty text for none. By default the environment decides.",
        "AI_CLIENT_PROXY",
    )
    local_address: LocalAddress | None = _option(
        None, "The IP address of this machine that connections come from.", "AI_CLIENT_LOCAL_ADDRESS"
    )
    uds: SocketPath | None = _option(
        None, "The path of the unix socket behind which the server of `base_url` is.", "AI_CLIENT_UDS"
    )
    http2: bool = _option(False, "`True` for HTTP/2, which takes an HTTP client that speaks it.")
    http_client: HttpClient = _option(
        None,
        "A client or transport of httpx or httpx2 in place of the sync client's pool; a function or class that makes"
        " one, or its dotted path.",
    )
    async_http_client: HttpClient = _option(
        None, "The same for the async client; where one of the two is set, the other must be to be used."
    )
    http_backend: Literal["httpx", "httpx2"] = _option(
        "httpx",
        "The HTTP library on which the pool builds: `httpx`, or `httpx2` if it is installed.",
        "AI_CLIENT_HTTP_BACKEND",
    )
    on_blocking_call: Literal["warn", "raise", "ignore"] = _option(
        "warn",
        "Reaction of the sync client to a call on the thread of a running event loop: warn, raise or ignore.",
        "AI_CLIENT_ON_BLOCKING_CALL",
    )
    stream_end: Literal["required", "optional"] = _option(
        "required",
        "Whether a stream without its protocol's end mark counts as interrupted (`required`) or as complete.",
        "AI_CLIENT_STREAM_END",
    )
    warm: Sequence[str] | None = _option(
        None,
        "Operations or groups of them made ready at the start, such as `responses.create` or `files`: a thread builds"
        " what decodes their results.",
    )
    shutdown_timeout: Seconds = _option(
        10.0,
        "Seconds for calls in flight to finish when the application shuts down.",
        "AI_CLIENT_SHUTDOWN_TIMEOUT",
    )
    warn_on_extra_clients: WatchedClients | None = _option(
        None,
        "Whether to warn of lines of code that build clients while requests are served: this package's, and those of"
        " the packages in a list of `openai`, `httpx` and `httpx2`. By default in the debug mode of the framework.",
        "AI_CLIENT_WARN_ON_EXTRA_CLIENTS",
    )
    client_class: ClassPath | Callable[..., Any] | None = _option(
        None, "A class to use instead of `OpenAI`, or its dotted path, such as `openai.OpenAI`."
    )
    async_client_class: ClassPath | Callable[..., Any] | None = _option(
        None, "A class to use instead of `AsyncOpenAI`, or its dotted path."
    )

    environment: bool | None = _option(
        None,
        "Whether keys, names and URLs are read from the environment; by default they are, except by a further client"
        " with a URL of its own.",
    )

    controls: Mapping[str, Any] | None = _option(
        None,
        "Policies around calls, by name: limits, budgets, cache, fallback, logs; in the environment as JSON.",
        "AI_CLIENT_CONTROLS",
        repr=False,
    )


def environment_variables() -> dict[str, str]:
    """Return the environment variable of each option that has one."""
    return {
        name: str(cast("dict[str, Any]", field.json_schema_extra)["env"])
        for name, field in Options.model_fields.items()
        if field.json_schema_extra
    }
