"""Prices of models: those set by the application first, then those of the genai-prices library."""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from importlib import import_module
from operator import attrgetter
from typing import Any, cast

from ..._call.usage import Usage
from ..._fork import PerProcess
from ..._io import IO
from ...errors import ConfigError
from ...stores.base import MOST
from ..options.amounts import check_amounts

_PROBE = 100_000
_LOAD_TIMEOUT = 10.0
"""Seconds that a call waits for the library to load."""
_PARTS = (
    ("cached_input", "input", "cached"),
    ("cache_write", "input", "cache_written"),
    ("audio_input", "input", "audio_input"),
    ("image_input", "input", "image_input"),
    ("audio_output", "output", "audio_output"),
    ("image_output", "output", "image_output"),
)
"""Price of a part, the base price that it replaces, and the attribute of `Usage` that counts the part."""

logger = logging.getLogger("ai_client")


@dataclass(frozen=True, slots=True)
class Price:
    """The price of a model in USD per million tokens; a part without its own price is charged at the base price.

    Attributes:
        input, output: Input and output tokens.
        cached_input, cache_write: Input tokens read from, and written to, the provider's prompt cache.
        audio_input, audio_output, image_input, image_output: Audio and image tokens.
        request: USD per call, in addition to its tokens.
        minute: USD per minute of transcribed audio, instead of tokens.
        characters: USD per million spoken characters, instead of tokens.
        image: USD per image, where no tokens are reported for it.
    """

    input: float = 0.0
    output: float = 0.0
    cached_input: float | None = None
    cache_write: float | None = None
    audio_input: float | None = None
    audio_output: float | None = None
    image_input: float | None = None
    image_output: float | None = None
    request: float = 0.0
    minute: float | None = None
    characters: float | None = None
    image: float | None = None
    _parts: Sequence[tuple[Callable[[Usage], int], float]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        amounts = {one.name: getattr(self, one.name) for one in fields(self) if one.init}
        check_amounts("price", above_zero=False, **amounts)
        parts = [
            (attrgetter(part), price - getattr(self, base))
            for name, base, part in _PARTS
            if (price := getattr(self, name)) is not None
        ]
        object.__setattr__(self, "_parts", parts)

    def of_tokens(self, into: int, out: int) -> int:
        """Return the cost of a call in 10^-9 USD, by its input and output tokens."""
        try:
            return round((into * self.input + out * self.output + self.request * 1e6) * 1000)
        except OverflowError:  # a caller may request any number of tokens
            return MOST

    def nano_usd(self, usage: Usage) -> int | None:
        """Return the cost of a call in 10^-9 USD; `None` where what it used has no price."""
        if usage.seconds or usage.characters or usage.images:
            return self._of_media(usage)
        total = usage.input * self.input + usage.output * self.output + self.request * 1e6
        for tokens, more in self._parts:
            total += tokens(usage) * more
        return round(total * 1000)

    def _of_media(self, usage: Usage) -> int | None:
        for amount, price, unit in (
            (usage.seconds, self.minute, 60),
            (usage.characters, self.characters, 1_000_000),
            (usage.images, self.image, 1),
        ):
            if amount and price is not None:
                return round((amount * price / unit + self.request) * 1e9)
        if not usage.total or not (self.input or self.output):
            return None
        return self.nano_usd(replace(usage, seconds=0.0, characters=0, images=0))


class _Table:
    """The prices of the genai-prices library, read once per model."""

    def __init__(self) -> None:
        self.is_loaded = False
        self._lock = threading.Lock()
        self.started = False
        self._module: Any = None
        self._known: dict[tuple[str, str | None], tuple[Price | None, int | None]] = {}

    def load(self) -> None:
        """Start loading the library in a thread; that takes about 0.1 s."""
        if self.started:
            return
        with self._lock:
            if not self.started:
                self.started = True
                threading.Thread(target=self._load, name="ai-client-prices", daemon=True).start()

    async def loaded(self, io: IO) -> None:
        """Wait until the library is loaded, or `_LOAD_TIMEOUT` has passed."""
        self.load()
        give_up = time.monotonic() + _LOAD_TIMEOUT
        while not self.is_loaded:
            if time.monotonic() > give_up:
                logger.warning("The genai-prices library did not load in time; its prices are unknown.")
                self.is_loaded = True
            await io.sleep(0.005)

    def _load(self) -> None:
        try:
            self._module = import_module("genai_prices")
            self.price("gpt-4o", "openai")  # its tables are parsed on first use
        except ImportError:
            logger.info("No genai-prices library (extra `prices`): only prices given as options are known.")
        except Exception:
            logger.exception("The genai-prices library could not be used; its prices are unknown.")
        finally:
            self.is_loaded = True

    def nano_usd(self, model: str, provider: str | None, usage: Usage) -> int | None:
        price, tier = self._find(model, provider)
        if price is None:
            return None
        if tier is None or usage.input < tier:
            return price.nano_usd(usage)
        return self._calculate(model, provider, usage)

    def price(self, model: str, provider: str | None) -> Price | None:
        return self._find(model, provider)[0]

    def _find(self, model: str, provider: str | None) -> tuple[Price | None, int | None]:
        if self._module is None:
            self.load()
            return None, None
        key = (model, provider)
        if key not in self._known:
            if len(self._known) > 1000:  # noqa: PLR2004 - names come from callers: bounded
                self._known.clear()
            self._known[key] = self._read(model, provider)
        return self._known[key]

    def _read(self, model: str, provider: str | None) -> tuple[Price | None, int | None]:
        """Derive the price per million tokens of each kind from the cost of a sample."""

        def ask(**tokens: int) -> float | None:
            nano = self._ask(model, provider, tokens)
            return None if nano is None else nano / _PROBE / 1000

        into = ask(input_tokens=_PROBE)
        out = ask(output_tokens=_PROBE)
        characters = ask(input_characters=_PROBE) or None
        hour = self._ask(model, provider, {"audio_seconds": 3600})
        if not (into or out or characters or hour):
            return None, None
        price = Price(
            into or 0.0,
            out or 0.0,
            cached_input=ask(input_tokens=_PROBE, cache_read_tokens=_PROBE),
            cache_write=ask(input_tokens=_PROBE, cache_write_tokens=_PROBE),
            audio_input=ask(input_tokens=_PROBE, input_audio_tokens=_PROBE),
            audio_output=ask(output_tokens=_PROBE, output_audio_tokens=_PROBE),
            image_input=ask(input_tokens=_PROBE, input_image_tokens=_PROBE),
            image_output=ask(output_tokens=_PROBE, output_image_tokens=_PROBE),
            minute=hour / 60 / 1e9 if hour else None,
            characters=characters,
        )
        return price, self._first_tier(model, provider)

    def _first_tier(self, model: str, provider: str | None) -> int | None:
        calculation = self._module.calc_price(
            self._module.Usage(input_tokens=1), model_ref=model, provider_id=provider
        )
        parts = cast("dict[str, Any]", vars(calculation.model_price))
        starts = [tier.start for part in parts.values() for tier in getattr(part, "tiers", ())]
        return min(starts, default=None)

    def _calculate(self, model: str, provider: str | None, usage: Usage) -> int | None:
        tokens = {
            "input_tokens": usage.input,
            "output_tokens": usage.output,
            "cache_read_tokens": usage.cached,
            "cache_write_tokens": usage.cache_written,
            "input_audio_tokens": usage.audio_input,
            "output_audio_tokens": usage.audio_output,
        }
        nano = self._ask(model, provider, {name: count for name, count in tokens.items() if count})
        return None if nano is None else round(nano)

    def _ask(self, model: str, provider: str | None, tokens: Mapping[str, int]) -> float | None:
        try:
            usage = self._module.Usage(**tokens)
            calculation = self._module.calc_price(usage, model_ref=model, provider_id=provider)
            return float(calculation.total_price) * 1e9
        except Exception:  # noqa: BLE001 - a failed lookup means an unknown price, and never fails a call
            return None


# A child forked while the library was loading starts over: the loading thread does not exist in it.
_table: PerProcess[_Table] = PerProcess(_Table, lambda parent: parent if parent.is_loaded else _Table())


@dataclass(frozen=True)
class Prices:
    """The prices of models.

    Args:
        models: Prices by model, which override the library's: `Price`, or a mapping of its attributes.
        provider: The provider whose prices apply, by the library's id (`openai`, `azure`, ...); by default any
            that
            has the model.
        library: Whether to use the genai-prices library.
    """

    models: Mapping[str, Price | Mapping[str, float]] = field(default_factory=dict[str, Any])
    provider: str | None = None
    library: bool = True
    _given: dict[str, Price] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        given: dict[str, Price] = {}
        for model, price in self.models.items():
            try:
                given[model] = price if isinstance(price, Price) else Price(**price)
            except TypeError:
                known = ", ".join(one.name for one in fields(Price) if one.init)
                raise ConfigError(f"prices.{model}: a price has the members {known}, in USD.") from None
        object.__setattr__(self, "_given", given)

    def warm(self) -> None:
        """Start loading the library, so that no call has to wait for it."""
        if self.library and not _table().started:
            _table().load()

    @property
    def is_ready(self) -> bool:
        """Whether the library is loaded or not used."""
        return _table().is_loaded or not self.library

    async def ready(self, io: IO) -> None:
        """Wait until the library is loaded; only the first calls of a process ever wait."""
        if not self.is_ready:
            await _table().loaded(io)

    def of_tokens(self, into: int, out: int, model: str | None) -> int | None:
        """Return the cost in 10^-9 USD of input and output tokens; `None` where the model has no price."""
        price = None if model is None else self._given.get(model)
        if price is None:
            return self.nano_usd(Usage("estimated", into, out), model)
        return price.of_tokens(into, out)

    def nano_usd(self, usage: Usage, model: str | None, asked: str | None = None) -> int | None:
        """Return the cost of *usage* in 10^-9 USD; `None` where there is no price.

        Args:
            usage: The usage.
            model: The model, by the server's name for it where that is known.
            asked: The model, by the name that the application requested; a configured price for it takes
                precedence.
        """
        if usage.source == "unknown":
            return None
        given = self._given
        if asked in given:
            return given[asked].nano_usd(usage)
        if model in given:
            return given[model].nano_usd(usage)
        if self.library:
            for name in (model, asked):
                if name and (cost := _table().nano_usd(name, self.provider, usage)) is not None:
                    return cost
        return None
