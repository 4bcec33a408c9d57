"""Where a call goes: what its answer depends on beside the request, and beside who may share it."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..._call.call import Call
from ..._params.omit import Omit
from ..._params.query import query_items
from .ignored import Ignored


def destination(call: Call, ignored: Ignored) -> Sequence[object]:
    """Return the client that a call goes through and the targets of its model, as JSON.

    An alias that is given other targets, and a client that is given another address, get other answers.
    """
    client = call.via or call.client
    if client is None:
        return ()
    model = call.members().get("model")
    route: list[object] = []
    for policy in call.client._layers if isinstance(model, str) and call.client is not None else ():
        if hasattr(policy, "_route"):
            for target, asked in policy._route(model, sync=call.io.sync):
                route.append([_of_client(target, ignored), asked])
    return [_of_client(client, ignored), route]


def _of_client(client: Any, ignored: Ignored) -> object:
    """Return address, owner, headers and query of a client; `None` for the call's own, or as an option says it."""
    if not hasattr(client, "_custom_headers"):
        return client
    headers = headers_of(client._custom_headers, ignored)
    query = query_items(client._custom_query)
    behind = [client._connections.uds] if client._connections.uds else []
    return [str(client.base_url), client.organization, client.project, headers, query, *behind]


def headers_of(headers: Mapping[str, Any], ignored: Ignored) -> Mapping[str, str | None]:
    """Return the headers that are compared, by name in lower case; `None` for one that is left out on purpose."""
    return {
        name.lower(): None if isinstance(value, Omit) else value
        for name, value in headers.items()
        if not ignored.is_header(name.lower())
    }
