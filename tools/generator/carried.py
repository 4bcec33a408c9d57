"""Annotations of other modules, carried into a stub together with what they import."""

import ast
import builtins
from collections import defaultdict
from collections.abc import Collection
from copy import deepcopy

from .sources import Sources, statements


class Carried(ast.NodeTransformer):
    """The imports of one stub, collected while annotations are carried into it."""

    def __init__(self, sources: Sources, own: Collection[str]) -> None:
        self._sources = sources
        self._taken = set(own)
        self._local: dict[tuple[str, str | None], str] = {}
        self._module = ""
        self._hidden: Collection[str] = ()
        self._is_value = False

    def carry(self, annotation: ast.expr, module: str, hidden: Collection[str] = ()) -> str:
        """Return an annotation of *module* as text; names in *hidden* are not the builtins that they seem to be."""
        self._module, self._hidden, self._is_value = module, hidden, False
        return ast.unparse(self.visit(deepcopy(annotation)))

    def value(self, default: ast.expr, module: str) -> str:
        """Return a default of *module* as text."""
        self._module, self._hidden, self._is_value = module, (), True
        return ast.unparse(self.visit(deepcopy(default)))

    def name(self, module: str, name: str | None) -> str:
        """Import a name, or a module, and return what it is called in the stub."""
        key = (module, name)
        if key not in self._local:
            local = plain = name or module
            number = 1
            while local in self._taken:
                number += 1
                local = f"{plain}{number}"
            self._taken.add(local)
            self._local[key] = local
        return self._local[key]

    def text(self) -> str:
        """Return the import statements; the formatter sorts them."""
        modules = [f"import {module}" for module, name in self._local if name is None]
        named: dict[str, list[str]] = defaultdict(list)
        for (module, name), local in self._local.items():
            if name is not None:
                named[module].append(name if name == local else f"{name} as {local}")
        return "\n".join(
            modules + [f"from {module} import {', '.join(names)}" for module, names in named.items()]
        )

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Import what a name refers to."""
        home = self._sources.imports(self._module).get(node.id)
        if home is not None:
            return ast.Name(self.name(*home))
        if not self._defines(node.id) and hasattr(builtins, node.id):
            if node.id not in self._hidden:
                return node
            return ast.Attribute(ast.Name(self.name("builtins", None)), node.id)
        return ast.Name(self.name(self._module, node.id))

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        """Leave the values of a literal alone."""
        if isinstance(node.value, ast.Name) and node.value.id == "Literal":
            node.value = self.visit(node.value)
        else:
            self.generic_visit(node)
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        """Open what is quoted."""
        if self._is_value or not isinstance(node.value, str):
            return node
        opened: ast.expr = self.visit(ast.parse(node.value, mode="eval").body)
        return opened

    def _defines(self, name: str) -> bool:
        for node in statements(self._sources.tree(self._module).body):
            match node:
                case ast.ClassDef(name=each) | ast.FunctionDef(name=each) if each == name:
                    return True
                case ast.Assign(targets=[ast.Name(id=each)]) | ast.AnnAssign(target=ast.Name(id=each)) if (
                    each == name
                ):
                    return True
                case _:
                    continue
        return False
