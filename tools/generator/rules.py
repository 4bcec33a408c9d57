"""The map: what the description does not say, written by hand in `tools/api/*.toml`.

Each file holds one part of the API: the other parts that its types may import (`uses`), names of schemas
(`names`), the modules of types where their users do not decide (`modules`, lowest first), and the resources
with their methods (`resources`). A rule without effect is an error, so that the map stays current.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .description import DescriptionError, check_keys
from .outline import Method, Resource, resource_of

RESULT, PARAM = "result", "param"
TABLES = frozenset(
    {
        "also", "mixins", "modules", "moved", "names", "offers", "patterns", "prefixes", "received", "resources",
        "second_names", "secrets", "sent", "twins", "uses", "written",
    }
)  # fmt: skip
"""The keys of a file of the map."""


@dataclass
class Rules:
    """The whole map, and which of its rules were used."""

    resources: dict[str, Resource] = field(default_factory=dict)
    names: dict[str, dict[str, str]] = field(default_factory=dict)
    pins: dict[str, str] = field(default_factory=dict)
    modules: list[str] = field(default_factory=list)
    uses: dict[str, frozenset[str]] = field(default_factory=dict)
    patterns: list[tuple[re.Pattern[str], str]] = field(default_factory=list)
    """Naming rules: a pattern that schemas must match in full, and the template of their names."""
    prefixes: list[str] = field(default_factory=list)
    """Prefixes of schemas whose name is the prefix and the name of the schema without it."""
    second_names: dict[str, list[str]] = field(default_factory=dict)
    """Modules whose types have aliases: prefix of the equal schemas -> modules."""
    moved: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    """Modules whose names an older module still exports: module -> older module -> schemas."""
    received: dict[str, str] = field(default_factory=dict)
    """Schemas received over a socket or a webhook, which no method refers to, and the modules of their models."""
    sent: dict[str, str] = field(default_factory=dict)
    """Schemas sent over a socket, and the modules of their TypedDicts."""
    also: dict[str, dict[str, str]] = field(default_factory=dict)
    """Aliases: module -> name -> schema."""
    twins: dict[str, str] = field(default_factory=dict)
    """Modules of results whose parameter forms are elsewhere."""
    secrets: list[str] = field(default_factory=list)
    """Properties whose values no repr shows, each as "Schema.property"."""
    offers: dict[str, list[str]] = field(default_factory=dict)
    """Packages that also export all names of others."""
    mixins: dict[str, dict[str, str]] = field(default_factory=dict)
    """Handwritten bases of results: schema -> base -> the field that the base replaces."""
    written: dict[str, list[str]] = field(default_factory=dict)
    """Handwritten modules of types, and the names that their packages export."""
    _used: set[str] = field(default_factory=set)
    _packages: dict[str, set[str]] = field(default_factory=dict)

    @classmethod
    def load(cls, folder: Path) -> "Rules":
        """Read every file of the map."""
        files = {path.stem: _loaded(path) for path in sorted(folder.glob("*.toml"))}
        rules = cls()
        for part in _ordered(files):
            rules._add(part, files[part])
        return rules

    def name(self, schema: str, face: str) -> str | None:
        """Return the public name of a schema on one face, if the map has one."""
        if schema in self.names:
            self._used.add(f"names.{schema}")
            return self.names[schema].get(face)
        for prefix in self.prefixes:
            name = self.name(schema.removeprefix(prefix), face) if schema.startswith(prefix) else None
            if name is not None:
                return as_param(prefix + name) if face == PARAM else prefix + name
        for pattern, template in self.patterns if "." not in schema else ():
            if found := pattern.fullmatch(schema):
                self._used.add(f"patterns.{pattern.pattern}")
                return _faces(found.expand(template))[face]
        return None

    def pin(self, schema: str) -> str | None:
        """Return the module to which the map assigns a schema, if any."""
        if schema not in self.pins:
            return None
        self._used.add(f"modules.{schema}")
        return self.pins[schema]

    def moved_to(self, schema: str) -> str | None:
        """Return the module that the model of a schema moved to, if it did."""
        for module, origins in self.moved.items():
            if any(schema in schemas for schemas in origins.values()):
                self._used.add(f"moved.{schema}")
                return module
        return None

    def mixin(self, schema: str) -> dict[str, str]:
        """Return the handwritten bases of a result, and the fields that they replace."""
        self._used.add(f"mixins.{schema}")
        return self.mixins.get(schema, {})

    def is_secret(self, schema: str, name: str) -> bool:
        """Return whether a property's value must not be shown."""
        secret = f"{schema}.{name}"
        if secret in self.secrets:
            self._used.add(f"secrets.{secret}")
        return secret in self.secrets

    def is_special(self, schema: str) -> bool:
        """Return whether the map adds something to a result that its schema does not say."""
        return schema in self.mixins or any(each.startswith(f"{schema}.") for each in self.secrets)

    def unused(self) -> list[str]:
        """Return the rules that had no effect."""
        every = [
            *(f"names.{schema}" for schema in self.names),
            *(f"patterns.{pattern.pattern}" for pattern, _ in self.patterns),
            *(f"modules.{schema}" for schema in self.pins),
            *(
                f"moved.{schema}"
                for origins in self.moved.values()
                for schemas in origins.values()
                for schema in schemas
            ),
            *(f"mixins.{schema}" for schema in self.mixins),
            *(f"secrets.{secret}" for secret in self.secrets),
        ]
        return sorted(rule for rule in every if rule not in self._used)

    def methods(self) -> Iterator[Method]:
        """Yield the methods of all resources."""
        for resource in self.resources.values():
            yield from resource.methods

    def may_use(self, module: str, other: str) -> bool:
        """Return whether a module may import from another."""
        package, base = package_of(module), package_of(other)
        return package == base or base in self.uses.get(package, ())

    def _add(self, part: str, text: Mapping[str, Any]) -> None:
        modules: list[str] = []
        for module, schemas in text.get("modules", {}).items():
            modules.append(module)
            for schema in schemas:
                if schema in self.pins:
                    raise DescriptionError(f"{schema} has two modules in the map")
                self.pins[schema] = module
        for module, origins in text.get("moved", {}).items():
            self.moved[module] = origins
        for schema, name in text.get("names", {}).items():
            if schema in self.names:
                raise DescriptionError(f"{schema} has two names in the map")
            self.names[schema] = name if isinstance(name, dict) else _faces(name)
        self.patterns += [(re.compile(match), name) for match, name in text.get("patterns", {}).items()]
        self.prefixes += text.get("prefixes", [])
        self.second_names |= text.get("second_names", {})
        self.received |= text.get("received", {})
        self.sent |= text.get("sent", {})
        self.also |= text.get("also", {})
        self.twins |= text.get("twins", {})
        self.secrets += text.get("secrets", [])
        self.offers |= text.get("offers", {})
        self.mixins |= text.get("mixins", {})
        self.written |= text.get("written", {})
        for path, rule in text.get("resources", {}).items():
            resource = resource_of(path, rule)
            self.resources[path] = resource
            modules += [resource.module, resource.events, resource.params]
        modules += [*text.get("received", {}).values(), *text.get("sent", {}).values()]
        self.modules += [module for module in dict.fromkeys(modules) if module not in self.modules]
        packages = {package_of(module) for module in modules}
        below = {
            package for name in ("shared", *text.get("uses", ())) for package in self._packages.get(name, ())
        }
        self._packages[part] = packages | below
        for package in packages:
            self.uses[package] = self.uses.get(package, frozenset()) | below | packages


