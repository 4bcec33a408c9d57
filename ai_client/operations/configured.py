"""The clients of a provider as operations see them: their configurations, and the policies that these make."""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol, TypeVar

from ..errors import ConfigError

P = TypeVar("P")


class Configured(Protocol):
    """The clients of one alias."""

    @property
    def config(self) -> Any:
        """Their options."""
        ...

    def _policies(self) -> tuple[Any, ...]:
        """Return the policies that `controls` asks for."""
        ...


Aliases = Mapping[str, Configured]
"""The clients of each alias that an object reports on."""


def policies_of(aliases: Aliases, kind: type[P], control: str) -> Iterator[tuple[str, P]]:
    """Yield the policies of a kind with the alias that has them, each policy once.

    Raises:
        ConfigError: No alias has any; the message names *control*.
    """
    seen: set[int] = set()
    for alias, clients in aliases.items():
        for policy in clients._policies():
            if isinstance(policy, kind) and id(policy) not in seen:
                seen.add(id(policy))
                yield alias, policy
    if not seen:
        where = f" of {next(iter(aliases))!r}" if len(aliases) == 1 else ""
        raise ConfigError(f"The controls{where} have no {control!r}: add it to 'controls' to have this.")
