"""The API as the map describes it: every method with its parameter and result types."""

from collections.abc import Iterator
from dataclasses import dataclass

from .description import FORM, Call, Description, DescriptionError, Schema
from .doubles import Doubles
from .graph import Graph, Node
from .outline import Method, Resource
from .parse import Parser
from .prose import Prose
from .rules import PARAM, RESULT, Rules
from .shapes import Array, Definition, Nullable, Object, Ref, Shape, Union
from .words import camel, singular

PAGED = ("data", "items")


@dataclass(frozen=True)
class Signature:
    """One method: its parameters and its results."""

    method: Method
    call: Call
    parameters: Node | None
    """The TypedDict of its keywords, if it has any besides the options."""
    result: Shape | None
    """The result; that of one item where the method lists."""
    event: Shape | None
    """One event, where the method can stream."""
    multipart: bool


class Api:
    """All signatures, and the types that they need."""

    def __init__(self, description: Description, rules: Rules, prose: Prose) -> None:
        self.rules = rules
        self.prose = prose
        self.parser = Parser(description, rules.names.keys())
        self.graph = Graph(self.parser, rules)
        self.aliases: dict[str, dict[str, Node]] = {}
        """Aliases of results: module -> name -> node."""
        self._description = description
        self.signatures = {
            method.path: self._signature(resource, method)
            for resource in rules.resources.values()
            for method in resource.methods
        }
        self.by_parameters = {each.parameters: each for each in self.signatures.values() if each.parameters}
        for face, roots in ((RESULT, rules.received), (PARAM, rules.sent)):
            for schema, module in roots.items():
                self.graph.add_root(self.parser.named(schema), face, module)
        self.graph.close()
        self.doubles = Doubles(self.graph)
        for resource in rules.resources.values():
            for method in resource.methods:
                self._alias(resource, self.signatures[method.path])
        for module, names in rules.also.items():
            for name, schema in names.items():
                face = PARAM if name.endswith("Param") else RESULT
                self.aliases.setdefault(module, {})[name] = self.graph.shared(Node(schema, face))

    def result_name(self, signature: Signature) -> tuple[str, str] | None:
        """Return module and public name of a method's result, if it has a name."""
        if not isinstance(signature.result, Ref):
            return None
        node = self.graph.shared(Node(signature.result.key, RESULT))
        wanted = signature.method.result
        for module, names in self.aliases.items():
            if wanted in names and names[wanted] == node:
                return module, wanted
        return self.graph.modules[node], self.graph.names[node]

    def moved_from(self, module: str) -> Iterator[Node]:
        """Yield the nodes that were in a module before the map moved them."""
        for origins in self.rules.moved.values():
            for origin, schemas in origins.items():
                for face, home in ((RESULT, origin), (PARAM, self.graph.twin(origin))):
                    nodes = [Node(schema, face) for schema in schemas if home == module]
                    yield from (node for node in nodes if node in self.graph.modules)

    def _signature(self, resource: Resource, method: Method) -> Signature:
        call = self._description.call(method.call)
        if {each["name"] for each in call.parameters("path")} != set(call.path_names):
            raise DescriptionError(
                f"{method.call}: the description's path parameters are not those of the path"
            )
        body = call.body(method.body)
        parameters = self._parameters(resource, method, call, body[1] if body else None)
        result = self._result(resource, method, call)
        event = self._event(resource, method, call)
        multipart = bool(body) and body is not None and body[0] == FORM
        return Signature(method, call, parameters, result, event, multipart)

    def _parameters(self, resource: Resource, method: Method, call: Call, body: Schema | None) -> Node | None:
        fields = [
            (each["name"], each["schema"], each.get("required", False)) for each in call.parameters("query")
        ]
        if body is not None:
            whole = self._description.merged(self._one_object(body))
            fields += [(name, part, name in whole["required"]) for name, part in whole["properties"].items()]
        if not fields:
            return None
        key = f"{method.path}()"
        definition = self.parser.object(key, fields)
        self.graph.add_named_root(definition, PARAM, resource.params, params_name(method))
        return Node(key, PARAM)

    def _one_object(self, body: Schema) -> Schema:
        """Merge the members of a union of objects: parameters are one TypedDict."""
        body = self._description.resolve(body)
        members = body.get("oneOf") or body.get("anyOf")
        if not members or body.get("properties"):
            return body
        wholes = [self._description.merged(each) for each in members]
        everywhere = set.intersection(*(set(whole["required"]) for whole in wholes))
        properties: dict[str, Schema] = {}
        for whole in wholes:
            properties |= whole["properties"]
        return {"type": "object", "properties": properties, "required": sorted(everywhere)}

    def _result(self, resource: Resource, method: Method, call: Call) -> Shape | None:
        schema = call.answer("application/json")
        if method.result in {"binary", "text", "none"} or schema is None:
            return None
        key = f"{camel(method.path)}Response"
        shape = self.parser.shape(schema, key, ())
        if method.page:
            shape = self._item(shape, method)
        bare = shape.of if isinstance(shape, Nullable) else shape
        if isinstance(bare, Union):
            self.parser.definitions[key] = Definition(key, bare)
            bare = Ref(key)
        if isinstance(bare, Ref) and (bare.key == key or self.parser.definitions[bare.key].owner):
            name = method.result or _usual_result(method)
            self.graph.add_named_root(self.parser.definitions[bare.key], RESULT, resource.module, name)
        else:
            self.graph.add_root(bare, RESULT, resource.module)
        return bare

    def _item(self, page: Shape, method: Method) -> Shape:
        if isinstance(page, Ref):
            whole = self.parser.definitions[page.key].shape
            for name in PAGED:
                field = whole.field(name) if isinstance(whole, Object) else None
                shape = (
                    field.shape.of if field and isinstance(field.shape, Nullable) else field and field.shape
                )
                if isinstance(shape, Ref):
                    shape = self.parser.definitions[shape.key].shape
                if isinstance(shape, Array):
                    return shape.item
        raise DescriptionError(f"{method.path} lists, but its answer has no `data` or `items`")

    def _event(self, resource: Resource, method: Method, call: Call) -> Shape | None:
        if not method.stream:
            return None
        schema, key = call.answer("text/event-stream"), f"{camel(method.path)}Event"
        if isinstance(method.stream, str):
            shape = self.parser.named(method.stream)
        elif schema is None:
            raise DescriptionError(f"{method.path}: the description does not say what it streams")
        else:
            shape = self.parser.shape(schema, key, ())
        if isinstance(shape, Union):
            self.parser.definitions[key] = Definition(key, shape)
            shape = Ref(key)
        if not (
            isinstance(shape, Ref) and isinstance(self.parser.definitions[shape.key].shape, Object | Union)
        ):
            raise DescriptionError(f"{method.path}: an event of a stream is an object or one of several")
        self.graph.add_root(shape, RESULT, resource.events)
        return shape

    def _alias(self, resource: Resource, signature: Signature) -> None:
        wanted, shape = signature.method.result, signature.result
        if wanted is None or not isinstance(shape, Ref):
            return
        node = self.graph.shared(Node(shape.key, RESULT))
        if self.graph.names[node] != wanted:
            self.aliases.setdefault(resource.module, {})[wanted] = node


def params_name(method: Method) -> str:
    """Return the name of a method's parameters."""
    if method.params:
        return method.params
    noun = camel(singular(method.resource.rpartition(".")[2]))
    return f"{noun}{camel(method.name)}Params"


def _usual_result(method: Method) -> str:
    noun = camel(singular(method.resource.rpartition(".")[2]))
    return f"{noun}{camel(method.name)}Response"
