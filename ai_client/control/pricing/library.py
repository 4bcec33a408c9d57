"""The genai-prices library: which provider and model a call is billed by, and the library's own calculation."""

import logging
import re
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache, partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple, TypeVar

from ..._call.usage import Usage
from ..._fork import PerProcess
from ..._io import IO
from .tariff import Calculate, Tariff
from .terms import Terms
from .units import dearest

K = TypeVar("K")
T = TypeVar("T")
LOAD_TIMEOUT = 10.0
"""Seconds that a call waits for the library to load."""
_KEPT = 1000
"""Names and addresses that are kept: they come from callers."""
_DAY = 86_400
_HALF_A_MICROSECOND = 5e-7
"""To which times are rounded."""
_TARIFFS_KEPT = 100
"""Tariffs of a model that are kept: the names of service tiers come from callers and servers."""
_NONE = dict.fromkeys(("cache_read_tokens", "cache_write_tokens", "web_searches", "storage_searches"), 0)
"""Units that many models price: the library takes longer to find out that they are 0."""
_REGION = re.compile(r"https://[a-z]+\.api\.openai\.com(/|$)")
_ENDS = ("", "/", ":", "?", "#")
"""The characters that end the name of a server or a part of a path."""

logger = logging.getLogger("ai_client")


@cache
def is_installed() -> bool:
    """Return whether the library is there to be loaded."""
    return find_spec("genai_prices") is not None


class PriceLibrary:
    """The genai-prices library, loaded in a thread.

    Looks up providers by address and models by name; what they cost is the library's own calculation.
    """

    def __init__(self) -> None:
        self.is_loaded = False
        self.started = False
        self._lock = threading.Lock()
        self._module: Any = None
        self._found: _LookUps | None = None

    def load(self) -> None:
        """Start loading the library in a thread; that takes about 0.1 s."""
        if self.started:
            return
        with self._lock:
            if not self.started:
                self.started = True
                threading.Thread(target=self._load, name="ai-client-prices", daemon=True).start()

    async def loaded(self, io: IO) -> None:
        """Wait until the library is loaded, or `LOAD_TIMEOUT` has passed."""
        self.load()
        give_up = time.monotonic() + LOAD_TIMEOUT
        while not self.is_loaded:
            if time.monotonic() > give_up:
                logger.warning("The genai-prices library did not load in time; its prices are unknown.")
                self.is_loaded = True
            await io.sleep(0.005)

    def _load(self) -> None:
        try:
            self._module = import_module("genai_prices")
            if (
                self.nano_usd(Usage("estimated", 1, 1), "gpt-4o", "openai", Terms()) is None
            ):  # loads its tables
                logger.warning(
                    "This version of the genai-prices library cannot be used; its prices are unknown."
                )
        except ImportError:
            logger.info("No genai-prices library (extra `prices`): only prices given as options are known.")
        except Exception:
            logger.exception("The genai-prices library could not be used; its prices are unknown.")
        finally:
            self.is_loaded = True

    def provider_at(self, address: str) -> str | None:
        """Return the id of the provider that answers at an address; `None` where the library knows none."""
        if self._module is None:
            self.load()
            return None
        known = self._looked_up()
        found = known.providers.get(address, ...)
        if found is ...:
            found = _kept(known.providers, address, _provider_at(known.snapshot, address))
        return found

    def nano_usd(self, usage: Usage, model: str, provider: str, terms: Terms) -> int | None:
        """Return what the library calculates for *usage*, in 10^-9 USD; `None` where it has no price for it."""
        found = self._find(model, provider)
        if found is None:
            return None
        try:
            tariff = found.tariff(terms, usage.service_tier or terms.service_tier)
            return tariff.of_usage(usage)
        except Exception:  # noqa: BLE001 - a failed calculation means an unknown price, and never fails a call
            return None

    def most_nano_usd(self, usage: Usage, model: str, provider: str, terms: Terms) -> int | None:
        """Return the most that a call costs that uses no more than *usage*, in 10^-9 USD.

        Its tokens may turn out to be of the dearest kinds that the model has, and its service tier the standard one.
        """
        found = self._find(model, provider)
        if found is None:
            return None
        tiers = (None,) if terms.service_tier is None else (None, terms.service_tier)
        most: int | None = None
        for tier in tiers:
            cost = _most(found, usage, terms, tier)
            if cost is not None and (most is None or cost > most):
                most = cost
        return most

    def _find(self, model: str, provider: str) -> "_Model | None":
        if self._module is None:
            self.load()
            return None
        known = self._found
        if known is None or known.snapshot is not self._module.data_snapshot.get_snapshot():
            known = self._looked_up()
        found = known.models.get((model, provider), ...)
        if found is ...:
            found = _kept(
                known.models, (model, provider), _look_up(self._module, known.snapshot, model, provider)
            )
        return found

    def _looked_up(self) -> "_LookUps":
        """Return what was looked up in the library's current prices, which it may replace at any time."""
        snapshot = self._module.data_snapshot.get_snapshot()
        found = self._found
        if found is None or found.snapshot is not snapshot:
            found = self._found = _LookUps(snapshot, {}, {})
        return found


