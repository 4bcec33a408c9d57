"""Tokens of an image in a prompt, by the published rules of the models that see it."""

import re
from functools import lru_cache
from typing import NamedTuple, Protocol

from .image_size import Pixels

MEDIA_TOKENS = 1500
"""Likely tokens of an image or file of unknown size."""
_AT_MOST_SEEN = Pixels(2048, 2048)
_PERCENT = 100


class _Count(Protocol):
    """How a family of models counts an image."""

    def most(self, pixels: Pixels | None, detail: str) -> int:
        """Return the most tokens of an image of that size, or of any size where it is unknown."""
        ...


class _Tiles(NamedTuple):
    """Tokens by tiles of 512 pixels, of an image scaled down to 2048 pixels and to 768 of its shorter side."""

    base: int
    tile: int

    def most(self, pixels: Pixels | None, detail: str) -> int:
        if detail == "low":
            return self.base
        width, height = pixels or _AT_MOST_SEEN
        if pixels is None:
            return self.base + 8 * self.tile
        long, short = max(width, height), min(width, height)
        # the scale as a fraction: the least of 1, 2048 / long and 768 / short
        up, down = min(((1, 1), (2048, long), (768, short)), key=lambda scale: scale[0] / scale[1])
        return self.base + self.tile * -(-long * up // (512 * down)) * -(-short * up // (512 * down))


class _Patches(NamedTuple):
    """Tokens by patches, of an image scaled down to a number of them.

    Attributes:
        percent: Tokens for 100 patches.
        budget: The most patches at high detail.
        original: The most patches at original detail, which `auto` may mean.
        side: Pixels of a patch's side.
        base: Tokens of every image beside its patches.
    """

    percent: int
    budget: int
    original: int = 0
    side: int = 32
    base: int = 0

    def most(self, pixels: Pixels | None, detail: str) -> int:
        budget = self.budget if detail in {"low", "high"} else max(self.budget, self.original)
        count = budget
        if pixels is not None:
            count = min(budget, -(-pixels.width // self.side) * -(-pixels.height // self.side))
        return self.base - (-count * self.percent // _PERCENT)


class _Flat(NamedTuple):
    """The same tokens for every image."""

    tokens: int

    def most(self, pixels: Pixels | None, detail: str) -> int:
        del pixels, detail
        return self.tokens


_USUAL = _Tiles(85, 170)
_OPENAI: tuple[tuple[str, tuple[_Count, ...]], ...] = (
    (r"gpt-4o-mini", (_Tiles(2833, 5667),)),
    (r"gpt-4\.1-mini", (_Patches(162, 1536),)),
    (r"gpt-4\.1-nano", (_Patches(246, 1536),)),
    (r"(?:chat)?gpt-4", (_USUAL,)),
    (r"o4-mini|codex-mini", (_Patches(172, 1536),)),
    (r"o[13]\b", (_Tiles(75, 150),)),
    (r"computer-use", (_Tiles(65, 129),)),
    (r"gpt-5-mini", (_Patches(162, 1536),)),
    (r"gpt-5-nano", (_Patches(246, 1536),)),
    (r"gpt-5(?:$|-)", (_Tiles(70, 140),)),
    (r"gpt-5\.1(?:$|-)", (_Tiles(70, 140), _Patches(162, 1536))),
    (r"gpt-5\.[23]\b", (_Patches(162, 2500),)),
    (r"gpt-5\.\d+-nano", (_Patches(246, 2500, 10_000),)),
    (r"gpt-5\.\d+-mini", (_Patches(162, 2500, 10_000),)),
    (r"gpt-5\.\d+", (_Patches(120, 2500, 10_000),)),
    (r"gpt-[6-9](?:\.\d+)?-nano", (_Patches(246, 2500, 36_000),)),
    (r"gpt-[6-9](?:\.\d+)?-mini", (_Patches(162, 2500, 36_000),)),
    (r"gpt-[6-9]", (_Patches(120, 2500, 36_000),)),
)
"""Rules of OpenAI's models by the beginning of their names, as documented, or as measured where that is more."""
_OTHERS: tuple[tuple[str, tuple[_Count, ...]], ...] = (
    (r"claude", (_Patches(100, 5000, side=28, base=80),)),
    (r"gemini|gemma", (_Flat(4128),)),
    (
        r"qwen|llama|mistral|pixtral|ministral|magistral|grok|glm|kimi|deepseek|internvl|phi-|nova-",
        (_Patches(102, 16_384, side=16),),
    ),
)
"""Rules that bound those of other providers, by a word in the names of their models."""
_ANY: tuple[_Count, ...] = (_Tiles(2833, 5667), _Patches(120, 2500, 36_000))


def image_tokens(model: object, pixels: Pixels | None, detail: object) -> tuple[int, int]:
    """Return the likely tokens of an image in a prompt, and the most that it may have.

    Args:
        model: The model that sees it; for a name without a known rule, such as that of a deployment, the dearest rule
            gives the most.
        pixels: Its size; `None` where that is unknown, as of an image at an address.
        detail: `low`, `high`, `original` or `auto`, as in the request.
    """
    rules = _rules_of(model if isinstance(model, str) else "")
    said = detail if isinstance(detail, str) else "auto"
    most = max(rule.most(pixels, said) for rule in rules)
    if pixels is None:
        likely = MEDIA_TOKENS
    elif rules is _ANY:
        likely = _USUAL.most(pixels, said)
    else:
        likely = most
    return min(likely, most), most


@lru_cache(maxsize=256)
def _rules_of(model: str) -> tuple[_Count, ...]:
    name = model.lower().removeprefix("ft:").rpartition("/")[2]
    for pattern, rules in _OPENAI:
        if re.match(pattern, name):
            return rules
    return next((rules for pattern, rules in _OTHERS if re.search(pattern, name)), _ANY)
