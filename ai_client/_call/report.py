"""Read the usage that an answer reports: of any endpoint, whole or as an event of a stream."""

import re
from collections.abc import Mapping
from typing import Any, cast

from pydantic_core import SchemaValidator, core_schema, from_json

from .._models.base import fields_of
from .._models.json import as_utf8
from ..errors import members_of
from .chat_report import of_tokens_alone, service_tier_of, usage_of_chat
from .record import NANO
from .usage import MOST_SECONDS, MOST_TOKENS, Usage

_LARGE = 4096
_TOOLS = {
    "web_search_call": "web_searches",
    "file_search_call": "file_searches",
    "code_interpreter_call": "code_runs",
}
"""The attribute of `Usage` that counts the calls of a tool, by the type of their items in an answer."""
_TOOL = re.compile(rb'"(?:web_search|file_search|code_interpreter)_call"')
_BEYOND = frozenset({"citation_tokens", "num_search_queries", "server_tool_use", "cost", "cost_in_usd_ticks"})
"""Members of `usage` that only some providers report."""
_TICKS_PER_USD = 10**10
_MOST_USD = 10**6
_MODEL = re.compile(rb'"model"\s*:\s*"([^"\\]*)"')


def _outline(*names: str) -> SchemaValidator:
    """Build the validator that reads the members of an answer needed here and skips the rest."""
    field = core_schema.typed_dict_field(core_schema.any_schema(), required=False)
    return SchemaValidator(
        core_schema.typed_dict_schema(dict.fromkeys(names, field), extra_behavior="ignore")
    )


_outline_of_event = _outline("usage", "model", "response", "choices", "type", "duration", "service_tier")
_outline_of_usage = _outline("usage", "model", "response", "service_tier")


def reported(data: bytes) -> Usage | None:
    """Read the usage that a JSON answer or an event of a stream reports; `None` where it reports none.

    Of a large answer whose usage is among its outermost members only the end is parsed.
    """
    usage = _reported(data)
    if usage is not None:
        add_tools(usage, data)
    return usage


def _reported(data: bytes) -> Usage | None:
    if len(data) > _LARGE:
        mark = data.rfind(b'"usage"')
        if mark < 0:
            return None
        end = _end_of(data, mark)
        if end is not None:
            return _usage_in(end if "service_tier" in end else {**_tier_before(data, mark), **end})
    try:
        members: Mapping[str, Any] = _outline_of_usage.validate_json(data)
    except ValueError:
        utf8 = as_utf8(data)
        return None if utf8 is None else _reported(utf8)
    if "usage" not in members:
        members = members_of(members.get("response"))
    return _usage_in(members)


def reported_in(result: object, data: bytes) -> Usage | None:
    """Return the usage that an answer reports, else `None`; *result* is what *data* was decoded as."""
    usage = usage_of_chat(result)
    if usage is not None:
        return usage
    fields = fields_of(result)
    usage = _usage_in(fields if "usage" in fields else fields_of(fields.get("response")))
    if usage is not None and ("output" in fields or "response" in fields):  # where calls of tools are listed
        add_tools(usage, data)
    return usage


def _usage_in(answer: Mapping[str, Any]) -> Usage | None:
    """Parse the usage among the members of an answer."""
    said, model = fields_of(answer.get("usage")), answer.get("model")
    usage = of_tokens_alone(said, model)
    if usage is None:
        usage = from_report(said, model)
    if usage is not None and (answer.get("service_tier") is not None or "response" in answer):
        usage.service_tier = service_tier_of(answer)
    return usage


def add_tools(usage: Usage, data: bytes) -> None:
    """Add the calls of the provider's tools that a JSON answer or event lists, which are charged by the call."""
    if b'_call"' not in data or _TOOL.search(data) is None:  # the first is found out in a tenth of the time
        return
    try:
        answer = members_of(from_json(data))
    except ValueError:
        return
    items: Any = answer.get("output") or members_of(answer.get("response")).get("output")
    for item in cast("list[Any]", items) if isinstance(items, list) else ():
        count_tool(usage, members_of(item))


def count_tool(usage: Usage, item: Mapping[str, Any]) -> None:
    """Add an item of an answer where it is the call of a tool; of web searches, only the search itself is charged."""
    name = _TOOLS.get(str(item.get("type")))
    if name is not None and members_of(item.get("action")).get("type", "search") == "search":
        setattr(usage, name, getattr(usage, name) + 1)


def _end_of(data: bytes, mark: int) -> Mapping[str, Any] | None:
    """Parse usage and model from *mark* to the end; `None` if they are not outermost members."""
    members = _members_from(data, mark)
    if members is not None and "model" not in members:
        match = _MODEL.search(data, 0, mark)
        if match is not None and _is_outermost(data, match.start()):
            return {**members, "model": match[1].decode("utf-8", "replace")}
        mark = data.rfind(b'"model"', 0, mark)
        if mark >= 0:
            return _members_from(data, mark)
    return members


def _tier_before(data: bytes, mark: int) -> Mapping[str, Any]:
    """Return the members from an outermost service tier before *mark* on; none where there is none."""
    mark = data.rfind(b'"service_tier"', 0, mark)
    return (_members_from(data, mark) if mark >= 0 else None) or {}


def _is_outermost(data: bytes, mark: int) -> bool:
    """Return whether the member at *mark* is an outermost one; `False` where that is not certain."""
    return data.find(b"{", 1, mark) < 0 and data.find(b"[", 0, mark) < 0


