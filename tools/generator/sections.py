"""Docstrings in sections: a summary, `Args` and what follows."""

import inspect
import re
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass

from .writer import WIDTH

HEADING = re.compile(r"(Args|Raises|Returns|Yields):")
ARGUMENT = re.compile(r" {4}(\*{0,2}\w+): (.*)")


@dataclass(frozen=True)
class Docstring:
    """A docstring, taken apart."""

    head: str
    """Everything before the first section."""
    arguments: dict[str, str]
    rest: str
    """The sections but `Args`."""

    @classmethod
    def of(cls, text: str) -> "Docstring":
        """Take a docstring apart."""
        sections: dict[str, list[str]] = {"": []}
        current = ""
        for line in inspect.cleandoc(text).splitlines():
            if found := HEADING.fullmatch(line):
                current = found[1]
                sections[current] = []
            else:
                sections[current].append(line)
        rest = (
            f"{name}:\n" + "\n".join(lines).rstrip()
            for name, lines in sections.items()
            if name not in {"", "Args"}
        )
        head = "\n".join(sections[""]).strip()
        return cls(head, _arguments(sections.get("Args", [])), "\n\n".join(rest))

    def text(self, summary: str | None, arguments: Iterable[tuple[str, str]], indent: int) -> list[str]:
        """Return the lines of a docstring with another summary and other arguments."""
        head = self.head if summary is None else "\n".join([summary, *self.head.splitlines()[1:]])
        first, _, more = head.partition("\n")
        margin = " " * indent
        lines = textwrap.wrap(f'"""{first}', WIDTH - indent, **PLAIN)
        lines += more.splitlines()
        described = [line for argument in arguments for line in _argument(*argument, WIDTH - indent)]
        if described:
            lines += ["", "Args:", *described]
        if self.rest:
            lines += ["", *self.rest.splitlines()]
        if len(lines) == 1:
            lines[0] += '"""'
        else:
            lines.append('"""')
        if any("\\" in line for line in lines):
            lines[0] = f"r{lines[0]}"
        return [f"{margin}{line}".rstrip() for line in lines]


PLAIN = {"break_long_words": False, "break_on_hyphens": False}


def _argument(name: str, text: str, width: int) -> list[str]:
    return textwrap.wrap(f"{name}: {text}", width, initial_indent=" " * 4, subsequent_indent=" " * 8, **PLAIN)


def _arguments(lines: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    name = ""
    for line in lines:
        if argument := ARGUMENT.fullmatch(line):
            name = argument[1]
            found[name] = argument[2]
        elif name and line.strip():
            found[name] += f" {line.strip()}"
    return found
