"""The section of a call that shows it as a command of curl."""

from collections.abc import Mapping
from typing import Any, cast

from ...control.observability.redaction.masking import MASK
from ...operations.journal import JournalContent, JournalEntry
from ..markup import Html, tag
from .content import marked
from .curl import curl_command
from .destination import destination_of
from .redacted import is_redacted, is_upload

_ID = "curl-command"


def command_section(provider: Any, entry: JournalEntry, content: JournalContent) -> Html:
    """Return the section, with the command or with why there is none."""
    return tag("section", tag("h2", "As curl"), _command(provider, entry, content))


def _command(provider: Any, entry: JournalEntry, content: JournalContent) -> list[Html]:
    sent: object = content.request
    if is_upload(entry) or entry.method != "POST" or not isinstance(sent, Mapping):
        return [tag("p", "There is no command: it did not post a JSON object.")]
    body = cast("Mapping[str, Any]", sent)
    place = destination_of(provider, entry, body)
    if place is None:
        return [tag("p", "There is no command: this application does not know the address that it went to.")]
    if place.model is not None and "model" in body:
        body = {**body, "model": place.model}
    command = curl_command(place.url, body, key_header=place.key_header, stream=entry.stream)
    notes: list[Html] = []
    if is_redacted(body):
        mark = tag("mark", MASK)
        notes.append(
            tag("p", "Parts are redacted: put the text back where ", mark, " stands.", class_="note warn")
        )
    if content.request_cut:
        notes.append(tag("p", "Parts of the body are not kept: it is not what was sent.", class_="note warn"))
    notes.append(
        tag("p", "Headers and query parameters that the call had of its own are not in it.", class_="quiet")
    )
    return [
        *notes,
        tag("pre", tag("code", marked(command), id=_ID), tabindex="0", role="region", aria_label="Command"),
        tag("p", tag("button", "Copy", type="button", data_copy=f"#{_ID}", hidden=True), class_="copy"),
    ]
