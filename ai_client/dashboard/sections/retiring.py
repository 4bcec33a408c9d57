"""The section about models that are switched off soon."""

from ..markup import Child, tag
from ..retirement import RetiringModel
from ..shown import shown_count
from ..tables import badge, table
from .view import PageView, Section


def _rows(view: PageView) -> list[RetiringModel]:
    return view.gathered.retiring.value or []


def _body(view: PageView) -> Child:
    if view.gathered.retiring.value is None:
        return tag(
            "p",
            "The API has not said which models it has, so that nothing is known of their end.",
            class_="quiet",
        )
    rows = _rows(view)
    if not rows:
        return tag("p", "No model in use is known to be switched off soon.", class_="quiet good")
    cells = (
        ([one.model, tag("p", one.message, class_="quiet")], _badge(view, one), one.client) for one in rows
    )
    return table("Models that are switched off", ["Model", "Switched off", "Client"], cells, wide=True)


def _badge(view: PageView, one: RetiringModel) -> Child:
    if one.shutdown_date is None:
        return badge("not listed", "warn")
    day = tag("time", f"{one.shutdown_date:%-d %b %Y}", datetime=one.shutdown_date.isoformat())
    left = (one.shutdown_date - view.gathered.at.date()).days
    return [
        day,
        " ",
        badge("over" if one.is_over else shown_count(left, "day"), "bad" if one.is_over else "warn"),
    ]


SECTION = Section(
    "models",
    "Models near retirement",
    "Models in use that the API says it will switch off within 60 days",
    'controls={"models": {...}}',
    RetiringModel,
    _rows,
    _body,
)
