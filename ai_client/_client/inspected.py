"""Signatures of operations for `inspect`: each keyword by name, computed on demand."""

from collections.abc import Callable
from inspect import Parameter, Signature, signature
from typing import Any, NotRequired, Required, TypeVar, get_args, get_origin, get_overloads

from .._models.accessor import accessor
from .._params.omit import OPTIONS, not_given, omit

F = TypeVar("F", bound=Callable[..., Any])

_UNSET = {**dict.fromkeys(OPTIONS, None), "timeout": not_given}
"""The defaults of request options; all other keywords that may be left out default to `omit`."""


def show(method: F, written: Callable[..., Any], behind: Callable[..., Any] | None = None) -> F:
    """Have `inspect.signature` show the keywords of *written* for *method*, and return it.

    What unwraps it finds the like of *behind*, by default of *written*: a coroutine function or a plain one.
    """
    method.__wrapped__ = Inspected(behind or written, written)  # type: ignore[attr-defined]
    return method


def shown(method: F) -> F:
    """Have `inspect.signature` show the keywords of a plain method."""
    return show(method, method)


class Inspected:
    """The innermost of the wrapped functions of a method: it has the signature, and otherwise acts as a function.

    Args:
        function: The function whose attributes it has.
        written: The method as it is written, whose annotations and overloads name the keywords.
    """

    def __init__(self, function: Callable[..., Any], written: Callable[..., Any]) -> None:
        self._function = function
        self._written = written
        self.__module__ = function.__module__
        self.__doc__ = function.__doc__

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._function(*args, **kwargs)

    @accessor
    def __signature__(self) -> Signature:
        return signature_of(self._written)

    def __getattr__(self, name: str) -> Any:
        if name == "__wrapped__":  # which would lead back here
            raise AttributeError(name)
        return getattr(self._function, name)


def signature_of(method: Callable[..., Any]) -> Signature:
    """Return the signature of a method, its overloads taken together and `**params: Unpack[...]` spelled out."""
    forms = [_spelled(form) for form in get_overloads(method) or (method,)]
    first = {name: parameter for form in reversed(forms) for name, parameter in form.items()}
    parameters = [
        parameter.replace(default=_default(name, forms))
        if parameter.kind is Parameter.KEYWORD_ONLY
        else parameter
        for name, parameter in first.items()
    ]
    returns = signature(method, follow_wrapped=False).return_annotation
    return Signature(sorted(parameters, key=lambda each: each.kind), return_annotation=returns)


def _default(name: str, forms: list[dict[str, Parameter]]) -> object:
    """Return the default of a keyword, which may be left out where one of the forms does without it."""
    for form in forms:
        if name not in form:
            return omit
        if form[name].default is not Parameter.empty:
            return form[name].default
    return Parameter.empty


def _spelled(form: Callable[..., Any]) -> dict[str, Parameter]:
    spelled: dict[str, Parameter] = {}
    for name, parameter in signature(form, follow_wrapped=False).parameters.items():
        params = get_args(parameter.annotation) if parameter.kind is Parameter.VAR_KEYWORD else ()
        if not params:
            spelled[name] = parameter
            continue
        required: frozenset[str] = params[0].__required_keys__
        for key, annotation in params[0].__annotations__.items():
            default = Parameter.empty if key in required else _UNSET.get(key, omit)
            spelled[key] = Parameter(
                key, Parameter.KEYWORD_ONLY, default=default, annotation=_bare(annotation)
            )
    return spelled


def _bare(annotation: Any) -> Any:
    """Return the type of a key, without the mark of whether it must be there."""
    while get_origin(annotation) in (Required, NotRequired):
        (annotation,) = get_args(annotation)
    return annotation
