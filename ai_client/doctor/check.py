"""The result of one examination."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Status: TypeAlias = Literal["ok", "warning", "fault", "skipped"]


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one examination; none of it is secret.

    Attributes:
        area: What was examined: `versions`, `configuration`, `network`, `api`, `store`, `process` and others.
        name: The examination within its area.
        status: `fault` where calls fail, `warning` for a risk, `skipped` where it could not be examined.
        message: What was found, in plain words.
        hint: What to do about it; empty where there is nothing to do.
        seconds: How long it took.
        client: The alias of the client that it is about; empty where it is about the process.
        details: The figures and names behind the message, for programs.
    """

    area: str
    name: str
    status: Status
    message: str
    hint: str = ""
    seconds: float = 0.0
    client: str = ""
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])
