"""Generate the stubs of the clients themselves: the tree of resources, and each option of a client by name."""

import ast

from .api import Api
from .carried import Carried
from .modules import HEADER
from .outline import Resource
from .resources import children_of, class_name
from .sections import Docstring
from .sources import PACKAGE, Sources
from .spelled import MODES, Definition, Spelled

ROOM = "_signatures"
OVERRIDES = (
    "# pyright: reportIncompatibleMethodOverride=false, reportIncompatibleVariableOverride=false,"
    " reportUnnecessaryTypeIgnoreComment=false"
)
"""Descriptors of the resources' methods are overridden by what they make, which only mypy follows."""
CLIENT = (f"{PACKAGE}._base_client", "BaseClient")
COPIES = (f"{PACKAGE}._client.copying", "Copies")
AZURE = (f"{PACKAGE}.azure", "_Azure")
Place = tuple[str, str]
"""A class: its module and its name."""


class ClientWriter:
    """Generates the stub of the clients: a sync and an async one of each kind."""

    def __init__(self, api: Api, sources: Sources) -> None:
        self._api = api
        names = [_name(mode, kind) for mode in MODES for kind in ("", "Azure")]
        self._sources = sources
        self._carried = Carried(sources, names)
        self._spelled = Spelled(sources, self._carried, api.prose, "")

    def write(self) -> str:
        """Return the stub's text."""
        methods, azure = self._methods((CLIENT,), (COPIES,)), self._methods((AZURE, CLIENT), (AZURE, COPIES))
        classes: list[str] = []
        for mode in MODES:
            tree = [accessor(self._carried, mode, each) for each in children_of(self._api, "")]
            verbs = self._carried.name(f"{PACKAGE}._client.verbs", f"{mode}Verbs")
            classes += [
                self._class(mode, "", verbs, CLIENT, [*methods, *tree]),
                self._class(mode, "Azure", _name(mode, ""), AZURE, azure),
            ]
        docstring = f'{HEADER}\n{OVERRIDES}\n"""The clients, keyword by keyword."""'
        return "\n\n".join([docstring, self._carried.text(), *classes]) + "\n"

    def _class(self, mode: str, kind: str, first: str, second: Place, methods: list[str]) -> str:
        mark = self._carried.name(f"{PACKAGE}._client.modes", mode)
        header = f"class {_name(mode, kind)}({first}, {self._carried.name(*second)}[{mark}]):"
        about = f'    """{MODES[mode]} client with every keyword spelled out."""'
        return f"{header}\n" + "\n\n".join([about, *methods])

    def _methods(self, making: tuple[Place, ...], copying: tuple[Place, ...]) -> list[str]:
        """Return the constructor, `copy` and `with_options`: as the first class says, and the second its keywords."""
        itself = self._carried.name("typing", "Self")
        copies = [self._method(name, "copy", copying, itself) for name in ("copy", "with_options")]
        return [self._method("__init__", "__init__", making, "None"), *copies]

    def _method(self, name: str, like: str, places: tuple[Place, ...], result: str) -> str:
        module, definition = self._definition(places[0], like)
        members = self._spelled.members(module, definition)
        texts = {each.name: each.text for each in members.values() if each.text}
        docstring = Docstring.of(ast.get_docstring(definition) or "")
        keywords = self._spelled.parameters(module, definition, {})[1]
        for place in places[1:] if members else ():
            keywords += [
                each
                for each in self._spelled.parameters(*self._definition(place, like), {})[1]
                if each.name in members and each.name not in {own.name for own in keywords}
            ]
        texts |= docstring.arguments
        described = [(each.name, texts[each.name]) for each in keywords if each.name in texts]
        given = ", ".join(["self", "*", *map(str, keywords)])
        lines = docstring.text(None, described, indent=8)
        return f"    def {name}({given}) -> {result}:\n" + "\n".join(lines)

    def _definition(self, place: Place, method: str) -> tuple[str, Definition]:
        module, found = self._sources.class_of(*place)
        return module, next(
            each for each in found.body if isinstance(each, Definition) and each.name == method
        )


def _name(mode: str, kind: str) -> str:
    return f"{mode}{kind}Signatures"


def accessor(carried: Carried, mode: str, child: Resource) -> str:
    """Return the code of the attribute that holds a resource."""
    path = child.same or child.path
    result = carried.name(f"{PACKAGE}.{ROOM}.{path}", f"{mode}{class_name(path)}")
    decorator = carried.name(f"{PACKAGE}._models.accessor", "accessor")
    name = child.path.rpartition(".")[2]
    return (
        f"    @{decorator}\n    def {name}(self) -> {result}:\n"
        f'        """Methods of `client.{child.path}`."""'
    )
