"""The section about lines of code that build clients again and again."""

from ...operations.workers import ExtraClientLine
from ..markup import Child, tag
from ..tables import number_figure, table
from .view import PageView, Section


def _rows(view: PageView) -> list[ExtraClientLine]:
    """Return the lines, the worst first."""
    return sorted(view.gathered.extra_clients.value, key=lambda one: (-one.count, one.line))


def _body(view: PageView) -> Child:
    rows = _rows(view)
    if not rows:
        return tag("p", "No line of code builds clients while requests are served.", class_="quiet good")
    cells = ((tag("code", one.line), one.client, number_figure(one.count)) for one in rows)
    return [
        tag(
            "p",
            "Each of these clients opens connections of its own; use the client of the application instead.",
            class_="note warn",
        ),
        table("Lines that build clients", ["Line", "Class", "Clients built"], cells, numbers=1, wide=True),
    ]


SECTION = Section(
    "detector",
    "Extra clients",
    "Lines of code that build a client for each request, since the start of each process",
    "warn_on_extra_clients=True",
    ExtraClientLine,
    _rows,
    _body,
)
