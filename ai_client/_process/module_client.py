"""The client behind `ai_client.chat` and the other resources of the package itself, for scripts and notebooks.

    import ai_client

    ai_client.api_key = "..."
    ai_client.chat.completions.create(...)

A service should not use it. Its settings are variables of the whole process, so that whoever sets one changes it for
every thread and every library that uses the package in the same way; and nothing closes the client with the
application, lets its calls finish, or replaces it in tests. `ClientProvider` and the adapters do.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ..azure import AzureOpenAI
from ..client import OpenAI
from ..errors import OpenAIError

if TYPE_CHECKING:
    _typed = OpenAI()
    admin = _typed.admin
    audio = _typed.audio
    batches = _typed.batches
    beta = _typed.beta
    chat = _typed.chat
    completions = _typed.completions
    containers = _typed.containers
    content_provenance_checks = _typed.content_provenance_checks
    conversations = _typed.conversations
    decisions = _typed.decisions
    embeddings = _typed.embeddings
    evals = _typed.evals
    files = _typed.files
    fine_tuning = _typed.fine_tuning
    images = _typed.images
    models = _typed.models
    moderations = _typed.moderations
    responses = _typed.responses
    safety = _typed.safety
    skills = _typed.skills
    uploads = _typed.uploads
    vector_stores = _typed.vector_stores
    videos = _typed.videos

_OF_ALL = (
    "api_key",
    "admin_api_key",
    "organization",
    "project",
    "webhook_secret",
    "base_url",
    "timeout",
    "max_retries",
    "default_headers",
    "default_query",
    "http_client",
)
_OF_AZURE = ("api_version", "azure_endpoint", "azure_ad_token", "azure_ad_token_provider")


class _Made(NamedTuple):
    """A client and what it was made of."""

    client: OpenAI
    given: Mapping[str, Any]
    is_azure: bool


_latest: list[_Made] = []


class _Unconfigured:
    """A resource of the package while no client can be built, so that only its use fails."""

    def __init__(self, variables: Mapping[str, Any], name: str) -> None:
        self._variables = variables
        self._name = name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(getattr(client_of(self._variables), self._name), name)

    def __repr__(self) -> str:
        return f"<ai_client.{self._name}, not configured yet>"


def resource_of(variables: Mapping[str, Any], name: str) -> Any:
    """Return a resource of the client of the package's variables; without one, an object that has it once there is."""
    try:
        client = client_of(variables)
    except OpenAIError:
        return _Unconfigured(variables, name)
    return getattr(client, name)


def client_of(variables: Mapping[str, Any]) -> OpenAI:
    """Return the client of the package's variables, which is built when first used, and after one has changed.

    Raises:
        OpenAIError: As the constructor of `OpenAI`, or of `AzureOpenAI` where `azure_endpoint` or `api_type` says so.
    """
    kind = variables["api_type"]
    is_azure = kind == "azure" or (kind is None and variables["azure_endpoint"] is not None)
    names = (*_OF_ALL, *_OF_AZURE) if is_azure else _OF_ALL
    given = {name: variables[name] for name in names if name in variables}
    if _latest and _latest[-1].given == given and _latest[-1].is_azure == is_azure:
        return _latest[-1].client
    client = AzureOpenAI(**given) if is_azure else OpenAI(**given)
    _latest[:] = [_Made(client, given, is_azure)]  # the one before may be in use: it is not closed
    return client
