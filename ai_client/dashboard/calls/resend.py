"""Sending a call again from its page: the form, and what comes of it."""

import secrets
from collections.abc import Mapping
from typing import Any, cast

from ...operations.journal import JournalContent, JournalEntry
from ...operations.page import RenderedPage
from ..forms import FormToken, is_own_form
from ..markup import Html, tag
from ..replies import redirect_reply
from ..request import PageRequest
from .forms_sent import SentForm, sent_forms
from .sending import ENDPOINT, LONGEST, fault_of, send_again

_NUMBER = "number"
_MODEL = "model"
_FRESH = "fresh"
_LONGEST_NUMBER = 64
SENT = "sent"
"""The parameter of a call's page that names a form of it that was sent."""


def sending_section(
    request: PageRequest, entry: JournalEntry, content: JournalContent | None, token: FormToken
) -> Html:
    """Return the section with the form, or with why there is none."""
    fault = fault_of(entry, content)
    sent = sent_forms().get(request.parameters.get(SENT, ""))
    return tag(
        "section",
        tag("h2", "Send again", id="send-again"),
        _note(request, sent) if sent is not None else None,
        _form(request, entry, token)
        if fault is None
        else tag("p", f"This call cannot be sent again. {fault}"),
    )


def _note(request: PageRequest, sent: SentForm) -> Html:
    """Return what came of a form, and where the call that it sent is."""
    link = None if sent.id is None else tag("a", "To the call", href=request.address(f"calls/{sent.id}"))
    return tag("p", f"{sent.text} ", link, role="status", class_="note")


def _form(request: PageRequest, entry: JournalEntry, token: FormToken) -> Html:
    model = tag(
        "label",
        tag("span", "Model"),
        tag(
            "input",
            type="text",
            name=_MODEL,
            value=entry.model,
            required=True,
            autocomplete="off",
            spellcheck="false",
        ),
    )
    fresh = tag(
        "label",
        tag("input", type="checkbox", name=_FRESH, value="yes", checked=True),
        tag("span", "Take no cached answer"),
    )
    return tag(
        "form",
        token.field,
        tag("input", type="hidden", name=_NUMBER, value=secrets.token_urlsafe(16)),
        tag(
            "p",
            f"It is sent by this process under all controls, takes at most {LONGEST:g} seconds, costs what such a call"
            f" costs, and counts for the endpoint \u201c{ENDPOINT}\u201d and the same tenant. Headers and query"
            " parameters that it had of its own are not sent.",
        ),
        model if entry.model is not None else None,
        fresh,
        tag("button", "Send again"),
        action=request.address(f"calls/{entry.id}/again"),
        method="post",
        class_="again",
    )


def answer_form(
    provider: Any, request: PageRequest, entry: JournalEntry, content: JournalContent | None
) -> RenderedPage | str:
    """Send a call again as the form of its page asks, once for each form, and return where the browser is led.

    Returns:
        A sentence where the form is refused.
    """
    if not is_own_form(request):
        return "The form did not come from this page, or is too old: open the page of the call again."
    number = request.fields.get(_NUMBER, "")
    if not 0 < len(number) <= _LONGEST_NUMBER:
        return "The form is not complete: open the page of the call again."
    if (fault := fault_of(entry, content)) is not None or content is None:
        return f"This call cannot be sent again. {fault}"
    here = request.address(f"calls/{entry.id}", {SENT: number})
    if sent_forms().take(number):
        body = dict(cast("Mapping[str, Any]", content.request))
        if model := request.fields.get(_MODEL, "").strip():
            body["model"] = model
        call = send_again(provider, entry, body, fresh=_FRESH in request.fields)
        text = call.error or ("It was sent." if call.id else "It was sent, and the journal did not keep it.")
        sent_forms().note(number, SentForm(text, call.id))
    sent = sent_forms().get(number)
    if sent is not None and sent.id is not None:
        return redirect_reply(request.address(f"calls/{sent.id}"))
    return redirect_reply(f"{here}#send-again")
