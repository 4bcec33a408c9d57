"""A page of the documentation as the steps that a reader takes, in the printed order."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

START = Path(__file__).parents[2] / "docs" / "start"
_FENCE = re.compile(r'^```(\w+) title="([^"]*)"\n(.*?)^```$', re.DOTALL | re.MULTILINE)
_END = re.compile(r"^## What ", re.MULTILINE)
_PLACEHOLDER = re.compile(r"=\.\.\.$", re.MULTILINE)


@dataclass(frozen=True)
class Step:
    """A block with a title.

    Attributes:
        language: Its language: `sh` for what is typed, any other for a file.
        title: Its title: the path of a file.
        text: What stands in it.
        before: The prose since the block before.
    """

    language: str
    title: str
    text: str
    before: str

    @property
    def is_placeholder(self) -> bool:
        """Whether it asks for a value of the reader's own, `NAME=...`."""
        return _PLACEHOLDER.search(self.text) is not None


def steps(name: str) -> Iterator[Step]:
    """Yield the steps of a page of the quick start, which ends where it begins to explain."""
    text = _END.split((START / f"{name}.md").read_text(), maxsplit=1)[0]
    end = 0
    for block in _FENCE.finditer(text):
        yield Step(block[1], block[2], block[3], text[end : block.start()])
        end = block.end()