def _members_from(data: bytes, mark: int) -> Mapping[str, Any] | None:
    """Parse the outermost members from *mark* on; `None` if it is not the name of one."""
    try:
        members: Any = from_json(b"{" + data[mark:])  # else there are brackets too many at its end
    except ValueError:
        return None
    return members_of(members)


def outline_of(data: bytes) -> dict[str, Any]:
    """Read the few members of an answer or event that tell about it; none where it is not a JSON object."""
    try:
        outline: dict[str, Any] = _outline_of_event.validate_json(data)
    except ValueError:
        return {}
    return outline


def from_report(said: Mapping[str, Any], model: object = None) -> Usage | None:
    """Parse any endpoint's `usage` member; `None` if it has no tokens or implausible counts."""
    try:
        return _from_report(said, model)
    except _ImplausibleError:
        return None


def _from_report(said: Mapping[str, Any], model: object) -> Usage | None:
    get = said.get
    given, made = get("prompt_tokens"), get("completion_tokens")
    if given is not None or made is not None:
        read, written = get("prompt_tokens_details"), get("completion_tokens_details")
    else:
        given, made = get("input_tokens"), get("output_tokens")
        read = get("input_tokens_details") or get("input_token_details")
        written = get("output_tokens_details") or get("output_token_details")
    given, made = _number(given), _number(made)
    if given is None or made is None:
        total = _number(get("total_tokens"))
        if given is None and made is None and total is None:
            return _by_duration(said)
        if given is None:
            if total is None:
                return None  # what went in is not known, which is not nothing
            given = max(0, total - (made or 0))
        elif total is not None:
            made = max(0, total - given)
    named = model if isinstance(model, str) else None
    inside, outside = fields_of(read), fields_of(written)
    if (inside and any(inside.values())) or (outside and any(outside.values())):
        usage = _with_parts(given, made or 0, named, inside, outside)
    else:
        usage = Usage("reported", given, made or 0, named)
    _add_beyond(usage, said)
    return usage


def _with_parts(
    given: int, made: int, named: str | None, inside: Mapping[str, Any], outside: Mapping[str, Any]
) -> Usage:
    cached = fields_of(inside.get("cached_tokens_details"))
    return Usage(
        "reported",
        given,
        made,
        named,
        _number(inside.get("cached_tokens")) or 0,
        _number(inside.get("cache_write_tokens")) or _number(inside.get("cache_creation_tokens")) or 0,
        _number(outside.get("reasoning_tokens")) or 0,
        _number(inside.get("audio_tokens")) or 0,
        _number(outside.get("audio_tokens")) or 0,
        _number(inside.get("image_tokens")) or 0,
        _number(outside.get("image_tokens")) or 0,
        cached_audio=_number(cached.get("audio_tokens")) or 0,
        cached_image=_number(cached.get("image_tokens")) or 0,
    )


def _add_beyond(usage: Usage, said: Mapping[str, Any]) -> None:
    """Add what some providers report: tokens beside those of the answer, searches, and the cost."""
    if _BEYOND.isdisjoint(said) and not usage.reasoning:
        return
    get = said.get
    if (citations := _number(get("citation_tokens"))) is not None:  # of Perplexity, beside the answer's
        usage.citations, usage.reasoning = citations, _number(get("reasoning_tokens")) or 0
        usage.output += citations + usage.reasoning
    elif usage.reasoning and usage.total + usage.reasoning == get("total_tokens"):  # of xAI, beside them too
        usage.output += usage.reasoning
    searches = get("num_search_queries")
    if not searches and "server_tool_use" in said:
        searches = fields_of(get("server_tool_use")).get("web_search_requests")
    if type(searches) is int and 0 < searches <= MOST_TOKENS:
        usage.web_searches = searches
    usage.nano_usd = _cost_in(said)


def _cost_in(said: Mapping[str, Any]) -> int | None:
    """Return the cost in 10^-9 USD that a `usage` member reports; `None` where it reports none."""
    cost: Any = said.get("cost")
    upstream: Any = 0
    unit = 1
    if cost is None:
        cost, unit = said.get("cost_in_usd_ticks"), _TICKS_PER_USD
        cost = cost if type(cost) is int else None
    elif type(cost) not in {int, float}:
        cost = fields_of(cost).get("total_cost")
    elif said.get("is_byok") is True:  # the provider bills the application besides
        upstream = fields_of(said.get("cost_details")).get("upstream_inference_cost")
    for amount in (cost, upstream):  # before any arithmetic, as JSON has numbers that no float holds
        if type(amount) not in {int, float} or not 0 <= amount <= _MOST_USD * unit:
            return None
    total = cost / unit + upstream
    return round(float(total) * NANO) if total <= _MOST_USD else None


def _by_duration(said: Mapping[str, Any]) -> Usage | None:
    """Read the usage of a transcription that is paid for by its length."""
    seconds = said.get("seconds")
    if isinstance(seconds, int | float) and seconds is not True and 0 < seconds <= MOST_SECONDS:
        return Usage("reported", seconds=float(seconds))
    return None


class _ImplausibleError(ValueError):
    """A count of tokens that no call can have."""


def _number(value: object) -> int | None:
    if value is None:
        return None
    if type(value) is not int or not 0 <= value <= MOST_TOKENS:
        raise _ImplausibleError
    return value
