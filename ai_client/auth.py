"""Workload identity: exchange of a platform's token for a short-lived API key (RFC 8693).

A client with a `workload_identity` gets the platform's token from its provider, exchanges it for a key, and
keeps the key until shortly before it expires or the API rejects it.
"""

import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Literal, NotRequired, TypeAlias, TypedDict

from pydantic_core import from_json

from ._exchange.call_request import CallRequest
from ._exchange.origins import OTHER_ORIGIN
from ._exchange.redirects import FOLLOW_REDIRECTS
from ._exchange.sender import AsyncSender, Sender
from ._io import IO
from ._libraries import httpx
from ._models.json import load
from ._params.encoding import encode
from ._params.identity import check_identity
from .errors import (
    APIConnectionError,
    APITimeoutError,
    ConfigError,
    OAuthError,
    OpenAIError,
    SubjectTokenProviderError,
    hide,
    members_of,
)

TOKEN_EXCHANGE_URL = "https://auth.openai.com/oauth/token"  # noqa: S105 - an address
DEFAULT_REFRESH_BUFFER = 1200.0
_TIMEOUT = 10.0
_GRANT_TYPE = "urn:ietf:params:oauth:grant-type:token-exchange"
_SUBJECT = "subject_token"
_TOKEN_TYPES = {
    "jwt": "urn:ietf:params:oauth:token-type:jwt",
    "id": "urn:ietf:params:oauth:token-type:id_token",
}
_REFUSED = frozenset({400, 401, 403})
_OF_THE_BYTES = frozenset({"content-encoding", "content-length", "set-cookie", "transfer-encoding"})


class SubjectTokenProvider(TypedDict):
    """The source of the platform's token; `get_token` may be a coroutine function for the async client."""

    token_type: Literal["jwt", "id"]
    get_token: Callable[[], str] | Callable[[], Awaitable[str]]


class WorkloadIdentity(TypedDict):
    """The identity of a workload.

    Attributes:
        identity_provider_id, service_account_id: As configured by the API's administrators.
        provider: The source of the platform's token.
        refresh_buffer_seconds: How long before its expiry a key is replaced; 1200 by default, at most half its
            lifetime.
    """

    identity_provider_id: str
    service_account_id: str
    provider: SubjectTokenProvider
    refresh_buffer_seconds: NotRequired[float]


SubjectTokenWorkloadIdentity: TypeAlias = WorkloadIdentity


class WorkloadKeys:
    """The keys of one workload, exchanged on demand and shared by all copies of a client."""

    def __init__(self, identity: WorkloadIdentity, io: IO) -> None:
        try:
            check_identity(identity)
        except ValueError as error:
            raise ConfigError(f"workload_identity: {error}.") from None
        self.identity = identity
        self.url = TOKEN_EXCHANGE_URL
        self._lock = io.lock()
        self._key: str | None = None
        self._ends = self._renew_at = 0.0

    async def key(self, io: IO, sender: Sender | AsyncSender) -> str:
        """Return a key that is valid now; exchange the token for a new one where it is due.

        If the renewal of a key fails that has not expired yet, that key is returned.

        Raises:
            OAuthError: The exchange was rejected.
            OpenAIError: The exchange failed otherwise, or the provider returned no token.
        """
        if self._key is not None and time.monotonic() < self._renew_at:
            return self._key
        lock = await io.acquire(self._lock)
        try:
            if self._key is not None and time.monotonic() < self._renew_at:
                return self._key
            try:
                await self._exchange_token(io, sender)
            except OAuthError:
                raise
            except OpenAIError:
                if self._key is None or time.monotonic() >= self._ends:
                    raise
            if self._key is None:
                raise OpenAIError("The workload's key was refused while it was being renewed.")
            return self._key
        finally:
            lock.release()

    def refuse(self, key: str) -> None:
        """Drop a key that the API rejected."""
        if self._key == key:
            self._key = None

    async def _exchange_token(self, io: IO, sender: Sender | AsyncSender) -> None:
        request = await self._request(io, sender)
        try:
            answer = await io.exchange(request, stream=False)
        except io.timeouts as error:
            raise APITimeoutError(_bare(request.request)) from error
        except io.failures as error:
            message = f"The exchange of the workload's token failed ({type(error).__name__})."
            raise APIConnectionError(message=message, request=_bare(request.request)) from error
        self._store(answer.response)

    async def _request(self, io: IO, sender: Sender | AsyncSender) -> CallRequest:
        """Build the token exchange request, in a frame that is gone before anything can fail with the token in it."""
        provider = self.identity["provider"]
        token = await io.call_aside(provider["get_token"])
        if not isinstance(token, str) or not token:
            raise OpenAIError("The workload identity's provider returned no token.")
        content = encode(
            {
                "grant_type": _GRANT_TYPE,
                _SUBJECT: token,
                "subject_token_type": _TOKEN_TYPES[provider["token_type"]],
                "identity_provider_id": self.identity["identity_provider_id"],
                "service_account_id": self.identity["service_account_id"],
            }
        )
        limits = dict.fromkeys(("connect", "read", "write", "pool"), _TIMEOUT)
        headers = [("Accept", "application/json"), ("Content-Type", "application/json")]
        extensions: dict[str, Any] = {"timeout": limits, FOLLOW_REDIRECTS: False, OTHER_ORIGIN: True}
        return sender.build("POST", self.url, headers, extensions, content)

    def _store(self, response: "httpx.Response") -> None:
        if response.status_code in _REFUSED:
            raise _refusal(response)
        try:
            body = load(response.content)
        except ValueError:
            body = None
        members = members_of(body)
        key, lifetime = members.get("access_token"), members.get("expires_in")
        if not response.is_success:
            raise OpenAIError(
                f"The exchange of the workload's token failed with status {response.status_code}."
            )
        if not isinstance(key, str) or not key or not isinstance(lifetime, int | float):
            raise OpenAIError(
                "The exchange of the workload's token returned no access_token with an expires_in."
            )
        now = time.monotonic()
        buffer = self.identity.get("refresh_buffer_seconds", DEFAULT_REFRESH_BUFFER)
        self._key = key
        self._ends = now + lifetime
        self._renew_at = now + max(lifetime - min(buffer, lifetime / 2), 0.0)


