"""Measurements of a call: its duration, tokens, the first chunk of its stream and its cost."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ...._call.usage import Usage
from ..conventions import COST, DURATION, FIRST_CHUNK, PER_CHUNK, RENAMED, TOKENS, Version
from .instruments import Instruments
from .operations import EMBEDDINGS, INFERENCE

_NANO = 1_000_000_000
_MODALITIES = ("audio", "image")


class Measured(NamedTuple):
    """Measurable facts of a call.

    Attributes:
        operation: The name of its operation.
        seconds: How long it took, a stream to its end.
        usage: The tokens that its answer reports, where it does.
        first: Seconds to the first event of a stream.
        nano_usd: What it cost in 10^-9 USD, where that is known.
    """

    operation: str
    seconds: float
    usage: Usage | None
    first: float | None
    nano_usd: int | None


def measure(otel: Instruments, version: Version, call: Measured, attributes: Mapping[str, Any]) -> None:
    """Record the measurements of a call that has ended."""
    if call.nano_usd:
        otel.counters[COST].add(call.nano_usd / _NANO, attributes)
    if version == "latest":
        _measure_latest(otel, call, attributes)
        return
    histograms = otel.histograms
    histograms[DURATION].record(call.seconds, attributes)
    if call.usage is not None:
        for kind, count in (("input", call.usage.input), ("output", call.usage.output)):
            if kind == "input" or call.operation != EMBEDDINGS:
                histograms[TOKENS].record(count, {**attributes, "gen_ai.token.type": kind})
    if call.first is not None and version == "1.41":
        histograms[FIRST_CHUNK].record(call.first, attributes)


def pace_of(otel: Instruments, version: Version, operation: str) -> Any:
    """Return the histogram of the time between two events; `None` where the version has none for an operation."""
    if version == "1.41":
        return otel.histograms[PER_CHUNK]
    if version == "latest" and operation in INFERENCE:
        return otel.histograms[RENAMED[PER_CHUNK][0]]
    return None


def _measure_latest(otel: Instruments, call: Measured, attributes: Mapping[str, Any]) -> None:
    """Record what the newest conventions have for each kind of operation."""
    histograms = otel.histograms
    if call.operation == EMBEDDINGS:
        histograms["gen_ai.client.embeddings.duration"].record(call.seconds, attributes)
        if call.usage is not None:
            histograms["gen_ai.client.embeddings.operation.input_tokens"].record(call.usage.input, attributes)
        return
    if call.operation not in INFERENCE:
        histograms[DURATION].record(call.seconds, attributes)
        return
    inference = "gen_ai.client.inference"
    histograms[f"{inference}.duration"].record(call.seconds, attributes)
    if call.first is not None:
        histograms[f"{inference}.time_to_first_chunk"].record(call.first, attributes)
    usage = call.usage
    for kind, modality, count in _spent(usage):
        counter = otel.counters[f"{inference}.usage.{kind}_tokens"]
        counter.add(count, {**attributes, "gen_ai.token.modality": modality})
    if usage is not None:
        for kind, count in (("input", usage.input), ("output", usage.output)):
            histograms[f"{inference}.operation.{kind}_tokens"].record(count, attributes)


def _spent(usage: Usage | None) -> Iterator[tuple[str, str, int]]:
    """Yield the tokens of a call by kind and modality; 0 of an unknown one where its answer reports none."""
    if usage is None:
        yield from (("input", "unknown", 0), ("output", "unknown", 0))
        return
    for kind, count in (("input", usage.input), ("output", usage.output)):
        rest = count
        for modality in _MODALITIES:
            if part := getattr(usage, f"{modality}_{kind}"):
                yield kind, modality, part
                rest -= part
        if rest > 0 or rest == count:
            yield kind, "unknown", rest
    for kind, count in (
        ("cache_read.input", usage.cached),
        ("cache_write.input", usage.cache_written),
        ("reasoning.output", usage.reasoning),
    ):
        if count:
            yield kind, "unknown", count
