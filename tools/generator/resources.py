"""Generate `resources/`: a class per resource, a few lines per method."""

from .api import Api, Signature
from .imports import Imports
from .methods import MethodWriter
from .modules import HEADER
from .outline import Resource
from .words import camel

VIEWS = ("AsyncRaw", "AsyncStreaming", "Raw", "RawView", "Streaming", "StreamingView")


class ResourceWriter:
    """Generates the module of one resource."""

    def __init__(self, api: Api, resource: Resource) -> None:
        self._api = api
        self._resource = resource
        self._imports = Imports(resource.path)
        self._name = class_name(resource.path)
        self._methods = MethodWriter(api, self._name, self._imports)

    def write(self) -> str:
        """Return the module's text."""
        children = children_of(self._api, self._resource.path)
        written = self._resource.hand
        signatures = [
            self._api.signatures[method.path]
            for method in self._resource.methods
            if method.name not in written
        ]
        body = [f'    """{_about(self._resource.path)}"""']
        self._imports.add("ai_client._client.modes", "M")
        self._imports.add("ai_client._client.operation", "Resource")
        if not written:  # the handwritten class has its own views
            body.append(self._views())
        body += [self._child(child) for child in children]
        body += [self._methods.write(signature) for signature in _lists_last(signatures)]
        checked = self._checked(children)
        text = f"class {self._name}(Resource[M]):\n" + "\n\n".join(body)
        docstring = f'{HEADER}\n"""{_about(self._resource.path)}"""'
        return "\n\n".join([docstring, self._imports.text(), *checked, "", text]) + "\n"

    def _views(self) -> str:
        name = self._name
        for each in VIEWS:
            home = "operation" if each.endswith("View") else "modes"
            self._imports.add(f"ai_client._client.{home}", each)
        return (
            f'    with_raw_response: "RawView[{name}[Raw], {name}[AsyncRaw]]" = RawView()\n'
            f'    with_streaming_response: "StreamingView[{name}[Streaming], {name}[AsyncStreaming]]" = '
            "StreamingView()"
        )

    def _child(self, child: Resource) -> str:
        self._imports.add("ai_client._models.accessor", "accessor")
        return _property(child, "self._client, self._view")

    def _checked(self, children: list[Resource]) -> list[str]:
        if not children:
            return []
        self._imports.add("typing", "TYPE_CHECKING")
        return ["if TYPE_CHECKING:\n" + "\n".join(f"    {_import(child)}" for child in children)]


def write_resources(api: Api) -> dict[str, str]:
    """Return the text of every resource and of the client's base class, by path below the package."""
    texts = {}
    for resource in api.rules.resources.values():
        if resource.same:
            continue
        texts[f"resources/{_file(api, resource)}"] = ResourceWriter(api, resource).write()
    for path in parents(api):
        texts.setdefault(
            f"resources/{path.replace('.', '/')}/__init__.py", ResourceWriter(api, _group(path)).write()
        )
    texts["_resources.py"] = _write_roots(api)
    return texts


def class_name(path: str) -> str:
    """Return the name of a resource's class."""
    return camel(path.rpartition(".")[2])


def parents(api: Api) -> list[str]:
    """Return the paths that only hold other resources."""
    every: set[str] = set()
    for path in api.rules.resources:
        while path := path.rpartition(".")[0]:
            every.add(path)
    return sorted(every - api.rules.resources.keys())


def children_of(api: Api, path: str) -> list[Resource]:
    """Return the resources directly below another, or below the client where *path* is empty."""
    prefix = f"{path}." if path else ""
    every = [*api.rules.resources.values(), *(_group(each) for each in parents(api))]
    found = [
        each for each in every if each.path.startswith(prefix) and "." not in each.path.removeprefix(prefix)
    ]
    return sorted(found, key=lambda each: each.path)


def _group(path: str) -> Resource:
    return Resource(path, module="", events="", params="", methods=())


def _file(api: Api, resource: Resource) -> str:
    """Return the file of a resource; one with a handwritten part is a private module next to that part."""
    path = resource.path.replace(".", "/")
    if resource.hand:
        return f"{path}/_generated.py"
    return f"{path}/__init__.py" if children_of(api, resource.path) else f"{path}.py"


def _import(resource: Resource) -> str:
    path = resource.same or resource.path
    return f"from ai_client.resources.{path} import {class_name(path)}"


def _property(resource: Resource, arguments: str) -> str:
    name = class_name(resource.path)
    return (
        "    @accessor\n"
        f'    def {resource.path.rpartition(".")[2]}(self) -> "{name}[M]":\n'
        f'        """{_about(resource.path)}"""\n'
        f"        {_import(resource)}\n\n"
        f"        return {name}({arguments})"
    )


def _write_roots(api: Api) -> str:
    children = children_of(api, "")
    checked = "\n".join(f"    {_import(child)}" for child in children)
    body = "\n\n".join(_property(child, "self") for child in children)
    return (
        f'{HEADER}\n"""The resources of a client, each loaded on first use."""\n\n'
        "from typing import TYPE_CHECKING, Generic\n\n"
        "from ai_client._call.protocols import Client\nfrom ai_client._client.modes import M\n"
        "from ai_client._models.accessor import accessor\n\n"
        f"if TYPE_CHECKING:\n{checked}\n\n\n"
        'class Resources(Client, Generic[M]):\n    """Base of both clients: the tree of resources."""\n\n'
        f"{body}\n"
    )


def _about(path: str) -> str:
    return f"Methods of `client.{path}`."


def _lists_last(signatures: list[Signature]) -> list[Signature]:
    """Move a method called `list` to the end: below it, the name does not refer to the builtin."""
    return sorted(signatures, key=lambda each: each.method.name == "list")
