"""Where a call went, as far as a command may name it: its address without credentials, and the kind of its key."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..._call.call import Call
from ..._exchange.origins import is_absolute, path_without_secrets
from ..._params.secrets import shown_address
from ...errors import OpenAIError
from ...operations.journal import JournalEntry

_KEY = "Authorization: Bearer $OPENAI_API_KEY"
_AZURE_KEY = "api-key: $AZURE_OPENAI_API_KEY"


class Destination(NamedTuple):
    """Where a call is sent.

    Attributes:
        url: The whole address, without a user, a password or a secret parameter.
        key_header: The header that authorizes it, with a variable of the shell in place of the key.
        model: The model that is asked there.
    """

    url: str
    key_header: str
    model: str | None


def destination_of(provider: Any, entry: JournalEntry, body: Mapping[str, Any]) -> Destination | None:
    """Return where a call went, at the target that served it; `None` where that is not known here.

    Args:
        provider: The provider.
        entry: The call.
        body: Its body.
    """
    if entry.client not in provider:
        return None
    clients = provider[entry.client]
    model = entry.target or entry.model
    name, slash, at_target = (entry.target or "").partition("/")
    target = clients.config.targets.get(f"fallback.clients.{name}.") if slash else None
    if target is not None:
        if not target.base_url or is_absolute(entry.path):
            return None
        return Destination(shown_address(str(target.base_url)).rstrip("/") + entry.path, _KEY, at_target)
    try:
        client = clients.present or clients._async_client or clients.client
        asked = {**body, "model": model} if model else body
        url = client._url(Call(client.io, "POST", entry.path, object, body=asked))
    except (OpenAIError, AttributeError):  # closed, or what stands in its place in tests
        return None
    address = path_without_secrets(str(url.copy_with(username=None, password=None, fragment=None)))
    return Destination(address, _AZURE_KEY if client._priced_as == "azure" else _KEY, model)
