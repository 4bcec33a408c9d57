"""The content of a call as HTML: the conversation, and the JSON with what is redacted marked."""

import json
from typing import Any

from ...control.observability.redaction.masking import MASK
from ...operations.journal import JournalContent
from ..markup import Child, Html, joined, tag
from .conversation import conversation_of

_MOST = 100_000
"""Characters of a text that are shown; `data.json` has all of them."""


def content_section(content: JournalContent, whole: str) -> Html:
    """Return the section of a call's content.

    Args:
        content: The content.
        whole: The address at which all of it is.
    """
    request, answer = content.request, content.answer
    turns = conversation_of(request, answer)
    cuts = [
        name for name, is_cut in (("request", content.request_cut), ("answer", content.answer_cut)) if is_cut
    ]
    said = tag(
        "ol",
        (
            tag(
                "li",
                tag("h4", turn.role.capitalize()),
                tag("div", marked(turn.text), class_="said", dir="auto"),
                class_="answered" if turn.answered else None,
            )
            for turn in turns
        ),
        class_="conversation",
    )
    return tag(
        "section",
        tag("h2", "Content"),
        tag("p", f"Not all is kept of its {' and '.join(cuts)}.", class_="note warn") if cuts else None,
        (tag("h3", "Conversation"), said) if turns else None,
        _json("Request as JSON", request, is_open=not turns),
        _json("Answer as JSON", answer, is_open=not turns),
        tag("p", tag("a", "The call with its whole content as JSON", href=whole)),
    )


def marked(text: str) -> Html:
    """Return a text, cut where it is too long to show, in which what is redacted is marked."""
    left = len(text) - _MOST
    shown = text[:_MOST] if left > 0 else text
    parts: list[Child] = []
    for at, part in enumerate(shown.split(MASK)):
        parts += (tag("mark", MASK) if at else None, part)
    if left > 0:
        parts.append(tag("em", f" \u2026 and {left:,} more character{'s' if left > 1 else ''}"))
    return joined(*parts)


def _json(title: str, value: Any, *, is_open: bool) -> Html:
    if value is None:
        return tag("p", f"{title}: there is none.")
    text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
    pre = tag("pre", tag("code", marked(text)), tabindex="0", role="region", aria_label=title)
    return tag("details", tag("summary", title), pre, open=is_open)
