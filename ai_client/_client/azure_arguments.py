"""Arguments of Azure's clients: credentials and address, given or read from the environment."""

from collections.abc import Callable, Mapping
from typing import Any

from .._libraries import httpx
from .._params.key_file import key_or_file
from .._params.query import path
from .._params.secrets import check_secret
from ..errors import ConfigError, OpenAIError

DEPLOYMENT_PATHS = frozenset(
    {
        "/completions",
        "/chat/completions",
        "/embeddings",
        "/audio/transcriptions",
        "/audio/translations",
        "/audio/speech",
        "/images/generations",
        "/images/edits",
    }
)


def is_of_a_deployment(path: str) -> bool:
    """Return whether the path of a call, with its query or without, is below that of a deployment."""
    return path.partition("?")[0] in DEPLOYMENT_PATHS


class MutuallyExclusiveAuthError(OpenAIError):
    """More than one credential was given to a client."""

    def __init__(self) -> None:
        super().__init__(
            "api_key, azure_ad_token and azure_ad_token_provider exclude each other: pass one of them."
        )


def credentials_of(
    api_key: str | Callable[[], Any] | None,
    token: str | None,
    provider: Callable[[], Any] | None,
    environment: Mapping[str, str],
    key_file: object = None,
) -> tuple[str | Callable[[], Any] | None, str | None]:
    api_key = key_or_file(api_key, key_file)
    given = sum(credential is not None for credential in (api_key, token, provider))
    if given > 1:
        raise MutuallyExclusiveAuthError
    if not given:
        token = environment.get("AZURE_OPENAI_AD_TOKEN")
        if token is None:
            api_key = environment.get("AZURE_OPENAI_API_KEY")
    return api_key, None if token is None else check_secret("azure_ad_token", token)


def address_of(
    base_url: "str | httpx.URL | None",
    endpoint: str | None,
    deployment: str | None,
    environment: Mapping[str, str],
) -> "tuple[str | httpx.URL, str | None]":
    if base_url is not None:
        if endpoint is not None:
            raise ConfigError("base_url and azure_endpoint exclude each other: pass one of them.")
        return base_url, None
    if endpoint is None:
        endpoint = environment.get("AZURE_OPENAI_ENDPOINT")
    if endpoint is None:
        raise ConfigError(
            "Pass azure_endpoint=... or base_url=..., or set the environment variable AZURE_OPENAI_ENDPOINT."
        )
    root = f"{endpoint.rstrip('/')}/openai"
    if deployment is None:
        return root, endpoint
    return root + path("/deployments/{azure_deployment}", azure_deployment=deployment), endpoint
