"""The connection pools of a client."""

from typing import Any


def pools_of(client: Any) -> list[Any]:
    """Return the pools that a client has now: one, or for an async client one for each event loop."""
    sender = getattr(client, "_sender", None)
    pool = getattr(sender, "pool", None)
    if pool is not None:
        return [pool]
    return [inner.pool for inner in list(getattr(sender, "_senders", {}).values())]
