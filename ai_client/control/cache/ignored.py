"""The parts of a request that its answer does not depend on: requests that differ only in those are equal."""

from collections.abc import Collection, Iterable
from fnmatch import fnmatchcase

from ...errors import ConfigError

MEMBERS = (
    "user",
    "metadata",
    "prompt_cache_key",
    "prompt_cache_retention",
    "safety_identifier",
)
"""Members of a body that label a request, or say what the provider keeps of its prompt."""
_HEADERS = (
    "traceparent",
    "tracestate",
    "baggage",
    "b3",
    "x-b3-*",
    "x-datadog-*",
    "x-amzn-trace-id",
    "x-cloud-trace-context",
    "sentry-trace",
    "uber-trace-id",
    "request-id",
    "x-request-id",
    "x-client-request-id",
    "x-correlation-id",
    "idempotency-key",
    "user-agent",
    "x-stainless-*",
)
"""Headers that identify a request, its trace or its sender; `*` stands for any text."""


class Ignored:
    """The members of bodies and the headers that are not compared.

    Args:
        more: Names in addition to those that are never compared.
        but: Names among all of these that are compared all the same.

    Raises:
        ConfigError: A name is no text.
    """

    def __init__(self, more: Iterable[str] = (), but: Iterable[str] = ()) -> None:
        kept = _names(but, "distinguish")
        given = _names(more, "ignore")
        self.members = frozenset(name for name in (*MEMBERS, *given) if name.lower() not in _lower(kept))
        self._headers = [name for name in _lower((*_HEADERS, *given)) if "*" not in name]
        self._patterns = [name for name in _lower((*_HEADERS, *given)) if "*" in name]
        self._compared = _lower(kept)

    def is_header(self, name: str) -> bool:
        """Return whether a header, by its name in lower case, is not compared."""
        if name in self._compared:
            return False
        return name in self._headers or any(fnmatchcase(name, pattern) for pattern in self._patterns)


def _names(given: Iterable[object], option: str) -> tuple[str, ...]:
    names: tuple[object, ...] = (given,) if isinstance(given, str) else tuple(given)
    if not all(isinstance(name, str) and name for name in names):
        raise ConfigError(f"cache: {option} must hold names of members and headers.")
    return tuple(str(name) for name in names)


def _lower(names: Collection[str]) -> frozenset[str]:
    return frozenset(name.lower() for name in names)
