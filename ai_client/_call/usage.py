"""Tokens of a call, as an answer reports them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

Source = Literal["reported", "estimated", "unknown"]
SOURCES: tuple[Source, ...] = get_args(Source)


@dataclass(slots=True)
class Usage:
    """Tokens of one call; the parts are contained in the sums.

    Attributes:
        source: Whether the API `reported` them, or they are `estimated` or `unknown`; then they are not zero but
            `None` in all that is shown.
        input, output: All tokens that went in and came out.
        model: The model that says it answered.
        cached, cache_written: Input tokens that were read from, or written to, the provider's prompt cache.
        reasoning: Output tokens spent on reasoning.
        audio_input, audio_output: Audio tokens.
        image_input, image_output: Image tokens.
        seconds: Length of transcribed audio, if it is billed by time.
        characters: Length of the spoken text.
        images: Number of generated images, if no tokens are reported for them.
        cached_audio, cached_image: Audio and image tokens among those read from the cache.
        citations: Output tokens of citations.
        web_searches, file_searches, code_runs: Calls of tools that the provider ran.
        service_tier: The tier that says it served the call.
        nano_usd: The cost in 10^-9 USD, if the answer reports one.
        answers: The usage of each answer of a session, of which this is the sum.
    """

    source: Source
    input: int = 0
    output: int = 0
    model: str | None = None
    cached: int = 0
    cache_written: int = 0
    reasoning: int = 0
    audio_input: int = 0
    audio_output: int = 0
    image_input: int = 0
    image_output: int = 0
    seconds: float = 0.0
    characters: int = 0
    images: int = 0
    cached_audio: int = 0
    cached_image: int = 0
    citations: int = 0
    web_searches: int = 0
    file_searches: int = 0
    code_runs: int = 0
    service_tier: str | None = None
    nano_usd: int | None = None
    answers: "Sequence[Usage]" = ()

    @property
    def total(self) -> int:
        """Tokens in and out."""
        return self.input + self.output

    @property
    def is_empty(self) -> bool:
        """Whether all counts are zero, which no answer can be: the server does not know its usage."""
        return not (self.input or self.output or self.has_media)

    @property
    def has_media(self) -> bool:
        """Whether anything but tokens was counted."""
        return bool(self.seconds or self.characters or self.images)


UNKNOWN = Usage("unknown")


class Meter(Protocol):
    """Meter of an answer that is read in pieces: a stream, an unread body or a session."""

    def usage(self) -> Usage:
        """Return the usage so far, and set it on the call's record."""
        ...


MOST_TOKENS = 10**9
MOST_SECONDS = 10.0**7
"""Upper bound of a plausible count; a reported count above it, or below 0, is unknown."""
