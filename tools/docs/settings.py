"""Tables of the options of clients, of `controls`, and of the keywords of functions."""

import inspect
from collections.abc import Iterator
from importlib import import_module
from typing import Any, NamedTuple, cast

from ai_client.config import ClientConfig
from ai_client.control.assembly import OPTIONS
from tools.docs.notation import descriptions, head, row, type_name, unit
from tools.docs.policies import POLICIES, members


class Setting(NamedTuple):
    """An option of a client; `variable` is that of the environment, or empty."""

    name: str
    annotation: Any
    default: str
    variable: str
    description: str


def all_settings() -> Iterator[Setting]:
    """Yield the options of a client."""
    for name, field in ClientConfig.model_fields.items():
        extra = cast("dict[str, Any]", field.json_schema_extra or {})
        default = "" if field.default is None else f"`{field.default!r}`"
        yield Setting(name, field.annotation, default, extra.get("env", ""), field.description or "")


def settings() -> str:
    """Return the table of all settings."""
    rows = head("Setting", "Type", "Unit", "Default", "Environment", "What it is")
    for one in all_settings():
        variable = one.variable and f"`{one.variable}`"
        amount = unit(one.annotation, one.description)
        rows.append(
            row(f"`{one.name}`", type_name(one.annotation), amount, one.default, variable, one.description)
        )
    return "\n".join(rows)


def controls() -> str:
    """Return the table of the options of `controls`."""
    rows = head("Option", "What it is", "Members")
    for name, text in OPTIONS.items():
        names = [f"`{one.name}`" for one in members(name)] if name in POLICIES else []
        rows.append(row(f"`{name}`", text, ", ".join(names)))
    return "\n".join(rows)


def keywords(path: str) -> str:
    """Return the table of those keywords of a function or class that are no settings."""
    module, _, name = path.rpartition(".")
    thing = getattr(import_module(module), name)
    said = descriptions(thing)
    rows = head("Keyword", "Default", "What it is")
    for one in inspect.signature(thing).parameters.values():
        if one.kind is one.VAR_KEYWORD:
            continue
        if not one.name.startswith("_") and one.name not in ClientConfig.model_fields:
            default = "required" if one.default is one.empty else f"`{one.default!r}`"
            rows.append(row(f"`{one.name}`", "" if one.default is None else default, said[one.name]))
    return "\n".join(rows)
