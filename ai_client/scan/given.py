"""Arguments that a call gives, in place of which a function would build a client: `client or OpenAI()`."""

import ast

from .scopes import Function, Owner

_NOTHING = frozenset[str]()


def given_by(node: ast.Call, function: Function) -> frozenset[str]:
    """Return the parameters of a function that a call gives a value."""
    pairs = [
        *zip(function.arguments, node.args, strict=False),
        *((word.arg, word.value) for word in node.keywords),
    ]
    return frozenset(
        name
        for name, value in pairs
        if name and not (isinstance(value, ast.Constant) and value.value is None)
    )


def is_for_missing(node: ast.AST, owner: Owner, given: frozenset[str]) -> bool:
    """Return whether a node runs only where an argument is missing that is given."""
    parents = owner.module.parents
    child = node
    while given and child is not owner.node and (parent := parents.get(child)) is not None:
        if isinstance(parent, ast.BoolOp) and isinstance(parent.op, ast.Or):
            if any(
                isinstance(one, ast.Name) and one.id in given for one in parent.values if one is not child
            ):
                return True
        elif (
            isinstance(parent, ast.If | ast.IfExp) and child is not parent.test and _asks(parent.test, given)
        ):
            return True
        child = parent
    return False


def _asks(test: ast.expr, given: frozenset[str]) -> bool:
    """Return whether a condition compares a given argument with `None`, or asks whether it is there."""
    asked = (
        test.operand
        if isinstance(test, ast.UnaryOp)
        else test.left
        if isinstance(test, ast.Compare)
        else test
    )
    against = test.comparators if isinstance(test, ast.Compare) else []
    is_none = all(isinstance(one, ast.Constant) and one.value is None for one in against)
    return is_none and isinstance(asked, ast.Name) and asked.id in given
