"""A scan from its directories to its report."""

import ast
import re
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from .clients import ClientClasses
from .entries import EntryPoints
from .findings import ScanFinding, ScanReport
from .hints import fix_for, framework_of
from .reaching import Construction, Reaching
from .reading import Reading
from .resolving import Resolver
from .scopes import Function
from .sources import sources

_IGNORED = re.compile(r"#\s*ai-client:\s*ignore\b")


def scan(
    paths: Sequence[str | Path],
    *,
    also: Iterable[str] = (),
    on_progress: Callable[[str], None] | None = None,
) -> ScanReport:
    """Find clients that are built while requests are served.

    A file is parsed if it mentions a client's class, or what leads to one: all others are only searched for names.

    Args:
        paths: Directories and files. Tests, virtual environments and hidden folders below them are left out.
        also: Further classes, as `module.Class`, or the name of a library of `LIBRARIES`.
        on_progress: Called with what goes on.
    """
    began = time.monotonic()
    reading = Reading(sources([Path(path) for path in paths]), on_progress or (lambda _: None))
    resolver = Resolver(reading.modules)
    clients = ClientClasses(resolver, also)
    reading.follow(clients)
    entries = EntryPoints(resolver)
    built = Reaching(resolver, clients).walk(
        entry for module in list(reading.modules.all) for entry in entries.of(module)
    )
    findings = [_finding(one) for one in built if not _is_ignored(one)]
    findings.sort(key=lambda one: (one.path, one.line, one.column))
    return ScanReport(tuple(findings), tuple(reading.unread), reading.count, time.monotonic() - began)


def _is_ignored(built: Construction) -> bool:
    last = built.node.end_lineno or built.node.lineno
    lines = built.owner.module.lines[built.node.lineno - 1 : last]
    return any(map(_IGNORED.search, lines))


def _finding(built: Construction) -> ScanFinding:
    entry, node = built.entry.function.scope, built.node
    framework = framework_of(entry.module) or framework_of(built.owner.module)
    called = node.func if isinstance(node, ast.Call) else node
    return ScanFinding(
        path=built.owner.module.path,
        line=node.lineno,
        column=node.col_offset + 1,
        client=ast.unparse(called),
        function=built.owner.name or "<module>",
        serves=built.entry.kind,
        entry=entry.name,
        entry_path=entry.module.path,
        entry_line=_line_of(entry),
        fix=fix_for(built, framework),
    )


def _line_of(function: Function) -> int:
    return function.definition.lineno
