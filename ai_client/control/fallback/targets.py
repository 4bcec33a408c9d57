"""Targets of models: the names under which models are asked, and the targets that each stands for, in order."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from ...errors import ConfigError

_CHAINS_KEPT = 1000


class Target(NamedTuple):
    """A model at this client (`client` is `None`) or at a named one; `name` identifies the pair."""

    client: str | None
    model: str
    name: str


class Chains:
    """The targets of each model, in order.

    Args:
        models: Targets by model, see `Fallback`.
        default: Targets after those of every model.
        clients: The names of other clients.
        keeps_all: Whether a model without any other target has itself for a target; otherwise it has none.

    Raises:
        ConfigError: A model has no target, or leads back to itself.
    """

    def __init__(
        self,
        models: Mapping[str, str | Sequence[str]],
        default: Sequence[str],
        clients: Collection[str],
        *,
        keeps_all: bool,
    ) -> None:
        self._models = models
        self._clients = clients
        self._default = tuple(target for name in default for target in self._targets(name, ()))
        self._keeps_all = keeps_all or bool(self._default)
        self._chains = {name: self._with_default(self._expand(name, ())) for name in models}

    def of(self, model: str) -> tuple[Target, ...]:
        """Return the targets of a model; empty where it is sent as it is."""
        chain = self._chains.get(model)
        return self._made(model) if chain is None else chain

    @property
    def configured(self) -> list[tuple[str, ...]]:
        """The names of the targets of each model that has an entry of its own."""
        return [tuple(target.name for target in self._chains[model]) for model in self._models]

    @property
    def longest(self) -> int:
        """The most targets that a model has."""
        return max([1 + len(self._default), *map(len, self._chains.values())])

    def _made(self, model: str) -> tuple[Target, ...]:
        """Build and keep the chain of a model that has no entry of its own."""
        chain: tuple[Target, ...] = ()
        if self._keeps_all:
            chain = self._with_default([Target(None, model, model)])
        if len(self._chains) - len(self._models) < _CHAINS_KEPT:  # names come from callers
            self._chains[model] = chain
        return chain

    def _expand(self, name: str, seen: tuple[str, ...]) -> list[Target]:
        if name in seen:
            raise ConfigError(f"fallback: models: {' -> '.join((*seen, name))} leads back to itself.")
        given = self._models[name]
        names = [given] if isinstance(given, str) else given
        if not names:
            raise ConfigError(f"fallback: models: {name!r} has no target.")
        return [
            target
            for inner in names
            for target in ([self._target(inner)] if inner == name else self._targets(inner, (*seen, name)))
        ]

    def _targets(self, name: str, seen: tuple[str, ...]) -> list[Target]:
        if name in self._models:
            return self._expand(name, seen)
        return [self._target(name)]

    def _target(self, name: str) -> Target:
        """Return the target of a name that is no alias: a model, at a client if it begins with the name of one."""
        client, slash, model = name.partition("/")
        return Target(client, model, name) if slash and client in self._clients else Target(None, name, name)

    def _with_default(self, chain: Sequence[Target]) -> tuple[Target, ...]:
        if not self._default:
            return tuple(chain)
        return (*chain, *(target for target in self._default if target not in chain))
