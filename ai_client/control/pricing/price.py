"""The price of a model as an application sets it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace

from ..._call.record import NANO
from ..._call.usage import MOST_TOKENS, Usage
from ...stores.base import MOST
from ..options.amounts import check_amounts
from .units import is_plain, units_of

_TIERS = "service_tiers"
_INPUTS = {
    "cached_input": "cache_read_tokens",
    "cache_write": "cache_write_tokens",
    "audio_input": "input_audio_tokens",
    "image_input": "input_image_tokens",
}
_OUTPUTS = {"audio_output": "output_audio_tokens", "image_output": "output_image_tokens"}
"""The unit that a part's price counts, in place of all tokens on that side."""
_CACHED = {
    "cached_audio": ("audio_input", "cache_audio_read_tokens"),
    "cached_image": ("image_input", "cache_image_read_tokens"),
}
"""The price without the cache, and the unit, of parts that are cached and something else besides."""


@dataclass(frozen=True, slots=True)
class Price:
    """The price of a model in USD per million tokens; a part without its own price is charged at the base price.

    Attributes:
        input, output: USD per million tokens of the prompt, and of the answer.
        cached_input, cache_write: USD per million tokens that the provider's prompt cache had, and that it took; by
            default as `input`.
        audio_input, audio_output, image_input, image_output: USD per million tokens of sound, and of images; by default
            as `input` and `output`.
        cached_audio, cached_image: USD per million tokens of sound, and of images, that the cache had; by default as
            those that it had not.
        request: USD per call, in addition to its tokens.
        minute: USD per minute of transcribed audio, instead of tokens.
        characters: USD per million characters spoken, instead of tokens.
        image: USD per image, where no tokens are reported for it.
        service_tiers: Factors by which tokens are dearer or cheaper at a service tier, such as
            `{"priority": 2, "flex": 0.5}`; 1 at all others.
    """

    input: float = 0.0
    output: float = 0.0
    cached_input: float | None = None
    cache_write: float | None = None
    audio_input: float | None = None
    audio_output: float | None = None
    image_input: float | None = None
    image_output: float | None = None
    cached_audio: float | None = None
    cached_image: float | None = None
    request: float = 0.0
    minute: float | None = None
    characters: float | None = None
    image: float | None = None
    service_tiers: Mapping[str, float] = field(default_factory=dict[str, float])
    _parts: Sequence[tuple[str, float]] = field(init=False, repr=False, compare=False)
    _most: tuple[float, float] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        amounts = self._amounts()
        check_amounts("price", above_zero=False, **amounts)
        check_amounts("price: service_tiers", above_zero=False, **self.service_tiers)
        given = {name: price for name, price in amounts.items() if price is not None}
        inputs = {unit: given[name] for name, unit in _INPUTS.items() if name in given}
        outputs = {unit: given[name] for name, unit in _OUTPUTS.items() if name in given}
        parts = {unit: price - self.input for unit, price in inputs.items()}
        parts |= {unit: price - self.output for unit, price in outputs.items()}
        cached = self.input if self.cached_input is None else self.cached_input
        for name, (whole, unit) in _CACHED.items():
            plain = given.get(whole, self.input)
            price = given.get(name, plain if whole in given else cached)
            parts[unit] = price - (plain + cached - self.input)  # what the two parts make of it
            inputs[unit] = price
        object.__setattr__(self, "_parts", [(unit, more) for unit, more in parts.items() if more])
        object.__setattr__(
            self, "_most", (max(self.input, *inputs.values()), max(self.output, 0.0, *outputs.values()))
        )

    def nano_usd(self, usage: Usage, tier: str | None = None) -> int | None:
        """Return the cost of a call at a service tier in 10^-9 USD; `None` where what it used has no price."""
        if is_plain(usage) and not usage.images and usage.input + usage.output <= MOST_TOKENS:
            total = usage.input * self.input + usage.output * self.output
        elif usage.has_media:
            return self._of_media(usage, tier)
        else:
            units = units_of(usage)
            total = units["input_tokens"] * self.input + units["output_tokens"] * self.output
            for unit, more in self._parts:
                total += units.get(unit, 0) * more
        if tier is not None and tier in self.service_tiers:
            total *= self.service_tiers[tier]
        return round((total + self.request * 1e6) * 1000)

    def of_text(self, usage: Usage) -> int:
        """Return the same for tokens of text alone, of which no part has a price of its own."""
        return round((usage.input * self.input + usage.output * self.output + self.request * 1e6) * 1000)

    @property
    def flat(self) -> int | None:
        """The cost of a call in 10^-9 USD where it does not depend on what the call used."""
        depends = any(amount for name, amount in self._amounts().items() if name != "request")
        return round(self.request * NANO) if self.request and not depends else None

    def most_nano_usd(self, usage: Usage, tier: str | None = None) -> int | None:
        """Return the most that a call costs that uses no more than *usage* and asks for a service tier.

        Its tokens may turn out to be of any kind, and the tier the standard one.
        """
        factor = 1.0 if tier is None else max(1.0, self.service_tiers.get(tier, 1.0))
        if usage.has_media:
            return self.nano_usd(usage, tier if factor > 1 else None)
        into, out = self._most
        tokens = min(usage.input, MOST) * into + min(usage.output, MOST) * out
        return round((tokens * factor + self.request * 1e6) * 1000)

    def _amounts(self) -> dict[str, float | None]:
        return {one.name: getattr(self, one.name) for one in fields(self) if one.init and one.name != _TIERS}

    def _of_media(self, usage: Usage, tier: str | None) -> int | None:
        for amount, price, unit in (
            (usage.seconds, self.minute, 60),
            (usage.characters, self.characters, 1_000_000),
            (usage.images, self.image, 1),
        ):
            if amount and price is not None:
                return round((amount * price / unit + self.request) * 1e9)
        if not usage.total or not (self.input or self.output):
            return None
        return self.nano_usd(replace(usage, seconds=0.0, characters=0, images=0), tier)
