"""The pipeline: policies around the innermost step of a call."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Protocol, TypeAlias

from ..errors import ConfigError
from .call import Call, Reply
from .own_policy import OwnPolicy, is_ours

Next = Callable[[Call], Awaitable[Reply]]
"""The rest of the pipeline: further policies, then the innermost step."""


class Policy(Protocol):
    """A policy: awaits `proceed` any number of times, and returns a reply or raises an `OpenAIError`.

    Usually a coroutine function; one that only reads the call may return `proceed(call)` itself. A policy with
    `for_sessions = False` is left out where a session over a WebSocket is opened.
    """

    def __call__(self, call: Call, proceed: Next, /) -> Awaitable[Reply]:
        """Handle *call*; await *proceed* for the rest of the pipeline."""
        ...


Layer: TypeAlias = Policy
"""The name of `Policy` that the keyword `layers` goes by."""


def chained(layers: Sequence[Policy], last: Next) -> Next:
    """Wrap the last step in policies, the first of them outermost."""
    for layer in reversed(_paired(layers)):
        last = _around(layer, last)
    return last


def _paired(layers: Iterable[Policy]) -> list[Policy]:
    """Return policies, with one in place of two adjacent ones that it does in less time; the outer one makes it."""
    found: list[Policy] = []
    for layer in layers:
        outer: Any = found[-1] if found and is_ours(found[-1]) else None
        pair = outer._with(layer) if hasattr(outer, "_with") else None
        found[-1:] = [*found[-1:], layer] if pair is None else [pair]
    return found


def together(layers: Iterable[Policy]) -> tuple[Policy, ...]:
    """Join adjacent policies that can act as one; such a policy has a method `_joined`.

    Raises:
        ConfigError: One is no policy.
    """
    if not isinstance(layers, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigError(f"layers must be a sequence of policies, not {type(layers).__name__}.")
    found: list[Policy] = []
    for layer in layers:
        if isinstance(layer, type) or not callable(layer):
            raise ConfigError(f"layers must hold policies, which are called with a call, not {_name(layer)}.")
        joined = getattr(layer, "_joined", None)
        found[-1:] = [*found[-1:], layer] if joined is None else joined(found[-1:])
    return tuple(found)


def _name(given: object) -> str:
    return f"the class {given.__name__}" if isinstance(given, type) else type(given).__name__


def _around(layer: Policy, proceed: Next) -> Next:
    if not is_ours(layer):
        return OwnPolicy(layer, proceed).__call__
    handle = layer.__call__  # bound once: half the time of calling an object

    def step(call: Call) -> Awaitable[Reply]:
        return handle(call, proceed)

    return step
