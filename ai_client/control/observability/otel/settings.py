"""The options of `Telemetry` as its parts need them."""

from collections.abc import Mapping
from typing import NamedTuple

from ..conventions import Version
from ..redaction.policy import Redaction


class TelemetrySettings(NamedTuple):
    """The options of a policy.

    Attributes:
        version: The version of the conventions.
        changes: Attributes that it calls otherwise or (`None`) does not define.
        redaction: What spans may show.
        provider: The provider, or providers by the beginning of the address, as the application names them.
        http_spans: Whether an instrumented HTTP library makes its own spans.
        chunk_times: Whether the time between the events of a stream is measured.
        max_content: Bytes of the largest attribute with content.
    """

    version: Version
    changes: Mapping[str, str | None]
    redaction: Redaction
    provider: str | Mapping[str, str] | None
    http_spans: bool
    chunk_times: bool
    max_content: int
