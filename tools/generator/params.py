"""Generate the types of parameters: TypedDicts."""

import keyword
from collections.abc import Set as AbstractSet

from .description import DescriptionError
from .graph import Node
from .outline import Method
from .prose import Owner
from .rules import PARAM
from .shapes import Array, Choice, Field, Nullable, Object, Ref, Scalar, Shape, Table, Union
from .words import python_name, sentence
from .writer import Writer


class ParamWriter(Writer):
    """Generates the TypedDicts of one module."""

    use = PARAM

    def write(self, node: Node, later: AbstractSet[Node]) -> str:
        """Return the code of one definition; references to definitions in *later* are quoted."""
        definition, name = self._graph.definition(node), self._graph.names[node]
        if not isinstance(definition.shape, Object):
            self._imports.add("typing", "TypeAlias")
            return f"{name}: TypeAlias = {self.annotation(self._graph.leaves(definition.shape))}"
        owner = Owner(self._module, (name,), is_param=True)
        return self._typed_dict(name, definition.shape, self._docstring(definition, name), later, owner=owner)

    def method(self, node: Node, method: Method, later: AbstractSet[Node]) -> str:
        """Return the parameters of a method; those that select the result type are separated from a common base."""
        name, shape = self._graph.names[node], self._graph.definition(node).shape
        assert isinstance(shape, Object)  # noqa: S101 - parameters are one by construction
        options = self._imports.add("ai_client._params.omit", "MethodOptions")
        forms = tuple(f"{name}{form}" for form in ("", "Base", "NonStreaming", "Streaming"))
        owner = Owner(self._module, (*forms, *method.bare), is_param=True, operation=method.path)
        about = f"Keyword arguments of `{method.path}`"
        if not method.apart:
            return self._typed_dict(name, shape, f"{about}.", later, owner=owner, base=options)
        rest = Object(tuple(field for field in shape.fields if field.name not in method.apart))
        apart = tuple(field for field in shape.fields if field.name in method.apart)
        but = " and ".join(f"`{field.name}`" for field in apart)
        base = self._base(f"{name}Base", rest, method, f"{about}, but {but}", later, owner=owner)
        if not method.stream:
            whole = self._typed_dict(name, Object(apart), f"{about}.", later, owner=owner, base=f"{name}Base")
            return f"{base}\n\n\n{whole}"
        self._imports.add("typing", "TypeAlias")
        return "\n\n\n".join(
            (
                base,
                self._form(
                    f"{name}NonStreaming",
                    apart,
                    f"{about} for an answer that is no stream.",
                    later,
                    owner=owner,
                ),
                self._form(f"{name}Streaming", apart, f"{about} for a stream.", later, owner=owner),
                f"{name}: TypeAlias = {name}NonStreaming | {name}Streaming",
            )
        )

    def _base(
        self, name: str, rest: Object, method: Method, about: str, later: AbstractSet[Node], *, owner: Owner
    ) -> str:
        """Return the common base of the forms, on top of the smaller bases that the map names."""
        holder = self._imports.add("ai_client._params.omit", "MethodOptions")
        text = ""
        for bare, typed in method.bare.items():
            if rest.field(typed) is None:
                raise DescriptionError(f"{method.path} has no parameter {typed!r} to leave out of {bare}")
            less = Object(tuple(field for field in rest.fields if field.name != typed))
            but = f"{about} and `{typed}`."
            text += self._typed_dict(bare, less, but, later, owner=owner, base=holder) + "\n\n\n"
            rest, holder = Object(tuple(field for field in rest.fields if field.name == typed)), bare
        return text + self._typed_dict(name, rest, f"{about}.", later, owner=owner, base=holder)

    def _form(
        self, name: str, apart: tuple[Field, ...], about: str, later: AbstractSet[Node], *, owner: Owner
    ) -> str:
        """Return the parameters of one form, streaming or not."""
        streaming = not name.endswith("NonStreaming")
        stream = Choice((True,)) if streaming else Nullable(Choice((False,)))
        fields = [field for field in apart if field.name != "stream"]
        fields.append(Field("stream", stream, required=streaming))
        base = name.removesuffix("NonStreaming").removesuffix("Streaming") + "Base"
        return self._typed_dict(name, Object(tuple(fields)), about, later, owner=owner, base=base)

    def annotation(self, shape: Shape) -> str:
        """Return a shape as a type annotation."""
        match shape:
            case Nullable(of):
                return f"{self.annotation(of)} | None"
            case Ref(key):
                return self._graph.names[self._named(key)]
            case Scalar("file"):
                return self._imports.add("ai_client._params.files", "FileTypes")
            case Scalar(name):
                return name
            case Choice(values):
                return f"{self._imports.add('typing', 'Literal')}[{', '.join(map(repr, values))}]"
            case Array(item):
                kind = "Sequence" if self._is_scalar(item) else "Iterable"
                return f"{self._imports.add('collections.abc', kind)}[{self.annotation(item)}]"
            case Table(value):
                return f"{self._imports.add('collections.abc', 'Mapping')}[str, {self.annotation(value)}]"
            case Union():
                opened = self._graph.leaves(shape)
                members = opened.members if isinstance(opened, Union) else (opened,)
                return " | ".join(dict.fromkeys(self.annotation(each) for each in members))
            case _:
                return "object"

    def _is_scalar(self, shape: Shape) -> bool:
        if isinstance(shape, Ref):
            return self._is_scalar(self._graph.parser.definitions[shape.key].shape)
        if isinstance(shape, Union):
            return all(self._is_scalar(member) for member in shape.members)
        return isinstance(shape, Scalar | Choice)

    def _typed_dict(
        self,
        name: str,
        shape: Object,
        about: str,
        later: AbstractSet[Node],
        *,
        owner: Owner,
        base: str | None = None,
    ) -> str:
        fields = sorted(shape.fields, key=lambda field: not field.required)
        odd = [field for field in fields if not _is_key(field.name)]
        if odd and not base:
            return self._functional(name, fields, later)
        holder = base or self._imports.add("typing", "TypedDict")
        lines = [f"class {name}({holder}, total=False):", f'    """{about}"""', ""]
        for field in fields:
            line = f"{python_name(field.name.removesuffix('[]'))}: {self._value(field, later)}"
            lines += self._described(line, field, owner)
        return "\n".join(lines).rstrip()

    def _functional(self, name: str, fields: list[Field], later: AbstractSet[Node]) -> str:
        call = self._imports.add("typing", "TypedDict")
        parts = "".join(f"    {field.name!r}: {self._value(field, later)},\n" for field in fields)
        return f'{name} = {call}("{name}", {{\n{parts}}}, total=False)'

    def _value(self, field: Field, later: AbstractSet[Node]) -> str:
        shape = self._graph.expand(field.shape)
        self.seen.clear()
        text = self._quoted(self.annotation(shape), later)
        return f"{self._imports.add('typing', 'Required')}[{text}]" if field.required else text

    def _alone(self, name: str) -> str:
        return f"{sentence(name.removesuffix('Param'))}, to send."


def _is_key(name: str) -> bool:
    return name.removesuffix("[]").isidentifier() and not keyword.iskeyword(name)
