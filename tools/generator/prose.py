"""Descriptions of parameters and fields, written by hand: the tables `tools/api/prose/*.toml`.

`tools/api/README.md` describes them. An entry that describes nothing is an error, so that the tables stay current.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .description import DescriptionError, check_keys
from .rules import as_param

TABLES = frozenset({"fields", "operations", "parts", "types"})
SUMMARY = "summary"
LIKE_CREATE = ("parse", "stream")
"""Methods whose keywords mean what those of `create` of the same resource mean."""

Entry = tuple[str, str, str, str]
"""File, table, owner and name."""


@dataclass(frozen=True)
class Owner:
    """The class of a field: one definition, which may be several classes where it is split into forms."""

    module: str
    names: tuple[str, ...]
    is_param: bool
    operation: str | None = None
    """The path of the method whose keywords it holds."""


@dataclass(frozen=True)
class File:
    """One file of the tables."""

    name: str
    parts: tuple[str, ...]
    """Where the modules begin whose classes its `fields` are for."""
    fields: Mapping[str, str]

    def holds(self, module: str) -> bool:
        """Return whether its `fields` are for the classes of a module."""
        return any(module == part or module.startswith(f"{part}/") for part in self.parts)


class Prose:
    """All tables, and which of their entries were used."""

    def __init__(self, folder: Path) -> None:
        self._files: list[File] = []
        self._types: dict[str, dict[str, Entry]] = {}
        self._operations: dict[str, dict[str, Entry]] = {}
        self._texts: dict[Entry, str] = {}
        self._used: set[Entry] = set()
        for path in sorted(folder.glob("*.toml")):
            self._add(path.stem, _loaded(path))

    def of_field(self, owner: Owner, name: str) -> str | None:
        """Return what a field means, by its name in Python."""
        found = self._exact(owner, name) or self._in_general(owner, name)
        return self._text(found)

    def of_operation(self, operation: str, name: str) -> str | None:
        """Return what is written about a keyword of exactly this operation."""
        return self._text(self._operations.get(operation, {}).get(name))

    def of_keyword(self, operation: str, name: str) -> str | None:
        """Return what is written about a keyword of an operation, or of one whose keywords mean the same."""
        return self._text(self._keyword(operation, name))

    def of_part(self, module: str, name: str) -> str | None:
        """Return what a parameter of this name means in a module, wherever nothing more exact is said."""
        return self._text(self._in_general(Owner(module, (), is_param=True), name))

    def summary(self, operation: str) -> str | None:
        """Return what an operation does, in one sentence."""
        return self._text(self._operations.get(operation, {}).get(SUMMARY))

    def unused(self) -> list[str]:
        """Return the entries that describe nothing."""
        return [
            f"{file}.toml: {table}{f'.{owner!r}' if owner else ''}.{name}"
            for file, table, owner, name in self._texts
            if (file, table, owner, name) not in self._used
        ]

    def _exact(self, owner: Owner, name: str) -> Entry | None:
        """Return the entry of the class itself, of its other face, or of the operation whose keywords it holds."""
        for each in owner.names:
            if found := self._types.get(f"{owner.module}.{each}", {}).get(name):
                return found
        for each in owner.names:
            for twin in {each.removesuffix("Param"), as_param(each)} - {each}:
                for key in self._same_class(owner.module, twin):
                    if found := self._types[key].get(name):
                        return found
        return self._keyword(owner.operation, name) if owner.operation else None

    def _same_class(self, module: str, name: str) -> Iterator[str]:
        """Yield the classes of a name whose modules are of the same part of the API, as far as they have entries."""
        files = [file for file in self._files if file.holds(module)]
        for key in self._types:
            home, _, other = key.rpartition(".")
            if other == name and any(file.holds(home) for file in files):
                yield key

    def _keyword(self, operation: str, name: str) -> Entry | None:
        if found := self._operations.get(operation, {}).get(name):
            return found
        resource, _, method = operation.rpartition(".")
        if method in LIKE_CREATE:
            return self._operations.get(f"{resource}.create", {}).get(name)
        return None

    def _in_general(self, owner: Owner, name: str) -> Entry | None:
        """Return the entry of `fields`; of two files for one part, that called `..._params` is for parameters first."""
        files = [file for file in self._files if file.holds(owner.module) and name in file.fields]
        files.sort(key=lambda file: file.name.endswith("_params") is not owner.is_param)
        return (files[0].name, "fields", "", name) if files else None

    def _text(self, entry: Entry | None) -> str | None:
        if entry is None:
            return None
        self._used.add(entry)
        return self._texts[entry]

    def _add(self, file: str, tables: Mapping[str, Any]) -> None:
        fields = tables.get("fields", {})
        self._files.append(File(file, tuple(tables.get("parts", ())), fields))
        for name, text in fields.items():
            self._take((file, "fields", "", name), text)
        for table, merged in (("types", self._types), ("operations", self._operations)):
            for owner, texts in tables.get(table, {}).items():
                entries = merged.setdefault(owner, {})
                for name, text in texts.items():
                    if name in entries:
                        raise DescriptionError(
                            f"{file}.toml and {entries[name][0]}.toml describe {owner}.{name}"
                        )
                    entries[name] = self._take((file, table, owner, name), text)

    def _take(self, entry: Entry, text: object) -> Entry:
        if not _is_sentence(text):
            raise DescriptionError(
                f"{entry[0]}.toml: {' '.join(entry[1:])}: a text is one paragraph that ends with a period"
            )
        self._texts[entry] = str(text)
        return entry


def _is_sentence(text: object) -> bool:
    whole = isinstance(text, str) and text.strip() == text and text.endswith(".")
    return whole and not any(each in str(text) for each in ("\n", '"""'))


def _loaded(path: Path) -> dict[str, Any]:
    try:
        tables = tomllib.loads(path.read_text())
    except tomllib.TOMLDecodeError as error:
        raise DescriptionError(f"prose/{path.name} is no TOML: {error}") from None
    check_keys(tables, TABLES, f"prose/{path.name}")
    return tables
