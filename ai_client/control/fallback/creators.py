"""Objects that a further client created, such as responses, and the calls that name them, which go to that client."""

import logging
import re
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from pydantic_core import from_json

from ..._call.call import Call
from ...errors import StoreError, members_of
from ...stores import Store

_KINDS = r"responses|videos|fine_tuning/jobs|assistants|chat/completions"
_CREATES = re.compile(rf"^/?({_KINDS})$")
_NAMES = re.compile(rf"^/?({_KINDS})/([^/?]+)")
_KEPT = 30 * 86_400.0
"""Seconds for which a response can be asked for."""
_LONGEST = 200

logger = logging.getLogger("ai_client")


class Named(NamedTuple):
    """An object that a call names.

    Attributes:
        key: Its kind and id.
        is_continued: Whether the call goes on from its state, which another client would do without.
    """

    key: str
    is_continued: bool


class Creators:
    """The clients that created what later calls name.

    Args:
        store: Where that is kept, so that other processes know it.
        clients: The names of the clients.
    """

    def __init__(self, store: Store, clients: Collection[str]) -> None:
        self._store = store
        self._clients = clients

    async def client_of(self, call: Call, named: Named) -> str | None:
        """Return the client that created an object; `None` is the client that was called."""
        value = await self._store.get(call.io, f"created|{named.key}", call.io.now())
        found = (value or b"").decode(errors="replace")
        return found if found in self._clients else None

    async def note(self, call: Call, client: str, data: bytes | None) -> None:
        """Keep that a client created what an answer, or the first event of a stream, names."""
        made = _CREATES.match(call.path)
        if made is None or call.method != "POST" or not _is_kept(made[1], call.members()):
            return
        name = _id_in(data)
        if name is None:
            return
        io = call.io
        now = io.now()
        try:
            await self._store.set(io, f"created|{made[1]}/{name}", client.encode(), now + _KEPT, now)
        except StoreError:
            logger.warning("The store is down: calls that name what the client %r created fail.", client)


def named_in(call: Call, members: Mapping[str, Any]) -> Named | None:
    """Return the object that a call names in its path, or as what it goes on from."""
    before = members.get("previous_response_id")
    if isinstance(before, str):
        return Named(f"responses/{before[:_LONGEST]}", is_continued=True)
    if members.get("conversation") is not None:
        return Named("conversations", is_continued=True)
    match = _NAMES.match(call.path)
    return None if match is None else Named(f"{match[1]}/{match[2][:_LONGEST]}", is_continued=False)


def _is_kept(kind: str, members: Mapping[str, Any]) -> bool:
    """Return whether the server keeps what a call creates, so that others can name it."""
    if kind == "chat/completions":
        return members.get("store") is True
    return kind != "responses" or members.get("store") is not False or members.get("background") is True


def _id_in(data: bytes | None) -> str | None:
    try:
        members = members_of(from_json(data or b"{}"))
    except ValueError:
        return None
    found = members_of(members.get("response")).get("id") or members.get("id")
    return found if isinstance(found, str) and len(found) <= _LONGEST else None