class _Model:
    """A model of the library at the provider that it is asked at, and its tariffs by what they depend on.

    Args:
        module: The library.
        model: The model.
        provider: The provider.
    """

    __slots__ = ("_changes", "_hours", "_is_usual", "_model", "_provider", "_tariffs", "_usage")

    def __init__(self, module: Any, model: Any, provider: Any) -> None:
        types = module.types
        self._usage = module.Usage
        self._model = model
        self._provider = provider
        self._tariffs: dict[Any, Tariff] = {}
        is_one = hasattr(model.prices, "calc_price")
        several: Any = [] if is_one else model.prices
        prices = [model.prices] if is_one else [one.prices for one in several]
        # An application's own class may calculate anything, and by the time too.
        self._is_usual = type(model) is types.ModelInfo and all(
            type(one) is types.ModelPrice for one in prices
        )
        constraints = [one.constraint for one in (*several, *(model.price_variants or ()))]
        self._changes = [one for one in constraints if one is not None]
        self._hours = [one for one in self._changes if type(one) is not types.StartDateConstraint]

    def tariff(self, terms: Terms, tier: str | None) -> Tariff:
        """Return the tariff that applies to a call made on some terms, at a service tier."""
        now = time.time() if terms.at is None else terms.at
        if not self._is_usual:
            return Tariff(self._calculation(now, terms, tier), is_linear=False)
        moment = datetime.fromtimestamp(now, UTC) if self._hours else None
        when: Any = None
        if moment is not None:
            when = (moment.toordinal(), *[one.active(moment) for one in self._hours])
        elif self._changes:
            when = (now + _HALF_A_MICROSECOND) // _DAY
        key = (tier, terms.options, when)
        found = self._tariffs.get(key)
        if found is None:
            tariff = Tariff(self._calculation(now, terms, tier))
            found = _kept(self._tariffs, key, tariff, _TARIFFS_KEPT)
        return found

    def _calculation(self, now: float, terms: Terms, tier: str | None) -> Calculate:
        return partial(self._calculate, datetime.fromtimestamp(now, UTC), terms.context(tier) or None)

    def _calculate(
        self, moment: datetime, context: Mapping[str, str] | None, units: Mapping[str, float]
    ) -> Any:
        return self._model.calc_price(
            self._usage(**{**_NONE, **units}),
            self._provider,
            genai_request_timestamp=moment,
            price_context=context,
        )


class _LookUps(NamedTuple):
    """Look-ups in one version of the library's prices."""

    snapshot: Any
    providers: dict[str, str | None]
    models: dict[tuple[str, str], _Model | None]


def _kept(known: dict[K, T], key: K, value: T, most: int = _KEPT) -> T:
    """Keep what was found under a name that may come from a caller."""
    if len(known) >= most:
        known.clear()
    known[key] = value
    return value


def _look_up(module: Any, snapshot: Any, model: str, provider: str) -> _Model | None:
    try:
        if provider == "litellm":  # its model names begin with the provider
            seller, found = snapshot.find_provider_model(model, None, provider, None)
        else:
            seller = snapshot.find_provider(None, provider, None)
            found = seller.find_model(model, all_providers=snapshot.providers)
    except LookupError:
        return None
    return None if found is None else _Model(module, found, seller)


def _most(model: _Model, usage: Usage, terms: Terms, tier: str | None) -> int | None:
    """Return the most that a call costs that uses no more than *usage* at a service tier, in 10^-9 USD."""
    try:
        tariff = model.tariff(terms, tier)
        cost = tariff.of_usage(usage)
    except Exception:  # noqa: BLE001 - see `nano_usd`
        return None
    worst = dearest(usage, tariff.dearest)
    if cost is None or worst is None:
        return cost
    try:
        return max(cost, tariff.of_usage(worst) or 0)
    except Exception:  # noqa: BLE001 - as above
        return cost


def _provider_at(snapshot: Any, address: str) -> str | None:
    if _REGION.match(address):
        return "openai"
    matching = (one.id for one in snapshot.providers if _is_at(address, one.api_pattern))
    return next(matching, None)


def _is_at(address: str, pattern: str) -> bool:
    """Return whether a pattern of the library matches whole parts of an address, and not the beginning of a name."""
    found = re.match(pattern, address)
    return found is not None and (found[0].endswith(("/", ".")) or address[found.end() :][:1] in _ENDS)


# A child forked while the library was loading starts over: the loading thread does not exist in it.
_of_process: PerProcess[PriceLibrary] = PerProcess(
    PriceLibrary, lambda parent: parent if parent.is_loaded else PriceLibrary()
)
_loaded: PriceLibrary | None = None


def library() -> PriceLibrary:
    """Return the library of this process; one that is loaded is its children's, too."""
    global _loaded  # noqa: PLW0603 - once
    if _loaded is not None:
        return _loaded
    found = _of_process()
    if found.is_loaded:
        _loaded = found
    return found
