"""The text formats of Prometheus: its own, and OpenMetrics where a scraper asks for that."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from fractions import Fraction

from .families import Family
from .samples import Amount, Labels, Sample

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPEN_METRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
_ESCAPED = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})
_ESCAPED_IN_HELP = str.maketrans({"\\": r"\\", "\n": r"\n"})


def as_text(found: Iterable[tuple[Family, list[Sample]]], *, open_metrics: bool = False) -> str:
    """Return the samples of instruments in the format of Prometheus, or in OpenMetrics."""
    lines: list[str] = []
    for family, samples in found:
        name = family.name.removesuffix("_total") if open_metrics else family.name
        lines.append(f"# HELP {name} {family.about.translate(_ESCAPED_IN_HELP)}")
        lines.append(f"# TYPE {name} {family.kind}")
        lines += _lines(family.name, samples)
    if open_metrics:
        lines.append("# EOF")
    return "".join(f"{line}\n" for line in lines)


def _lines(name: str, samples: Iterable[Sample]) -> Iterator[str]:
    for sample in samples:
        yield f"{name}{sample.suffix}{_labels(sample.labels)} {_number(sample.value)}"


def _labels(labels: Labels) -> str:
    shown = ",".join(f'{name}="{value.translate(_ESCAPED)}"' for name, value in labels if value)
    return f"{{{shown}}}" if shown else ""


def _number(value: Amount) -> str:
    if isinstance(value, Fraction):
        if value.denominator == 1:
            return str(value.numerator)
        return format(Decimal(value.numerator) / value.denominator, "f")
    return str(value)
