"""The clients of a setting's options as they are at one time, and what stands in their place in tests."""

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any, cast

from ai_client.provider import ClientProvider


class Generation:
    """The clients of a setting's options, until one of these is changed.

    Nothing here is locked, as a thread might hold the lock at a fork: of two threads that store something, the first
    wins, and the other one takes what is there.

    Attributes:
        options: The options, with copies of the dicts and lists inside.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.options = _copy(options)
        self._made: dict[str, ClientProvider] = {}
        self._following: dict[str, Generation] = {}

    @property
    def provider(self) -> ClientProvider | None:
        """The provider, if there is one yet."""
        return self._made.get("provider")

    def keep(self, provider: ClientProvider) -> ClientProvider:
        """Keep a provider, unless there is one already; return the one that is kept."""
        return self._made.setdefault("provider", provider)

    def followed_by(self, other: "Generation") -> "Generation":
        """Return the next generation: *other*, unless there is one already."""
        return self._following.setdefault("next", other)

    def close(self) -> None:
        """Close the clients, if any."""
        if self.provider is not None:
            self.provider.close()


class StandIn:
    """An object in the place of an alias's clients, also in those that are built of changed options.

    Args:
        alias: The alias.
        fake: See `ai_client.testing.override`.
    """

    def __init__(self, alias: str, fake: Any) -> None:
        self._alias = alias
        self._fake = fake
        self._entered = ExitStack()

    def enter(self, provider: ClientProvider) -> None:
        """Take the place of a provider's clients."""
        from ai_client.testing import override  # noqa: PLC0415 - for tests only

        if self._alias in provider:
            self._entered.enter_context(override(provider[self._alias], self._fake))

    def leave(self) -> None:
        """Leave each place that was taken."""
        self._entered.close()


def _copy(value: Any) -> Any:
    """Return a value with the dicts and lists in it copied."""
    if isinstance(value, dict):
        return {name: _copy(inner) for name, inner in cast("dict[Any, Any]", value).items()}
    if isinstance(value, list):
        return [_copy(inner) for inner in cast("list[Any]", value)]
    return value
