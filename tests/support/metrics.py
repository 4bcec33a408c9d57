"""What tests read of a page of metrics: its samples, as Prometheus' own parser has them."""

from collections.abc import Callable, Iterable
from typing import Any, cast

from prometheus_client.parser import text_string_to_metric_families

from tests.support.invoke import CHAT


def ask(clients: Any, **more: Any) -> Any:
    """Make a small call with the sync client of a provider or an alias."""
    return clients.client.chat.completions.create(**{**CHAT, **more})


class Scraped:
    """The samples of a page in Prometheus' format.

    Args:
        text: The page.
    """

    def __init__(self, text: str) -> None:
        parse = cast("Callable[[str], Iterable[Any]]", text_string_to_metric_families)
        self.families = list(parse(text))
        self.samples: list[tuple[str, dict[str, str], float]] = [
            (sample.name, sample.labels, sample.value)
            for family in self.families
            for sample in family.samples
        ]
        seen = [(name, *sorted(labels.items())) for name, labels, _ in self.samples]
        assert len({*seen}) == len(seen), "two samples with one name and the same labels"

    def total(self, name: str, **labels: str) -> float:
        """Return the sum of the samples of a name that have these labels."""
        return sum(
            value
            for found, said, value in self.samples
            if found == name and all(said.get(label, "") == wanted for label, wanted in labels.items())
        )

    def by(self, name: str, *labels: str) -> dict[tuple[str, ...], float]:
        """Return the sums of the samples of a name by the values of labels."""
        sums: dict[tuple[str, ...], float] = {}
        for found, said, value in self.samples:
            if found == name:
                key = tuple(said.get(label, "") for label in labels)
                sums[key] = sums.get(key, 0) + value
        return sums
