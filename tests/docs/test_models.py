"""The models that the documentation, the examples and the offline upstream name."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ai_client._call.usage import Usage
from ai_client._io import SyncIO, finish
from ai_client.control.pricing.prices import Prices
from ai_client.control.pricing.terms import Terms
from tools.bench.controls import Sender
from tools.readme import ROOT

MODEL = re.compile(r"(?<![\w/.*-])(?:gpt-\d|o\d-|text-embedding-)[\w.]*(?:-[\w.]*\w)*(?![\w-]*\*)")
PLACES = ("README.md", "docs", "example_apps", "integrations", "ai_client/testing")


def named() -> Iterator[tuple[str, Path]]:
    """Yield the models that a newcomer may copy, with the file that names each."""
    for place in PLACES:
        top = ROOT / place
        for path in [top] if top.is_file() else sorted(top.rglob("*.*")):
            if path.suffix in {".md", ".py", ".html"}:
                for name in MODEL.findall(path.read_text()):
                    yield name.rstrip("."), path


def test_every_model_exists() -> None:
    """Each model that can be copied from a page or an example exists, and its price is known."""
    prices = Prices()
    finish(prices.ready(SyncIO(Sender())))
    usage = Usage("reported", 1_000_000, 1_000_000)
    unknown = {
        (name, str(path.relative_to(ROOT)))
        for name, path in named()
        if prices.nano_usd(usage, name, terms=Terms(model=name)) is None
    }
    assert not unknown


@pytest.mark.parametrize("name", ["gpt-5.5", "gpt-5.4-mini", "text-embedding-3-small"])
def test_models_are_found(name: str) -> None:
    """The names that the pages use are found in them, so that the check above looks at something."""
    assert name in {found for found, _ in named()}
