"""Entries of the journal, made of calls that ended: small summaries as JSON, and content apart."""

import logging
import os
import secrets
import time
from collections.abc import Sequence
from itertools import count
from typing import Any

from pydantic_core import to_json

from ..._call.labels import storable
from ..._call.record import NANO
from ..._call.trace import TracedAttempt
from ..._fork import PerProcess
from ...stores.log import MARKS, LogEntry
from ..observability.redaction.policy import Redaction
from .content import packed
from .ended import Ended

_LONGEST = 256
_LONGEST_MESSAGE = 2000
_MICRO = 1_000_000
_NO_MARKS: dict[str, str] = dict.fromkeys(MARKS, "")
_series = PerProcess(lambda: (secrets.token_hex(4), count(1)))

logger = logging.getLogger("ai_client")


def id_at(moment: float) -> str:
    """Return the beginning of the ids of calls that end at a moment, in seconds since 1970: text in their order."""
    return f"{max(0, int(moment * _MICRO)):013x}"


def _new_id(moment: float) -> str:
    process, numbers = _series()
    return f"{id_at(moment)}{process}{next(numbers) & 0xFFFFF:05x}"


def entries_of(calls: Sequence[Ended], left_out: int, *, client: str, redaction: Redaction) -> list[LogEntry]:
    """Return the entries of calls, and one of how many others were left out.

    Args:
        calls: Those that ended, in their order.
        left_out: How many others ended meanwhile.
        client: The alias of their client.
        redaction: What content may show.
    """
    found: list[LogEntry] = []
    for call in calls:
        try:
            found.append(_entry(call, client, redaction))
        except Exception:
            logger.exception("A call could not be written to the journal.")
            left_out += 1
    if left_out:
        now = time.time()
        found.append(LogEntry(_new_id(now), now, _NO_MARKS, b"", left_out=left_out))
    return found


def _entry(call: Ended, client: str, redaction: Redaction) -> LogEntry:
    usage = call.usage if call.usage is not None and call.usage.source != "unknown" else None
    content = None if call.content is None else packed(call.content, redaction)
    endpoint, tenant, user = call.labels
    entry_id, at = _new_id(call.at), round(call.at - call.seconds, 6)  # as a datetime has it
    summary: dict[str, Any] = {
        "id": entry_id,
        "at": at,
        "request": call.request,
        "endpoint": _text(endpoint),
        "tenant": _text(tenant),
        "user": _text(user),
        "client": client,
        "method": _text(call.method),
        "path": _text(call.path),
        "model": _text(call.model),
        "target": _text(call.target),
        "stream": call.stream,
        "outcome": call.outcome,
        "status": call.status,
        "error": call.error,
        "message": _text(call.message, _LONGEST_MESSAGE),
        "cache": call.cache,
        "usage_source": None if call.usage is None else call.usage.source,
        "input_tokens": usage and usage.input,
        "output_tokens": usage and usage.output,
        "cached_tokens": usage and usage.cached,
        "reasoning_tokens": usage and usage.reasoning,
        "usd": None if call.nano_usd is None else call.nano_usd / NANO,
        "nano_usd": call.nano_usd,
        "unpriced": call.unpriced,
        "seconds": _seconds(call.seconds),
        "first_item": _seconds(call.first_item),
        "attempts": [_attempt(one, call.started) for one in call.attempts],
        "request_id": _text(call.request_id),
        "process": f"{os.uname().nodename}:{os.getpid()}",
        "has_content": content is not None,
    }
    asked = summary["model"]
    marks = {
        "endpoint": summary["endpoint"],
        "model": _text(call.target_model) or asked,
        "asked": asked,
        "tenant": summary["tenant"],
        "outcome": call.outcome,
        "error": call.error,
        "request": call.request,
        "cache": call.cache,
    }
    given = {name: value for name, value in summary.items() if value is not None}
    return LogEntry(
        entry_id, at, {name: marks[name] or "" for name in MARKS}, to_json(given, fallback=str), content
    )


def _attempt(attempt: TracedAttempt, started: float) -> dict[str, Any]:
    phases = attempt.phases
    made: dict[str, Any] = {
        "target": _text(attempt.target),
        "number": attempt.number,
        "began": _seconds(max(0.0, phases.began - started)),
        "seconds": _seconds(attempt.seconds),
        "error": attempt.error,
        "status": attempt.status,
        "pause": _seconds(attempt.pause),
        "queue": _seconds(phases.queue),
        "connect": _seconds(phases.connect),
        "send": _seconds(phases.send),
        "first_byte": _seconds(phases.first_byte),
    }
    return {name: value for name, value in made.items() if value is not None}


def _seconds(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def _text(value: str | None, most: int = _LONGEST) -> str | None:
    return None if value is None else text_of(value, most)


def text_of(value: str, most: int = _LONGEST) -> str:
    """Return a text as any store can keep it, bounded."""
    return storable(value)[:most]
