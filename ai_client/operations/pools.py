"""The connection pools of a client that a provider owns."""

from typing import Any


def pools_of(managed: Any) -> list[Any]:
    """Return the pools that a client has now: one, or for an async client one for each event loop."""
    holder = getattr(managed, "_below", None) or managed
    sender = getattr(getattr(holder, "_client", None) or holder.client, "_sender", None)
    pool = getattr(sender, "pool", None)
    if pool is not None:
        return [pool]
    return [inner.pool for inner in list(getattr(sender, "_senders", {}).values())]
