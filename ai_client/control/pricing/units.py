"""Usage in the units of the genai-prices library: parts within their sums, and the dearest that they may be."""

from collections.abc import Container, Mapping
from dataclasses import replace
from typing import Any, TypeAlias, cast

from ..._call.usage import Usage
from ...stores.base import MOST

_PRICES = {
    "input_tokens": "input_mtok",
    "cache_read_tokens": "cache_read_mtok",
    "cache_write_tokens": "cache_write_mtok",
    "input_audio_tokens": "input_audio_mtok",
    "cache_audio_read_tokens": "cache_audio_read_mtok",
    "input_image_tokens": "input_image_mtok",
    "cache_image_read_tokens": "cache_image_read_mtok",
    "output_tokens": "output_mtok",
    "output_reasoning_tokens": "output_reasoning_mtok",
    "output_citation_tokens": "output_citation_mtok",
    "output_audio_tokens": "output_audio_mtok",
    "output_image_tokens": "output_image_mtok",
    "audio_seconds": "audio_hours",
    "input_audio_seconds": "input_audio_hours",
    "input_characters": "input_mchars",
    "web_searches": "web_searches_kcount",
    "storage_searches": "storage_searches_kcount",
    "code_executions": "code_executions_kcount",
}
"""The name of a unit's price in the library."""
_OTHERS = {
    "input_characters": "characters",
    "web_searches": "web_searches",
    "storage_searches": "file_searches",
    "code_executions": "code_runs",
}
"""Units that are not part of a sum, and the attributes of `Usage` that count them."""
_INPUTS = {
    "cached": "cache_read_mtok",
    "cache_written": "cache_write_mtok",
    "audio_input": "input_audio_mtok",
    "image_input": "input_image_mtok",
}
_OUTPUTS = {
    "reasoning": "output_reasoning_mtok",
    "citations": "output_citation_mtok",
    "audio_output": "output_audio_mtok",
    "image_output": "output_image_mtok",
}
"""The price of a part of the tokens, by the attribute of `Usage` that counts the part."""


def units_of(usage: Usage) -> dict[str, float]:
    """Return a usage in the library's units, with its parts cut to what their sums allow.

    Where it is not known how many cached tokens are audio or images, they are taken for text as far as possible.
    """
    into, out = usage.input, usage.output
    if into > MOST or out > MOST:
        into, out = min(into, MOST), min(out, MOST)
    units: dict[str, float] = {"input_tokens": into, "output_tokens": out}
    if is_plain(usage):
        return units
    if usage.cached or usage.cache_written or usage.audio_input or usage.image_input:
        _add_inputs(units, usage, into)
    if usage.reasoning or usage.audio_output or usage.image_output or usage.citations:
        sound = min(usage.audio_output, out)
        pictures = min(usage.image_output, out - sound)
        cited = min(usage.citations, out - sound - pictures)
        units["output_audio_tokens"] = sound
        units["output_image_tokens"] = pictures
        units["output_citation_tokens"] = cited
        units["output_reasoning_tokens"] = min(usage.reasoning, out - sound - pictures - cited)
    if usage.seconds:
        units["audio_seconds"] = units["input_audio_seconds"] = usage.seconds
    if usage.characters or usage.web_searches or usage.file_searches or usage.code_runs:
        units |= {name: count for name, part in _OTHERS.items() if (count := getattr(usage, part))}
    return units


def is_plain(usage: Usage) -> bool:
    """Return whether a usage has no other units than tokens in and out, of which no part has a price of its own."""
    return not (
        usage.cached
        or usage.cache_written
        or usage.audio_input
        or usage.image_input
        or usage.reasoning
        or usage.audio_output
        or usage.image_output
        or usage.citations
        or usage.seconds
        or usage.characters
        or usage.web_searches
        or usage.file_searches
        or usage.code_runs
    )


def _add_inputs(units: dict[str, float], usage: Usage, into: int) -> None:
    sound = min(usage.audio_input, into)
    pictures = min(usage.image_input, into - sound)
    text = into - sound - pictures
    cached = min(usage.cached, into)
    written = min(usage.cache_written, into - cached)
    of_sound = min(usage.cached_audio, sound, cached)
    of_pictures = min(usage.cached_image, pictures, cached - of_sound)
    of_text = min(text, cached - of_sound - of_pictures)
    beyond = cached - of_sound - of_pictures - of_text
    more = min(beyond, sound - of_sound)
    of_sound, of_pictures = of_sound + more, of_pictures + beyond - more
    new_sound = min(sound - of_sound, max(0, written - (text - of_text)))
    units["input_audio_tokens"] = sound
    units["input_image_tokens"] = pictures
    units["cache_read_tokens"] = cached
    units["cache_audio_read_tokens"] = of_sound
    units["cache_image_read_tokens"] = of_pictures
    if written:
        units["cache_write_tokens"] = written
        units["cache_audio_write_tokens"] = new_sound
        units["cache_image_write_tokens"] = max(0, written - (text - of_text) - new_sound)


def names_of_prices(prices: Any) -> frozenset[str] | None:
    """Return the names of the prices that a model has; `None` where it costs the same whatever is used of it."""
    given = cast("dict[str, Any]", vars(prices))
    names = frozenset(name for name, price in given.items() if price is not None)
    return None if not names or "requests_kcount" in names else names


def is_priced(names: Container[str], units: Mapping[str, float]) -> bool:
    """Return whether the prices with these names cover any of what was used."""
    return any(count and _PRICES.get(unit, "") in names for unit, count in units.items())


Dearest: TypeAlias = tuple[str | None, str | None]
"""The kinds of tokens in and out that cost most, by the attributes of `Usage`; `None` where those are plain ones."""


def dearest_kinds(prices: Any) -> Dearest:
    """Return the dearest kinds of tokens by a model's prices."""
    return _dearest(_INPUTS, "input_mtok", prices), _dearest(_OUTPUTS, "output_mtok", prices)


def dearest(usage: Usage, kinds: Dearest) -> Usage | None:
    """Return *usage* with its tokens taken for the dearest kinds; `None` where plain tokens are the dearest."""
    into, out = kinds
    if into is None and out is None:
        return None
    parts: dict[str, Any] = {}
    if into is not None:
        parts |= {**dict.fromkeys(_INPUTS, 0), "cached_audio": 0, "cached_image": 0, into: usage.input}
    if out is not None:
        parts |= {**dict.fromkeys(_OUTPUTS, 0), out: usage.output}
    return replace(usage, **parts)


def _dearest(parts: Mapping[str, str], base: str, prices: Any) -> str | None:
    """Return the part with the highest price, `None` where that is the *base* price."""
    found, most = None, _amount(prices, base)
    for part, name in parts.items():
        if (amount := _amount(prices, name)) > most:
            found, most = part, amount
    return found


def _amount(prices: Any, name: str) -> Any:
    """Return a price in USD, that of the longest prompts where it depends on their length; 0 where there is none."""
    price: Any = cast("dict[str, Any]", vars(prices)).get(name)
    tiers: list[Any] = getattr(price, "tiers", [])
    return max([getattr(price, "base", price), *(tier.price for tier in tiers)]) if price is not None else 0
