"""The genai-prices library: which provider and model a call is billed by, and the library's own calculation."""

import logging
import re
import threading
import time
from datetime import UTC, datetime
from decimal import Context, localcontext
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple, TypeVar

from ..._call.record import NANO
from ..._call.usage import Usage
from ..._fork import PerProcess
from ..._io import IO
from ...stores.base import MOST
from .terms import Terms
from .units import dearest, is_priced, units_of

K = TypeVar("K")
T = TypeVar("T")
LOAD_TIMEOUT = 10.0
"""Seconds that a call waits for the library to load."""
_KEPT = 1000
"""Names and addresses that are kept: they come from callers."""
_NONE = dict.fromkeys(("cache_read_tokens", "cache_write_tokens", "web_searches", "storage_searches"), 0)
"""Units that many models price: the library takes longer to find out that they are 0."""
_REGION = re.compile(r"https://[a-z]+\.api\.openai\.com(/|$)")
_ENDS = ("", "/", ":", "?", "#")
"""The characters that end the name of a server or a part of a path."""
_DECIMAL = Context(prec=50)
"""The application's own context may round or raise."""

logger = logging.getLogger("ai_client")


@cache
def is_installed() -> bool:
    """Return whether the library is there to be loaded."""
    return find_spec("genai_prices") is not None


class PriceLibrary:
    """The genai-prices library, loaded in a thread.

    Looks up providers by address and models by name; what they cost is the library's own calculation, made for each
    call, as prices depend on the time and on the length of the prompt.
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
        return self._calculated(
            usage, model, provider, terms, usage.service_tier or terms.service_tier
        ).nano_usd

    def most_nano_usd(self, usage: Usage, model: str, provider: str, terms: Terms) -> int | None:
        """Return the most that a call costs that uses no more than *usage*, in 10^-9 USD.

        Its tokens may turn out to be of the dearest kinds that the model has, and its service tier the standard one.
        """
        most: int | None = None
        for tier in {None, terms.service_tier}:
            cost, prices = self._calculated(usage, model, provider, terms, tier)
            if cost is None:
                continue
            worst = dearest(usage, prices)
            if worst is not None:
                cost = max(cost, self._calculated(worst, model, provider, terms, tier).nano_usd or 0)
            most = cost if most is None else max(most, cost)
        return most

    def _calculated(
        self, usage: Usage, model: str, provider: str, terms: Terms, tier: str | None
    ) -> "_Calculated":
        found = self._find(model, provider)
        if found is None:
            return _UNKNOWN
        units = units_of(usage)
        try:
            with localcontext(_DECIMAL):
                calculation = found.model.calc_price(
                    self._module.Usage(**{**_NONE, **units}),
                    found.provider,
                    genai_request_timestamp=datetime.fromtimestamp(
                        time.time() if terms.at is None else terms.at, UTC
                    ),
                    price_context=terms.context(tier) or None,
                )
                if not is_priced(calculation.model_price, units):
                    return _UNKNOWN
                return _Calculated(min(round(calculation.total_price * NANO), MOST), calculation.model_price)
        except Exception:  # noqa: BLE001 - a failed calculation means an unknown price, and never fails a call
            return _UNKNOWN

    def _find(self, model: str, provider: str) -> "_Model | None":
        if self._module is None:
            self.load()
            return None
        known = self._looked_up()
        found = known.models.get((model, provider), ...)
        if found is ...:
            found = _kept(known.models, (model, provider), _look_up(known.snapshot, model, provider))
        return found

    def _looked_up(self) -> "_LookUps":
        """Return what was looked up in the library's current prices, which it may replace at any time."""
        snapshot = self._module.data_snapshot.get_snapshot()
        found = self._found
        if found is None or found.snapshot is not snapshot:
            found = self._found = _LookUps(snapshot, {}, {})
        return found


class _Model(NamedTuple):
    """A model of the library, and the provider that it is asked at."""

    model: Any
    provider: Any


class _LookUps(NamedTuple):
    """Look-ups in one version of the library's prices."""

    snapshot: Any
    providers: dict[str, str | None]
    models: dict[tuple[str, str], _Model | None]


class _Calculated(NamedTuple):
    """A cost, `None` where it is unknown, and the prices that it was calculated by."""

    nano_usd: int | None
    prices: Any


_UNKNOWN = _Calculated(None, None)


def _kept(known: dict[K, T], key: K, value: T) -> T:
    """Keep what was found under a name that may come from a caller."""
    if len(known) >= _KEPT:
        known.clear()
    known[key] = value
    return value


def _look_up(snapshot: Any, model: str, provider: str) -> _Model | None:
    try:
        if provider == "litellm":  # its model names begin with the provider
            return _Model(*reversed(snapshot.find_provider_model(model, None, provider, None)))
        seller = snapshot.find_provider(None, provider, None)
    except LookupError:
        return None
    found = seller.find_model(model, all_providers=snapshot.providers)
    return None if found is None else _Model(found, seller)


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
library: PerProcess[PriceLibrary] = PerProcess(
    PriceLibrary, lambda parent: parent if parent.is_loaded else PriceLibrary()
)
