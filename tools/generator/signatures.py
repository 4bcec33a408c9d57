"""Generate `_signatures/`: stubs for editors, in which each method of each client names all its keywords.

At run time a resource is one class for both clients, its methods take keywords as TypedDicts, and descriptors make
them sync or async. Editors that only read what is written complete nothing there. The stubs say the same in full: a
class for each client, derived from the resource's, each method with explicit keywords and what they mean. Nothing
imports them at run time.
"""

import ast
from collections.abc import Iterator

from .api import Api
from .carried import Carried
from .clients import OVERRIDES, ROOM, ClientWriter, accessor
from .modules import HEADER
from .outline import Resource
from .resources import children_of, class_name, parents
from .sources import PACKAGE, Sources
from .spelled import MODES, Spelled, operations


class SignatureWriter:
    """Generates the stub of one resource."""

    def __init__(self, api: Api, sources: Sources, resource: Resource) -> None:
        self._api = api
        self._sources = sources
        self._resource = resource
        self._name = class_name(resource.path)
        self._module = f"{PACKAGE}.resources.{resource.path}"
        is_there = sources.exists(self._module)  # what is written by hand may be yet to come
        self._home = self._module if is_there else f"{self._module}._generated"
        self._carried = Carried(sources, [f"{mode}{self._name}" for mode in MODES])
        self._spelled = Spelled(sources, self._carried, api.prose, resource.path)

    def write(self) -> str:
        """Return the stub's text."""
        _, found = self._sources.class_of(self._home, self._name)
        base = self._carried.name(self._module, self._name)
        classes = [self._class(mode, base, ast.get_docstring(found) or "") for mode in MODES]
        docstring = (
            f'{HEADER}\n{OVERRIDES}\n"""Methods of `client.{self._resource.path}`, keyword by keyword."""'
        )
        return "\n\n".join([docstring, self._carried.text(), *classes]) + "\n"

    def _class(self, mode: str, base: str, about: str) -> str:
        mark = self._carried.name(f"{PACKAGE}._client.modes", mode)
        body = [f'    """{about}"""']
        children = children_of(self._api, self._resource.path)
        body += [accessor(self._carried, mode, child) for child in children]
        body += [
            self._spelled.method(mode, module, definitions)
            for module, definitions in operations(self._sources, self._home, self._name)
        ]
        return f"class {mode}{self._name}({base}[{mark}]):\n" + "\n\n".join(body)


def write_signatures(api: Api, sources: Sources) -> dict[str, str]:
    """Return the text of every stub, by its path below the package."""
    groups = (Resource(path, module="", events="", params="", methods=()) for path in parents(api))
    texts = {f"{ROOM}/__init__.pyi": ClientWriter(api, sources).write()}
    for resource in _written(api, groups):
        path = resource.path.replace(".", "/")
        file = f"{path}/__init__.pyi" if children_of(api, resource.path) else f"{path}.pyi"
        texts[f"{ROOM}/{file}"] = SignatureWriter(api, sources, resource).write()
    return texts


def _written(api: Api, groups: Iterator[Resource]) -> Iterator[Resource]:
    yield from (each for each in api.rules.resources.values() if not each.same)
    yield from groups