def _bare(request: "httpx.Request") -> "httpx.Request":
    """Return a copy of a request without its body, which holds the workload's token."""
    return type(request)(request.method, request.url)


def _refusal(response: "httpx.Response") -> OAuthError:
    """Build the error of a rejected exchange, without the token, which its request holds and its response may quote."""
    token = from_json(response.request.content)[_SUBJECT]
    kept = [pair for pair in response.headers.multi_items() if pair[0] not in _OF_THE_BYTES]
    content = hide([token], response.text).encode()
    bare = type(response)(
        response.status_code, headers=kept, content=content, request=_bare(response.request)
    )
    try:
        body = load(response.content)
    except ValueError:
        body = None
    return OAuthError(response=bare, body=hide([token], body))


def k8s_service_account_token_provider(
    token_file_path: str | Path = "/var/run/secrets/kubernetes.io/serviceaccount/token",  # noqa: S107 - a path
) -> SubjectTokenProvider:
    """Return a provider that reads the service account token which Kubernetes mounts into a pod.

    Its `get_token` raises `SubjectTokenProviderError` where the file cannot be read or is empty.
    """

    def get_token() -> str:
        try:
            token = Path(token_file_path).read_text().strip()
        except OSError as error:
            raise SubjectTokenProviderError(
                f"Cannot read the token file {token_file_path}: {error}"
            ) from error
        except UnicodeError:  # not chained: it holds the bytes read
            raise SubjectTokenProviderError(f"The token file {token_file_path} is not text.") from None
        if not token:
            raise SubjectTokenProviderError(f"The token file {token_file_path} is empty.")
        return token

    return {"token_type": "jwt", "get_token": get_token}


def azure_managed_identity_token_provider(
    resource: str = "https://management.azure.com/",
    *,
    object_id: str | None = None,
    client_id: str | None = None,
    msi_res_id: str | None = None,
    api_version: str = "2018-02-01",
    timeout: float = _TIMEOUT,
    http_client: Any = None,
) -> SubjectTokenProvider:
    """Return a provider of a managed identity's token from Azure's metadata service.

    Its `get_token` raises `SubjectTokenProviderError` where the service fails. *timeout* is in seconds.
    """
    params = {"api-version": api_version, "resource": resource}
    chosen = {"object_id": object_id, "client_id": client_id, "msi_res_id": msi_res_id}
    params |= {name: value for name, value in chosen.items() if value is not None}

    def get_token() -> str:
        url = "http://169.254.169.254/metadata/identity/oauth2/token"
        response = _ask(
            "Azure", http_client, url, params=params, headers={"Metadata": "true"}, timeout=timeout
        )
        try:
            token = members_of(load(response.content)).get("access_token")
        except ValueError:  # the response may be another server's, such as a captive portal's
            token = None
        if not token or not isinstance(token, str):
            raise SubjectTokenProviderError("Azure's metadata service returned no token.", response=response)
        return token

    return {"token_type": "jwt", "get_token": get_token}


def gcp_id_token_provider(
    audience: str = "https://api.openai.com/v1", *, timeout: float = _TIMEOUT, http_client: Any = None
) -> SubjectTokenProvider:
    """Return a provider of an instance's identity token from Google Cloud's metadata server.

    Its `get_token` raises `SubjectTokenProviderError` where the server fails. *timeout* is in seconds.
    """

    def get_token() -> str:
        url = "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/identity"
        headers = {"Metadata-Flavor": "Google"}
        response = _ask(
            "Google Cloud", http_client, url, params={"audience": audience}, headers=headers, timeout=timeout
        )
        token = response.text.strip()
        if not token:
            raise SubjectTokenProviderError(
                "Google Cloud's metadata server returned no token.", response=response
            )
        return token

    return {"token_type": "id", "get_token": get_token}


def _ask(cloud: str, http_client: Any, url: str, **options: Any) -> "httpx.Response":
    from ._http.library import library  # noqa: PLC0415 - only where a metadata service is used

    http = library().http
    client = http_client or http
    try:
        response: httpx.Response = client.get(url, **options)
    except Exception as error:
        raise SubjectTokenProviderError(
            f"{cloud}'s metadata service did not answer ({type(error).__name__})."
        ) from error
    if not response.is_success:
        raise SubjectTokenProviderError(
            f"{cloud}'s metadata service answered {response.status_code}.", response=response
        )
    return response
