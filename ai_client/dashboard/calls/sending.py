"""Sending a call again: whether that is possible, the call itself, and the entry that it has in the journal."""

import time
from collections.abc import Mapping
from typing import Any, NamedTuple, cast

from ..._answers.stream import Stream
from ..._call.labels import current_request, labels
from ..._exchange.origins import is_absolute
from ...client import OpenAI
from ...errors import OpenAIError
from ...operations.journal import JournalContent, JournalEntry
from .redacted import is_redacted, is_upload

ENDPOINT = "dashboard: send again"
"""The endpoint under which a call that is sent again counts."""
LONGEST = 60.0
"""Seconds that it may take."""
_PATIENCE = 5.0
"""Seconds to wait until the journal has the entry of a call."""
_PAUSE = 0.1
_NEWEST = 20


class SentCall(NamedTuple):
    """The end of a call that was sent again.

    Attributes:
        id: The id of its entry in the journal, `None` where it has none.
        error: The class and the message of its error, `None` where it has none.
    """

    id: str | None
    error: str | None


def fault_of(entry: JournalEntry, content: JournalContent | None) -> str | None:
    """Return why a call cannot be sent again, as a sentence; `None` where it can."""
    if is_upload(entry):
        return "It sent a file, which the journal does not keep."
    if is_absolute(entry.path) or not entry.path.startswith("/"):
        return "It went to an address of its own."
    if entry.method != "POST":
        return f"It was sent with {entry.method}."
    return "Its content is not kept." if content is None else _fault_in(content)


def _fault_in(content: JournalContent) -> str | None:
    """Return why the request that is kept is not what was sent, as a sentence; `None` where it is."""
    sent: object = content.request
    if not isinstance(sent, Mapping):
        return "It had no body that is a JSON object."
    if content.request_cut:
        return "Parts of its request are not kept: files, pictures, or what was too long."
    return "Parts of its request are redacted." if is_redacted(content.request) else None


def send_again(provider: Any, entry: JournalEntry, body: Mapping[str, Any], *, fresh: bool) -> SentCall:
    """Send a call with the client that sent it, under all its controls; blocks until it has ended.

    Args:
        provider: The provider.
        entry: The call.
        body: What to send.
        fresh: Whether a cached answer is not taken for it.
    """
    earlier = _ids(provider)
    error: str | None = None
    try:
        client: object = provider[entry.client].client
        if not isinstance(client, OpenAI):
            return SentCall(None, "It was not sent: something else stands in the place of the client.")
        _perform(client, entry, body, fresh=fresh)
    except OpenAIError as failure:
        error = f"{type(failure).__name__}: {failure}"
    return SentCall(_new_id(provider, earlier), error)


def _perform(client: Any, entry: JournalEntry, body: Mapping[str, Any], *, fresh: bool) -> None:
    """Perform a call to the end of its answer, within `LONGEST` seconds."""
    given = client.deadline
    bounded = client.with_options(deadline=LONGEST if given is None else min(given, LONGEST))
    options = {"headers": {"cache-control": "no-cache"}} if fresh else {}
    with labels(endpoint=ENDPOINT, tenant=entry.tenant, user=entry.user):
        if not entry.stream:
            bounded.post(entry.path, cast_to=object, body=body, options=options)
            return
        cls = cast("Any", Stream[object])
        stream = bounded.post(
            entry.path, cast_to=object, body=body, options=options, stream=True, stream_cls=cls
        )
        with stream:
            for _ in stream:
                pass


def _ids(provider: Any) -> frozenset[str]:
    """Return the ids of the last calls that were sent again, by this web request where there is one."""
    entries = provider.journal.entries(limit=_NEWEST, endpoint=ENDPOINT, request=current_request())
    return frozenset(one.id for one in entries)


def _new_id(provider: Any, earlier: frozenset[str]) -> str | None:
    """Return the id of the call that was sent, which the journal writes a moment later; `None` where it keeps none."""
    latest = time.monotonic() + _PATIENCE
    while not (found := _ids(provider) - earlier):
        if time.monotonic() > latest:
            return None
        time.sleep(_PAUSE)
    return max(found)
