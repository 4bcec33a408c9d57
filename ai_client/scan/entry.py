"""A function that serves requests."""

from dataclasses import dataclass

from .values import FunctionValue


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """A function that serves requests.

    Attributes:
        function: The function, with its object.
        kind: What it is, such as `a route`.
        is_injected: Whether the framework makes its parameters of their annotations.
    """

    function: FunctionValue
    kind: str
    is_injected: bool = False
