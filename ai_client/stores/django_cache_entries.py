"""Entries in a Django cache: their names, and how long they are kept."""

from hashlib import sha256
from typing import Any


class CacheEntries:
    """The entries of a backend."""

    _prefix: str

    def _name(self, kind: str, name: str) -> str:
        """Return the key of something: names may be long and have spaces, which Memcached does not take."""
        return f"{self._prefix}{kind}:{sha256(name.encode(errors='surrogatepass')).hexdigest()}"

    def _keep(self, cache: Any, key: str, value: Any, until: float, now: float) -> None:
        cache.set(key, value, max(1.0, until - now))
