"""Generate the methods of resources."""

from .api import Api, Signature
from .graph import Node
from .imports import Imports
from .outline import PAGES
from .rules import RESULT
from .shapes import Array, Nullable, Object, Ref, Scalar, Shape, Union

ANSWERS = {"binary": "BinaryResponse", "text": "str", "none": "None"}
ACCEPTED = {"BinaryResponse": {"Accept": "application/binary"}, "None": {"Accept": "*/*"}}
ANSWER_VIEWS = (
    "APIResponse",
    "AsyncAPIResponse",
    "AsyncResponseContextManager",
    "LegacyAPIResponse",
    "ResponseContextManager",
)


class MethodWriter:
    """Generates the methods of one resource's class."""

    def __init__(self, api: Api, owner: str, imports: Imports) -> None:
        self._api = api
        self._owner = owner
        self._imports = imports

    def write(self, signature: Signature) -> str:
        """Return the code of one method."""
        if signature.event is not None:
            return self._streaming(signature)
        if signature.method.page:
            return self._listing(signature)
        result = self._result(signature)
        self._imports.add("ai_client._client.operation", "operation")
        return (
            f"    @operation\n"
            f"    async def {signature.method.name}({self._parameters(signature)}) -> {result}:\n"
            f"        {self._docstring(signature)}\n"
            f"        return await {self._call(signature)}"
        )

    def _listing(self, signature: Signature) -> str:
        method = signature.method
        listing = self._imports.add("ai_client._client.listings", PAGES[method.page or ""])
        self._imports.add("ai_client._client.listings", "pages")
        item = self._result(signature)
        verb = signature.call.verb
        more = "" if verb == "GET" else f', method="{verb}"'
        if headers := self._headers(signature):
            more += f", headers={headers!r}"
        arguments = [self._path(signature), self._accepts(signature), self._given(signature)]
        given = ", ".join([*arguments, self._cast(signature)])
        return (
            f"    @pages\n"
            f"    def {method.name}({self._parameters(signature)}) -> {listing}[{item}]:\n"
            f"        {self._docstring(signature)}\n"
            f"        return {listing}(self, {given}{more})"
        )

    def _streaming(self, signature: Signature) -> str:
        for module, names in {
            "typing": ("Any", "Literal", "overload"),
            "ai_client._client.modes": ("Async", "AsyncRaw", "AsyncStreaming", "Raw", "Streaming", "Sync"),
            "ai_client._answers.raw_response": ANSWER_VIEWS,
            "ai_client._client.operation": ("overloaded",),
            "ai_client._answers.stream": ("AsyncStream", "Stream"),
        }.items():
            for name in names:
                self._imports.add(module, name)
        result, event = self._result(signature), self._name(signature.event)
        whole, piecewise = "Literal[False] | None = None", "Literal[True]"
        both, unread = f"{result} | {{}}[{event}]", f"APIResponse[{result}]"
        forms = []
        for prefix, mode in (("", "Sync"), ("async ", "Async")):
            stream = "Stream" if mode == "Sync" else "AsyncStream"
            forms += [
                (prefix, mode, whole, result),
                (prefix, mode, piecewise, f"{stream}[{event}]"),
                (prefix, mode, "bool", both.format(stream)),
            ]
        forms += [
            ("", "Raw", "bool | None = None", f"LegacyAPIResponse[{result}]"),
            ("async ", "AsyncRaw", "bool | None = None", f"LegacyAPIResponse[{result}]"),
            ("", "Streaming", "bool | None = None", f"ResponseContextManager[{unread}]"),
            ("", "AsyncStreaming", "bool | None = None", f"AsyncResponseContextManager[Async{unread}]"),
        ]
        name = signature.method.name
        overloads = [
            f"    @overload\n    {prefix}def {name}({self._parameters(signature, mode, stream)}) -> {returns}: ..."
            for prefix, mode, stream, returns in forms
        ]
        names = "".join(f", {part}: str" for part in self._positional(signature))
        keywords = "".join(f", {part}: str" for part in self._keywords(signature))
        star = ", *" if keywords else ""
        overloads.append(
            f"    @overloaded\n"
            f"    async def {name}(self{names}{star}{keywords}, **params: Any) -> Any:\n"
            f"        {self._docstring(signature)}\n"
            f"        return await {self._call(signature)}"
        )
        return "\n".join(overloads)

    def _parameters(self, signature: Signature, mode: str = "", stream: str = "") -> str:
        """Return a method's parameters: the last path parameter is positional, the others are keywords."""
        parts = [f'self: "{self._owner}[{mode}]"' if mode else "self"]
        parts += [f"{name}: str" for name in self._positional(signature)]
        keywords = [f"{name}: str" for name in self._keywords(signature)]
        if stream:
            keywords.append(f"stream: {stream}")
        if keywords:
            parts += ["*", *keywords]
        unpack = self._imports.add("typing", "Unpack")
        parts.append(f"**{self._given(signature)}: {unpack}[{self._accepts(signature)}]")
        return ", ".join(parts)

    def _positional(self, signature: Signature) -> list[str]:
        return signature.call.path_names[-1:]

    def _keywords(self, signature: Signature) -> list[str]:
        return signature.call.path_names[:-1]

    def _given(self, signature: Signature) -> str:
        return "params" if signature.parameters or signature.event is not None else "options"

    def _accepts(self, signature: Signature) -> str:
        if signature.parameters is None:
            return self._imports.add("ai_client._params.omit", "MethodOptions")
        graph = self._api.graph
        name = graph.names[signature.parameters] + ("Base" if signature.method.apart else "")
        return self._from_types(graph.modules[signature.parameters], name)

    def _call(self, signature: Signature) -> str:
        arguments = [
            f'"{signature.call.verb}"',
            self._path(signature),
            self._accepts(signature),
            self._given(signature),
            self._cast(signature),
        ]
        if signature.event is not None:
            arguments.append(f"stream={self._name(signature.event)}")
        if headers := self._headers(signature):
            arguments.append(f"headers={headers!r}")
        if query := self._query(signature):
            arguments.append(f"query={query!r}")
        if files := self._files(signature):
            arguments.append(f"files={files!r}")
        return f"self._call({', '.join(arguments)})"

    def _path(self, signature: Signature) -> str:
        template = signature.call.path
        names = signature.call.path_names
        if not names:
            return f'"{template}"'
        self._imports.add("ai_client._params.query", "path")
        return f'path("{template}", {", ".join(f"{name}={name}" for name in names)})'

    def _cast(self, signature: Signature) -> str:
        result = self._result(signature)
        if result == "None":
            return "type(None)"
        if isinstance(signature.result, Ref) and not self._is_class(signature.result):
            return f'{self._imports.add("typing", "cast")}("type[{result}]", {result})'
        return result

    def _is_class(self, shape: Ref) -> bool:
        return isinstance(self._api.parser.definitions[shape.key].shape, Object)

    def _result(self, signature: Signature) -> str:
        kind = signature.method.result
        if kind in ANSWERS:
            return (
                self._imports.add("ai_client._answers.binary", "BinaryResponse")
                if kind == "binary"
                else ANSWERS[kind]
            )
        if found := self._api.result_name(signature):
            return self._from_types(*found)
        return "None" if signature.result is None else "object"

    def _name(self, shape: Shape | None) -> str:
        assert isinstance(shape, Ref)  # noqa: S101 - events are definitions
        node = self._api.graph.shared(Node(shape.key, RESULT))
        return self._from_types(self._api.graph.modules[node], self._api.graph.names[node])

    def _from_types(self, module: str, name: str) -> str:
        return self._imports.add(f"ai_client.types.{module.replace('/', '.')}", name)

    def _headers(self, signature: Signature) -> dict[str, str]:
        """Return the headers that the API or the official SDK expects besides the usual ones."""
        headers = dict(ACCEPTED.get(self._result(signature), {}))
        if self._files(signature) and not signature.method.json_without_files:
            headers["Content-Type"] = "multipart/form-data"
        return headers | dict(signature.method.headers)

    def _query(self, signature: Signature) -> tuple[str, ...]:
        """Return the query parameters of a method that is not a GET."""
        if signature.call.verb == "GET":
            return ()
        return tuple(each["name"].removesuffix("[]") for each in signature.call.parameters("query"))

    def _files(self, signature: Signature) -> tuple[str, ...]:
        """Return the parameters that are sent as files."""
        if not signature.multipart or signature.parameters is None:
            return ()
        shape = self._api.graph.definition(signature.parameters).shape
        assert isinstance(shape, Object)  # noqa: S101 - parameters are one by construction
        return tuple(field.name.removesuffix("[]") for field in shape.fields if self._is_file(field.shape))

    def _is_file(self, shape: Shape) -> bool:
        match shape:
            case Scalar(name):
                return name == "file"
            case Nullable(of):
                return self._is_file(of)
            case Array(item):
                return self._is_file(item)
            case Union(members):
                return any(self._is_file(member) for member in members)
            case Ref(key):
                return self._is_file(self._api.parser.definitions[key].shape)
            case _:
                return False

    def _docstring(self, signature: Signature) -> str:
        method, text = signature.method, f"Send `{signature.method.call}`"
        if summary := self._api.prose.summary(method.path):
            text = summary.removesuffix(".")
        elif method.page:
            text = f"List the items of `{method.call}`, page by page"
        elif signature.event is not None:
            text += "; with `stream=True`, return its events as they come"
        elif method.result == "binary":
            text += " and return the body of the answer"
        return f'"""{text}{", which is deprecated" if method.deprecated else ""}."""'
