"""The options of a client as keywords, for editors and type checkers."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypedDict

Label = Literal["endpoint", "tenant", "user"]


class ClientOptions(TypedDict, total=False):
    """The options of a client as keywords; `ClientConfig` describes and validates each."""

    api_key: str | Callable[[], Any] | None
    admin_api_key: str | None
    organization: str | None
    project: str | None
    base_url: str | None
    azure_endpoint: str | None
    azure_deployment: str | None
    azure_ad_token_provider: Callable[[], Any] | None
    api_version: str | None
    credentials: str | Callable[..., Any] | None
    credentials_ttl: float
    credentials_by: Sequence[Label] | None
    webhook_secret: str | None
    timeout: float | None
    max_retries: int
    deadline: float | None
    default_headers: Mapping[str, str] | None
    default_query: Mapping[str, Any] | None
    max_connections: int
    keepalive_expiry: float
    max_response_bytes: int | None
    max_event_bytes: int | None
    trust: Literal["certifi", "system"]
    on_blocking_call: Literal["warn", "raise", "ignore"]
    stream_end: Literal["required", "optional"]
    shutdown_timeout: float
    client_class: str | Callable[..., Any] | None
    async_client_class: str | Callable[..., Any] | None
    environment: bool | None
    controls: Mapping[str, Any] | None
