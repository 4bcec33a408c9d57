"""Prices of models: those of the application first, then what an answer reports, then the genai-prices library."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from typing import Any

from ..._call.usage import Usage
from ..._io import IO
from ...errors import ConfigError
from .library import is_installed, library as shared_library
from .price import Price
from .terms import NO_TERMS, Terms

_KEPT = 1000
_OPENAI = "openai"
_PATTERN = frozenset("*?[")


@dataclass(frozen=True)
class Prices:
    """The prices of models.

    The first of these that is known counts: the application's own price; the cost that the answer reports; the price
    in the genai-prices library, at the provider that has the client's address, at the time of the call.

    Args:
        models: Prices by model, `Price` or a mapping of its attributes. A model is named as it is asked, as the server
            names it, or as the target of a fallback, such as `azure/gpt-5.5`. Names may be
            patterns, as `gpt-5*`: an exact name goes before a pattern, a longer pattern before a shorter one.
        provider: The provider by the library's id (`openai`, `azure`, ...), or providers by the beginning of the
            address; by default the one that has the address. An address that none has, such as that of a server of
            your own, has no prices in the library.
        library: Whether to use the genai-prices library.
        reported: Whether to use the cost that an answer reports as `usage.cost`, as those of OpenRouter do.
    """

    models: Mapping[str, Price | Mapping[str, Any]] = field(default_factory=dict[str, Any])
    provider: str | Mapping[str, str] | None = None
    library: bool = True
    reported: bool = True
    _given: dict[str, Price] = field(init=False, repr=False, compare=False)
    _is_ready: bool = field(init=False, repr=False, compare=False, default=False)
    _patterns: Sequence[tuple[str, Price]] = field(init=False, repr=False, compare=False)
    _found: dict[tuple[str | None, ...], Price | None] = field(
        init=False, repr=False, compare=False, default_factory=dict[Any, Any]
    )

    def __post_init__(self) -> None:
        given: dict[str, Price] = {}
        for model, price in self.models.items():
            try:
                given[model] = price if isinstance(price, Price) else Price(**price)
            except TypeError:
                known = ", ".join(one.name for one in fields(Price) if one.init)
                raise ConfigError(f"prices.{model}: a price has the members {known}, in USD.") from None
        patterns = [(model, price) for model, price in given.items() if not _PATTERN.isdisjoint(model)]
        patterns.sort(key=lambda one: len(one[0]), reverse=True)
        object.__setattr__(self, "_given", given)
        object.__setattr__(self, "_patterns", patterns)

    @property
    def has_source(self) -> bool:
        """Whether any price can be known before a call: the application has some, or the library is there."""
        return bool(self._given) or (self.library and is_installed())

    def warm(self) -> None:
        """Start loading the library, so that no call has to wait for it."""
        if self.library and not shared_library().started:
            shared_library().load()

    @property
    def is_ready(self) -> bool:
        """Whether the library is loaded or not used."""
        if not self._is_ready and (not self.library or shared_library().is_loaded):
            object.__setattr__(self, "_is_ready", True)
        return self._is_ready

    async def ready(self, io: IO) -> None:
        """Wait until the library is loaded; only the first calls of a process ever wait."""
        if not self.is_ready:
            await shared_library().loaded(io)

    def nano_usd(
        self, usage: Usage, model: str | None = None, asked: str | None = None, terms: Terms = NO_TERMS
    ) -> int | None:
        """Return the cost of *usage* in 10^-9 USD; `None` where there is no price.

        Args:
            usage: The usage.
            model: The model, by the server's name for it where that is known.
            asked: The model, by the name that the application requested; by default that of *terms*.
            terms: What decides the price besides; by default a call to OpenAI, now.
        """
        asked = asked or terms.model
        if usage.source == "unknown":
            price = self._own(terms.target, asked, model)
            return None if price is None else price.flat
        if usage.answers:
            costs = [self.nano_usd(one, one.model or model, asked, terms) for one in usage.answers]
            known = [cost for cost in costs if cost is not None]
            return sum(known) if len(known) == len(costs) else None
        price = self._own(terms.target, asked, model) if self._given else None
        if price is not None:
            return price.nano_usd(usage, usage.service_tier or terms.service_tier)
        if self.reported and usage.nano_usd is not None:
            return usage.nano_usd
        return self._in_library(shared_library().nano_usd, usage, (model, asked), terms)

    def of_tokens(self, target: str | None, asked: str | None, model: str | None) -> Price | None:
        """Return the application's own price of a model that has these names, if nothing but usage decides it."""
        price = self._found.get((target, asked, model)) or self._own(target, asked, model)
        return None if price is None or price.service_tiers else price

    def most_nano_usd(self, usage: Usage, terms: Terms = NO_TERMS) -> int | None:
        """Return the most that a call costs that uses no more than *usage*; `None` where there is no price."""
        price = self._own(terms.target, terms.model, None) if self._given else None
        if price is not None:
            return price.most_nano_usd(usage, terms.service_tier)
        return self._in_library(shared_library().most_nano_usd, usage, (terms.model,), terms)

    def _own(self, *names: str | None) -> Price | None:
        """Return the application's own price of a model that has these names, in order."""
        if not self._given:
            return None
        found = self._found.get(names, ...)
        if found is ...:
            found = self._matching([name for name in names if name is not None])
            if len(self._found) >= _KEPT:  # names come from callers
                self._found.clear()
            self._found[names] = found
        return found

    def _matching(self, names: Sequence[str]) -> Price | None:
        for name in names:
            if name in self._given:
                return self._given[name]
        for pattern, price in self._patterns:
            if any(fnmatchcase(name, pattern) for name in names):
                return price
        return None

    def _in_library(
        self,
        calculate: Callable[[Usage, str, str, Terms], int | None],
        usage: Usage,
        names: Sequence[str | None],
        terms: Terms,
    ) -> int | None:
        """Return the first cost that the library calculates under one of *names*."""
        provider = self._provider(terms) if self.library else None
        if provider is None:
            return None
        for name in names:
            if name and (cost := calculate(usage, name, provider, terms)) is not None:
                return cost
        return None

    def _provider(self, terms: Terms) -> str | None:
        """Return the provider whose prices apply, by the library's id."""
        given, address = self.provider, terms.address
        if isinstance(given, str):
            return given
        if given is not None and address is not None:
            place = f"{address.rstrip('/')}/"
            found = max(
                (one for one in given if place.startswith(f"{one.rstrip('/')}/")), key=len, default=None
            )
            if found is not None:
                return given[found]
        if terms.provider is not None or address is None:
            return terms.provider or _OPENAI
        return shared_library().provider_at(address)
