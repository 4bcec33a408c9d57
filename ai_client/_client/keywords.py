"""The options of clients and of their copies as keywords, for signatures that pass them on."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypedDict

from .._call.pipeline import Policy
from .._call.stream_ends import StreamEndPolicy
from .._http.certificates import Cert, Verify
from .._libraries import httpx
from .._params.omit import NotGiven, Omit
from ..auth import WorkloadIdentity
from ..credentials import CredentialsFunction, Label
from .arguments import DataResidency
from .blocking_calls import OnBlockingCall


class OwnOptions(TypedDict, total=False):
    """The options of a client that the official SDK does not have."""

    api_key_file: str | Path | None
    """The file that holds the key, in place of `api_key`; read again when it changes."""
    deadline: float | None
    """Seconds for a whole call: attempts, waits between them, bodies and streams. Off by default."""
    http_backend: Literal["httpx", "httpx2"]
    """The HTTP library on which the pool builds: `httpx`, or `httpx2` if it is installed."""
    layers: Sequence[Policy]
    """Policies around every call, outermost first: caches, limits, fallbacks and others."""
    max_connections: int
    """Open connections of the built-in pool, at most; by default 1000."""
    keepalive_expiry: float
    """Seconds for which the built-in pool keeps an idle connection; by default 60."""
    trust: Literal["certifi", "system"]
    """The trust store for TLS: certifi's (`certifi`, the default) or the operating system's (`system`)."""
    verify: Verify
    """Whether certificates of servers are checked, a file or directory of authorities, or an `SSLContext`.
    Takes precedence over `trust` and `SSL_CERT_FILE`."""
    cert: Cert | None
    """The client's certificate (mTLS): a file, `(certificate, key)` or `(certificate, key, password)`. A
    single file holds the key too. Only the servers of `base_url` and `websocket_base_url` see it."""
    proxy: str | None
    """The proxy of all connections, such as `http://user:password@proxy.example:3128`; `""` for none. By
    default `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` decide."""
    local_address: str | None
    """The IP address of this machine that connections come from."""
    uds: str | Path | None
    """The path of the unix socket behind which the server of `base_url` is."""
    http2: bool
    """`True` for HTTP/2, which takes an `http_client` that speaks it."""
    on_blocking_call: OnBlockingCall
    """Reaction of the sync client to a call on the thread of a running event loop. `warn`, the default, warns
    once; `raise` raises the warning each time; `ignore` does nothing."""
    max_response_bytes: int | None
    """Bytes of a decoded response in memory, at most; by default 256 MiB. `None` is no bound. What the caller
    streams with `with_streaming_response` has none."""
    max_event_bytes: int | None
    """Bytes of an event of a stream or WebSocket, at most; by default 64 MiB. `None` is no bound."""
    stream_end: StreamEndPolicy
    """Whether a stream without its protocol's end mark counts as interrupted or as complete. Interrupted with
    `required`, the default; complete with `optional`, for servers that send none."""
    credentials: CredentialsFunction | str | None
    """A function of a call's labels that returns its tenant's key and address, or its dotted path. See
    `ai_client.credentials`."""
    credentials_ttl: float
    """Seconds for which the result of `credentials` is kept; by default 60."""
    credentials_by: Sequence[Label] | None
    """The labels that `credentials` is given and its result is kept by; by default all."""
    warm: Sequence[str] | None
    """Operations or groups of them made ready at the start, such as `responses.create` or `files`. A thread
    builds what decodes their results, so that the first call keeps no event loop waiting."""


class CopyOptions(TypedDict, total=False):
    """The options that a copy of a client may change."""

    api_key: str | Callable[[], Any] | None
    """Another key, or a function that returns it, called for each attempt. The copy then uses no
    `credentials`, unless they are passed too."""
    admin_api_key: str | None
    """Another key for the organization's administration endpoints."""
    workload_identity: WorkloadIdentity | None
    """Another workload's identity, instead of a key; the copy then uses no `credentials`."""
    organization: str | None
    """Another organization to which requests are attributed."""
    project: str | None
    """Another project to which requests are attributed."""
    webhook_secret: str | None
    """Another secret with which webhooks are signed."""
    websocket_base_url: "str | httpx.URL | None"
    """Another URL for WebSockets."""
    base_url: "str | httpx.URL | NotGiven | None"
    """Another URL of the API."""
    data_residency: DataResidency | None
    """Another region of OpenAI's API, such as `eu`, instead of `base_url`."""
    timeout: "float | Mapping[str, float | None] | httpx.Timeout | NotGiven | None"
    """Seconds to connect, to write, to wait for a connection and for each read; `None` waits for ever. A
    mapping of steps or a `Timeout` of the HTTP library sets each apart."""
    http_client: Any
    """A client or transport of httpx or httpx2 in place of this client's connections. It stays open when the
    copy is closed."""
    max_retries: int | NotGiven
    """Retries after a transient failure; 0 turns them off."""
    deadline: float | NotGiven | None
    """Seconds for a whole call: attempts, waits between them, bodies and streams. `None` turns it off."""
    stream_end: StreamEndPolicy | NotGiven
    """Whether a stream without its protocol's end mark counts as interrupted or as complete. Interrupted with
    `required`, complete with `optional`."""
    default_headers: Mapping[str, str | Omit] | None
    """Headers of every request, laid over this client's; the value `omit` removes one."""
    set_default_headers: Mapping[str, str | Omit] | None
    """Headers of every request, in place of this client's."""
    default_query: Mapping[str, object] | None
    """Query parameters of every request, laid over this client's."""
    set_default_query: Mapping[str, object] | None
    """Query parameters of every request, in place of this client's."""
    layers: Sequence[Policy] | None
    """Policies around every call, outermost first, in place of this client's; `()` for none."""
    max_response_bytes: int | NotGiven | None
    """Bytes of a decoded response in memory, at most; `None` is no bound."""
    max_event_bytes: int | NotGiven | None
    """Bytes of an event of a stream or WebSocket, at most; `None` is no bound."""
    credentials: CredentialsFunction | str | NotGiven | None
    """Another function of a call's labels that returns its tenant's key and address, or its path. `None` for
    none: every call then uses the client's own key."""
