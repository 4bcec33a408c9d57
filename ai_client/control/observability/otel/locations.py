"""Where a call goes: the address and the well-known name of the provider that has it."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from ...._call.call import Call
from ...._call.record import Record

_PORTS = {"https": 443, "wss": 443, "http": 80, "ws": 80}
_OPENAI = "openai"
_AZURE = "azure.ai.openai"
_HOSTS: Mapping[str, str] = {
    "openai.com": _OPENAI,
    "openai.azure.com": _AZURE,
    "openai.azure.us": _AZURE,
    "openai.azure.cn": _AZURE,
    "cognitiveservices.azure.com": _AZURE,
    "services.ai.azure.com": "azure.ai.inference",
    "inference.ai.azure.com": "azure.ai.inference",
    "groq.com": "groq",
    "deepseek.com": "deepseek",
    "mistral.ai": "mistral_ai",
    "x.ai": "x_ai",
    "perplexity.ai": "perplexity",
    "anthropic.com": "anthropic",
    "cohere.com": "cohere",
    "cohere.ai": "cohere",
    "moonshot.ai": "moonshot_ai",
    "moonshot.cn": "moonshot_ai",
    "generativelanguage.googleapis.com": "gcp.gemini",
    "aiplatform.googleapis.com": "gcp.vertex_ai",
    "amazonaws.com": "aws.bedrock",
    "ml.cloud.ibm.com": "ibm.watsonx.ai",
}
"""Providers by the end of a host, with the names of the conventions."""
_OF_THE_CLIENT = {"azure": _AZURE}
"""Providers by what a client of theirs is priced as."""
SPEAKS_OPENAI = frozenset({_OPENAI, _AZURE})
"""Providers whose spans have the attributes `openai.*`."""
OLD_NAMES = {"x_ai": "xai"}
"""Names that version 1.36 has for providers."""


class Location(NamedTuple):
    """Where a call goes.

    Attributes:
        host, port: Of the address; `None` where it is unknown.
        provider: The well-known name of the provider.
    """

    host: str | None
    port: int | None
    provider: str


def location_of(call: Call, record: Record, given: str | Mapping[str, str] | None) -> Location:
    """Return where a call goes, or went last.

    Args:
        call: The call.
        record: Its record, which knows the client that was last to perform it.
        given: The provider, or providers by the beginning of the address, as the application names them.
    """
    hint: str | None = None
    if "://" in call.path:
        address = call.path
    elif record.server is not None:
        address, hint = str(record.server[0]), record.server[1]
    else:
        client: Any = call.via or call.client
        if client is None:
            return Location(None, None, given if isinstance(given, str) else _OPENAI)
        sockets = client.websocket_base_url if call.session else None
        address, hint = str(client._base_url if sockets is None else sockets), client._priced_as
    host, port, provider = _known(address.partition("?")[0], hint)
    return Location(host, port, _given(given, address) or provider)


def _given(given: str | Mapping[str, str] | None, address: str) -> str | None:
    if given is None or isinstance(given, str):
        return given
    beginning = f"{address.partition('?')[0].rstrip('/')}/"
    found = max((one for one in given if beginning.startswith(f"{one.rstrip('/')}/")), key=len, default=None)
    return None if found is None else given[found]


@lru_cache(maxsize=256)
def _known(address: str, hint: str | None) -> Location:
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return Location(None, None, _OPENAI)
    if hint in _OF_THE_CLIENT:
        provider = _OF_THE_CLIENT[hint]
    elif host.endswith(".services.ai.azure.com") and parts.path.startswith("/openai"):
        provider = _AZURE
    else:
        provider = _by_host(host)
    return Location(host or None, port, provider)


def _by_host(host: str) -> str:
    """Return the provider that has a host; one that is unknown speaks OpenAI's API."""
    name = host.rstrip(".")
    if name.endswith("-aiplatform.googleapis.com"):
        return "gcp.vertex_ai"
    while name:
        if name in _HOSTS and (_HOSTS[name] != "aws.bedrock" or host.startswith("bedrock")):
            return _HOSTS[name]
        name = name.partition(".")[2]
    return _OPENAI
