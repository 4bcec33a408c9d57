"""Generate the `__init__` modules of types: packages export all names, and modules load on first use."""

from collections import defaultdict

from .api import Api
from .modules import HEADER
from .rules import package_of


def write_packages(api: Api) -> dict[str, str]:
    """Return the `__init__` of every package, by the package's path below `types/`."""
    packages = public_names(api)
    return {package: _init(package, names, packages) for package, names in packages.items()}


def public_names(api: Api) -> dict[str, dict[str, str]]:
    """Return the names that each package exports, with their modules."""
    packages: dict[str, dict[str, str]] = {"": {}}
    for node, module in api.graph.modules.items():
        if not api.graph.is_public(node):
            continue
        names = packages.setdefault(package_of(module), {})
        name = api.graph.names[node]
        names[name] = module
        signature = api.by_parameters.get(node)
        if signature and signature.method.apart:
            names[f"{name}Base"] = module
        if signature and signature.method.stream:
            names |= dict.fromkeys((f"{name}NonStreaming", f"{name}Streaming"), module)
    for module, written in api.rules.written.items():
        packages.setdefault(package_of(module), {}).update(dict.fromkeys(written, module))
    for module, aliases in api.aliases.items():
        packages.setdefault(package_of(module), {}).update(dict.fromkeys(aliases, module))
    for package, others in api.rules.offers.items():
        for other in others:
            packages[package] = packages[other] | packages[package]
    for package in list(packages):
        above = package
        while above := package_of(above):
            packages.setdefault(above, {})
    return packages


def _init(package: str, names: dict[str, str], packages: dict[str, dict[str, str]]) -> str:
    """Return one `__init__`: imports for type checkers, and the table for lazy imports."""
    dotted = package.replace("/", ".")
    inner = sorted(
        each.rpartition("/")[2] for each in packages if each != package and package_of(each) == package
    )
    by_module: dict[str, list[str]] = defaultdict(list)
    for name, module in sorted(names.items()):
        by_module[f"ai_client.types.{module.replace('/', '.')}"].append(name)
    seen = [(f"ai_client.types.{dotted}".rstrip("."), inner)] if inner else []
    shown = [
        f"    from {module} import {', '.join(f'{name} as {name}' for name in exported)}"
        for module, exported in [*seen, *by_module.items()]
    ]
    table = "".join(f"    {module!r}: {' '.join(exported)!r},\n" for module, exported in by_module.items())
    lines = [
        HEADER,
        f'"""Types of the API{f" below `{dotted}`" if dotted else ""}, each module loaded when first used."""',
        "",
        "from typing import TYPE_CHECKING",
        "",
        "from ai_client.types._lazy import Names",
        "",
        "if TYPE_CHECKING:",
        *(shown or ["    pass"]),
        "",
        f"_names = Names(__name__, {{\n{table}}}, {inner!r})",
        "__getattr__ = _names.get",
        "__dir__ = _names.list",
    ]
    return "\n".join(lines) + "\n"
