"""Generate the stubs of the clients themselves: the tree of resources, and each option of a client by name."""

import ast
from collections.abc import Mapping

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
    """Generates the stub of the sync and the async client of one kind."""

    def __init__(self, api: Api, sources: Sources, kind: str) -> None:
        self._api = api
        self._sources = sources
        self._kind = kind
        self._carried = Carried(sources, [self._name(mode) for mode in MODES])
        self._spelled = Spelled(sources, self._carried, api.prose, "")

    def openai(self) -> str:
        """Return the stub of `OpenAI` and `AsyncOpenAI`, with the tree of their resources."""
        methods = self._methods((CLIENT,), (COPIES,))
        return self._stub(
            {
                mode: [
                    *methods,
                    *(accessor(self._carried, mode, each) for each in children_of(self._api, "")),
                ]
                for mode in MODES
            },
            {
                mode: (self._carried.name(f"{PACKAGE}._client.verbs", f"{mode}Verbs"), CLIENT)
                for mode in MODES
            },
        )

    def azure(self) -> str:
        """Return the stub of `AzureOpenAI` and `AsyncAzureOpenAI`."""
        methods = self._methods((AZURE, CLIENT), (AZURE, COPIES))
        return self._stub(
            dict.fromkeys(MODES, methods),
            {mode: (self._carried.name(f"{PACKAGE}.{ROOM}", f"{mode}Signatures"), AZURE) for mode in MODES},
        )

    def _stub(self, methods: Mapping[str, list[str]], bases: Mapping[str, tuple[str, Place]]) -> str:
        classes: list[str] = []
        for mode, (first, second) in bases.items():
            mark = self._carried.name(f"{PACKAGE}._client.modes", mode)
            header = f"class {self._name(mode)}({first}, {self._carried.name(*second)}[{mark}]):"
            about = f'    """{MODES[mode]} client with every keyword spelled out."""'
            classes.append(f"{header}\n" + "\n\n".join([about, *methods[mode]]))
        docstring = f'{HEADER}\n{OVERRIDES}\n"""The clients, keyword by keyword."""'
        return "\n\n".join([docstring, self._carried.text(), *classes]) + "\n"

    def _name(self, mode: str) -> str:
        return f"{mode}{self._kind}Signatures"

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


def write_clients(api: Api, sources: Sources) -> dict[str, str]:
    """Return the text of the stubs of the clients, by their path below the room."""
    return {
        "__init__.pyi": ClientWriter(api, sources, "").openai(),
        "azure.pyi": ClientWriter(api, sources, "Azure").azure(),
    }


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
