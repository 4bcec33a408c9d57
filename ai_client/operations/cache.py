"""The cached answers of an application, and how they are invalidated."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from .._call.labels import label_text
from .._io.reading import aread, read
from ..control.cache.directives import checked_tags
from ..control.cache.generations import mark_of
from ..control.cache.policy import Cache
from ..errors import ConfigError
from ..stores.place import place_of
from .configured import Aliases, policies_of

_SECONDS = 10.0
_HEX = frozenset("0123456789abcdef")
_DIGITS = 64


class CacheBook:
    """The cached answers of clients.

    That of a provider covers the clients of all aliases.
    """

    def __init__(self, aliases: Aliases) -> None:
        self._aliases = aliases

    def invalidate(
        self,
        *,
        key: str | Sequence[str] | None = None,
        tag: str | Sequence[str] | None = None,
        tenant: str | Sequence[str] | None = None,
    ) -> None:
        """Invalidate cached answers in all processes that share the store; blocks until it holds.

        No call that is made afterwards is answered with one of them: nor with an answer that was under way, nor while
        the upstream is down. The first time in a store takes a second longer.

        Args:
            key: The key of an answer, or several: `call_record(answer).cache_key`.
            tag: A tag of answers, or several: all answers that have one of them.
            tenant: A tenant, or several: all answers that were asked for by calls with the label.

        Raises:
            ConfigError: Nothing is named, no control `cache` is configured, or what is named is no key, tag or tenant.
            StoreError: A store is down, or did not answer in time.
        """
        read(partial(self._invalidate, _marks(key, tag, tenant)), _SECONDS)

    async def ainvalidate(
        self,
        *,
        key: str | Sequence[str] | None = None,
        tag: str | Sequence[str] | None = None,
        tenant: str | Sequence[str] | None = None,
    ) -> None:
        """Invalidate cached answers like `invalidate`, without blocking the event loop."""
        await aread(partial(self._invalidate, _marks(key, tag, tenant)), _SECONDS)

    async def _invalidate(self, marks: Sequence[str], io: Any) -> None:
        found: dict[Any, list[Cache]] = {}
        for _, cache in policies_of(self._aliases, Cache, "cache"):
            found.setdefault((place_of(cache.store), cache.namespace), []).append(cache)
        for caches in found.values():
            longest = max(cache.ttl + cache.stale_if_error for cache in caches)
            await caches[0]._entries.generations.invalidate(io, marks, longest)


def _marks(
    key: str | Sequence[str] | None, tag: str | Sequence[str] | None, tenant: str | Sequence[str] | None
) -> list[str]:
    keys, tenants = _listed("key", key), _listed("tenant", tenant)
    tags = checked_tags(_listed("tag", tag))
    for one in keys:
        if len(one) != _DIGITS or not _HEX.issuperset(one):
            raise ConfigError(
                "cache: key: this is not the key of an answer, as call_record(answer).cache_key is."
            )
    marks = [mark_of("key", one) for one in keys]
    marks += [mark_of("tag", one) for one in tags]
    marks += [mark_of("tenant", label_text("tenant", one) or "") for one in tenants]
    if not marks:
        raise ConfigError("cache: name what to invalidate: a key, a tag or a tenant.")
    return marks


def _listed(name: str, given: Any) -> list[str]:
    if given is None:
        return []
    values: list[Any] = [given] if isinstance(given, str) else list(given)
    if not all(isinstance(value, str) and value for value in values):
        raise ConfigError(f"cache: {name}: each must be a text that is not empty.")
    return values
