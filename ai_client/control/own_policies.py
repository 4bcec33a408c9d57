"""Policies of the application, from the option `policies`: objects, dotted paths and factories, each with a place."""

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal, NotRequired, Required, TypeAlias, TypedDict, cast

from .._call.own_policy import name_of
from .._call.pipeline import Policy
from ..errors import ConfigError
from .options.checking import check_names, checked, mapping, resolved, sequence

PolicyPlace: TypeAlias = Literal["outermost", "target", "innermost"]
"""The position of a policy: around everything, around each target of a fallback chain, or next to the retries."""
PolicyFactory: TypeAlias = Callable[[], Policy]
"""A class or function that returns a policy, called without arguments once per process."""


class PolicyOptions(TypedDict, total=False):
    """One of the `policies` of `controls`.

    Attributes:
        policy: A policy, a factory of one, or the dotted path of either.
        place: Its position; `outermost` by default.
    """

    policy: Required[Policy | PolicyFactory | str]
    place: NotRequired[PolicyPlace]


_PLACE: PolicyPlace = "outermost"
_EXPECTED = "a policy is called with a call and the rest of its way, what makes one without arguments"


def placed(given: object, *, factories: bool) -> dict[PolicyPlace, list[Policy]]:
    """Return the policies of each place, in order.

    Args:
        given: The value of the option, a list.
        factories: Whether to call factories; otherwise they are only validated, and left out.

    Raises:
        ConfigError: An item is neither a policy nor a factory, its path cannot be imported, or its place is
            unknown.
    """
    found: dict[PolicyPlace, list[Policy]] = {"outermost": [], "target": [], "innermost": []}
    for number, item in enumerate(sequence(given, "policies")):
        where = f"policies[{number}]"
        place: PolicyPlace = _PLACE
        if isinstance(item, Mapping):
            options = mapping(cast("object", item), where)
            check_names(f"{where}.", options, ("policy", "place"))
            if "policy" not in options:
                raise ConfigError(f"{where}.policy: this option is required.")
            place = checked(PolicyPlace, options.get("place", _PLACE), f"{where}.place")
            item, where = options["policy"], f"{where}.policy"  # noqa: PLW2901 - what stands in the mapping
        thing = resolved(item, where) if isinstance(item, str) else item
        if not _makes_one(thing, where):
            found[place].append(cast("Policy", thing))
        elif factories:
            found[place].append(_made(cast("PolicyFactory", thing), where))
    return found


def _made(factory: PolicyFactory, where: str) -> Policy:
    """Call a factory and return its policy.

    Raises:
        ConfigError: It raises, or returns something else.
    """
    name = name_of(factory)
    try:
        policy: Any = factory()
    except Exception as error:
        raise ConfigError(f"{where}: {name} failed to make a policy ({type(error).__name__}).") from error
    if inspect.iscoroutine(policy):
        policy.close()
    if isinstance(policy, type) or not callable(policy) or _makes_one(policy, where):
        raise ConfigError(f"{where}: {name} made {name_of(policy)}, which is no policy.")
    return cast("Policy", policy)


def _is_partial_class(thing: object) -> bool:
    return isinstance(thing, partial) and isinstance(cast("partial[Any]", thing).func, type)


def _makes_one(thing: Any, where: str) -> bool:
    """Return whether an object is a factory of a policy rather than a policy.

    Raises:
        ConfigError: It is neither, or could be both.
    """
    if isinstance(thing, type):
        _check_class(thing, where)
        return True
    if not callable(thing):
        raise ConfigError(f"{where}: {_EXPECTED}; this is {name_of(thing)}.")
    if _is_partial_class(thing):
        _check_is_made(thing, where)
        return True
    takes_call = _takes(thing, None, None)
    if inspect.iscoroutinefunction(thing) or inspect.iscoroutinefunction(getattr(thing, "__call__", None)):  # noqa: B004 - looks at what is called
        makes_one = False
    else:
        makes_one = _takes(thing)
        if makes_one and takes_call:
            raise ConfigError(
                f"{where}: {name_of(thing)} can be called with a call and without arguments, so that it may be a policy"
                " or make one: give it two arguments or none."
            )
    if not makes_one and not takes_call:
        raise ConfigError(f"{where}: {_EXPECTED}; {name_of(thing)} takes other arguments.")
    return makes_one


def _check_class(cls: type[Any], where: str) -> None:
    call: object = next((vars(base)["__call__"] for base in cls.__mro__ if "__call__" in vars(base)), None)
    if call is None or (inspect.isfunction(call) and not _takes(call, None, None, None)):
        raise ConfigError(f"{where}: {_EXPECTED}; objects of {name_of(cls)} take no call.")
    _check_is_made(cls, where)


def _check_is_made(make: Callable[..., Any], where: str) -> None:
    if not _takes(make):
        raise ConfigError(
            f"{where}: {name_of(make)} cannot be called without arguments: give an object, or what makes one."
        )


def _takes(function: Callable[..., Any], *args: object) -> bool:
    """Return whether a function can be called with these positional arguments, as far as its signature is known."""
    try:
        inspect.signature(function).bind(*args)
    except TypeError:
        return False
    except ValueError:  # a C function without a signature
        return bool(args)
    return True
