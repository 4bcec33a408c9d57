"""Tenants with keys of their own: a function that knows them, and the keys that an upstream was sent."""

import threading
from typing import Any

from ai_client import Labels
from ai_client.testing import Upstream


def key_of(tenant: str) -> str:
    """Return the key of a tenant."""
    return f"sk-of-{tenant}-0123456789"


class Directory:
    """A function that returns the credentials of known tenants, and keeps what it was asked.

    Args:
        **known: What it returns, by tenant; `True` is the tenant's key alone. Others have none of their own.
    """

    def __init__(self, **known: Any) -> None:
        self.known = known
        self.asked: list[Labels] = []
        self._lock = threading.Lock()

    def __call__(self, labels: Labels) -> Any:
        """Return the credentials of a tenant."""
        with self._lock:
            self.asked.append(labels)
        found = self.known.get(labels.tenant or "")
        return {"api_key": key_of(labels.tenant or "")} if found is True else found


def sent(upstream: Upstream) -> list[str]:
    """Return the keys that an upstream was sent, in order."""
    return [one.headers.get("authorization", "").removeprefix("Bearer ") for one in upstream.requests]