def _loaded(path: Path) -> dict[str, Any]:
    try:
        text = tomllib.loads(path.read_text())
    except tomllib.TOMLDecodeError as error:
        raise DescriptionError(f"{path.name} is no TOML: {error}") from None
    check_keys(text, TABLES, path.name)
    return text


def _ordered(files: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Sort the parts so that each comes after those that it uses."""
    order: list[str] = []

    def visit(part: str, trail: tuple[str, ...]) -> None:
        if part in trail:
            raise DescriptionError(f"the parts {' -> '.join((*trail, part))} use each other")
        if part not in files:
            raise DescriptionError(f"{trail[-1]}.toml uses {part}, which the map lacks")
        if part not in order:
            for other in files[part].get("uses", ()):
                visit(other, (*trail, part))
            order.append(part)

    for part in sorted(files, key=lambda name: (name != "shared", name)):
        visit(part, ())
    return order


def _faces(name: str) -> dict[str, str]:
    return {RESULT: name.removesuffix("Param"), PARAM: as_param(name)}


def package_of(module: str) -> str:
    """Return the package of a module, both as paths below `ai_client/types`."""
    return module.rpartition("/")[0]


def as_param(name: str) -> str:
    """Return the usual name of the parameter form of a type."""
    return name if name.endswith(("Param", "Params")) else f"{name}Param"
