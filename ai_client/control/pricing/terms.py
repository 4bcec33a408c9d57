"""Terms of a call that decide its price besides its usage: names, address, time, and how it is processed."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..._call.call import Call
from ..._call.chat_report import service_tier_of
from ..._call.record import Record
from ..._params.secrets import shown_address
from ...errors import members_of

_OF_OPTIONS = frozenset({"speed", "web_search_options"})


class Terms(NamedTuple):
    """Terms of a call that decide its price besides its usage.

    Attributes:
        model: The model that is asked.
        target: The target as a fallback names it, such as `azure/gpt-5.5`.
        address: The address that the call goes to; `None` is OpenAI's.
        provider: The provider by the genai-prices library's id, where the client knows it.
        service_tier: The tier that the request asks for, `None` where it leaves that open.
        options: Further parameters by which the library's prices differ.
        at: When the call is made, in seconds since 1970; `None` is now.
    """

    model: str | None = None
    target: str | None = None
    address: str | None = None
    provider: str | None = None
    service_tier: str | None = None
    options: tuple[tuple[str, str], ...] = ()
    at: float | None = None

    def context(self, tier: str | None) -> dict[str, str]:
        """Return the request context by which the library selects prices, at a service tier."""
        context = dict(self.options)
        if tier is not None:
            context["service_tier"] = tier
            if tier == "batch":
                context["processing"] = tier
        return context


NO_TERMS = Terms()
"""Those of a call to OpenAI, now."""


def terms_of(call: Call, record: Record, at: float) -> Terms:
    """Return the terms of a call that is made *at* a time."""
    body = call.members()
    client = call.via or call.client
    model = record.target_model or record.model
    address = shown_address(call.path) if "://" in call.path else None
    provider: str | None = None
    if address is None and client is not None:
        address = client._address
        provider = client._priced_as
    tier = service_tier_of(body) if "service_tier" in body or "response" in body else None
    options = () if _OF_OPTIONS.isdisjoint(body) else _options(body)
    return Terms(model, record.target, address, provider, tier, options, at)


def _options(body: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    search = members_of(body.get("web_search_options"))
    given = {"speed": body.get("speed"), "search_type": search.get("search_type")}
    return tuple((name, value) for name, value in given.items() if isinstance(value, str))
