"""The resources and their methods, as the map lists them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from .description import DescriptionError, check_keys
from .words import singular

PAGES = {
    "Page": "PlainListing",
    "CursorPage": "CursorListing",
    "ConversationCursorPage": "ConversationCursorListing",
    "NextCursorPage": "NextCursorListing",
}
"""The result of a method that lists, by the name of its page class."""


@dataclass(frozen=True)
class Method:
    """One method of a resource."""

    resource: str
    name: str
    call: str
    stream: bool | str = False
    """Whether `stream=True` returns events; the schema of one where the description lacks it."""
    page: str | None = None
    """The page class of a method that lists."""
    result: str | None = None
    """The public name of the result where it differs from the schema's, or `binary`, `text` or `none`."""
    params: str | None = None
    """The public name of the parameters where it is not derived from resource and method."""
    body: str | None = None
    """The content type to describe where the operation takes several."""
    apart: tuple[str, ...] = ()
    """Parameters that select the result type, so that the overloads name them one by one."""
    bare: dict[str, str] = field(default_factory=dict)
    """Names of further bases of the parameters, and the parameter that each lacks: `parse` takes that as a type."""
    headers: tuple[tuple[str, str], ...] = ()
    """Headers of the request; the caller's take precedence."""
    json_without_files: bool = False
    """Whether it sends JSON instead of a form where no file is given."""
    deprecated: bool = False

    @property
    def path(self) -> str:
        """Its dotted path below a client."""
        return f"{self.resource}.{self.name}"


@dataclass(frozen=True)
class Resource:
    """One resource, and the modules of types that only it uses."""

    path: str
    module: str
    events: str
    params: str
    methods: tuple[Method, ...]
    hand: tuple[str, ...] = ()
    """Handwritten methods, in a subclass next to the generated class."""
    later: tuple[str, ...] = ()
    """Methods yet to be written by hand."""
    same: str | None = None
    """The resource that this is an alias of."""


KEYS = frozenset({"events", "hand", "headers", "later", "methods", "module", "params", "same"})
METHOD_KEYS = frozenset(each.name for each in fields(Method)) - {"resource", "name"}


def resource_of(path: str, rule: Mapping[str, Any]) -> Resource:
    """Parse one resource of the map."""
    check_keys(rule, KEYS, f"resource {path}")
    *parents, last = path.split(".")
    module = rule.get("module", "/".join([*parents, singular(last)]))
    shared = rule.get("headers", {})
    return Resource(
        path,
        module,
        rule.get("events", module),
        rule.get("params", module),
        tuple(_method(path, name, text, shared) for name, text in rule.get("methods", {}).items()),
        tuple(rule.get("hand", ())),
        tuple(rule.get("later", ())),
        rule.get("same"),
    )


def _method(resource: str, name: str, text: str | Mapping[str, Any], headers: Mapping[str, str]) -> Method:
    rule = {"call": text} if isinstance(text, str) else dict(text)
    check_keys(rule, METHOD_KEYS, f"method {resource}.{name}")
    if "call" not in rule:
        raise DescriptionError(f"method {resource}.{name} needs its `call`")
    if rule.get("page") not in {None, *PAGES}:
        raise DescriptionError(f"method {resource}.{name}: a page is one of {', '.join(PAGES)}")
    rule["headers"] = tuple({**headers, **rule.get("headers", {})}.items())
    rule["apart"] = tuple(rule.get("apart", ())) + (("stream",) if rule.get("stream") else ())
    return Method(resource, name, **rule)
