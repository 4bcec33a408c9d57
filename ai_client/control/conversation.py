"""Units of a conversation: the messages and items that a server takes only together, in both APIs."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, cast

from ..errors import members_of

INSTRUCTIONS = frozenset({"system", "developer"})
_RESULT_ROLES = frozenset({"tool", "function"})
_RESULT_KINDS = ("_output", "_result", "_response")
_LIST_OF_TOOLS = "mcp_list_tools"


class Unit(NamedTuple):
    """Messages that are kept or dropped together.

    Attributes:
        indices: Their positions, in order.
        needs: The position in the list of units of another one that must be kept with this one, `None` without.
        is_needed: Whether others need this one, so that it is not kept without any of them.
    """

    indices: list[int]
    needs: int | None
    is_needed: bool


class _Linked(NamedTuple):
    """One message or item, as far as it decides what belongs together."""

    kind: str
    role: str
    names: Sequence[str]
    """Ids by which others may refer to it."""
    refers: Sequence[str]
    """Ids that it shares with, or takes from, others."""
    label: object

    @property
    def is_result(self) -> bool:
        """Whether it is the result of a call, which the application sends."""
        return self.role in _RESULT_ROLES or self.kind.endswith(_RESULT_KINDS)

    @property
    def is_made(self) -> bool:
        """Whether it is an item that a model made, other than a message, or a reference to one."""
        return self.kind not in {"", "message", _LIST_OF_TOOLS} and not self.is_result


def units_of(messages: Sequence[Any]) -> tuple[list[int], list[Unit]]:
    """Split a conversation into the positions of its instructions and its units, the oldest first.

    A unit is: a call with its results, by the ids that they share; adjacent items that a model made, such as
    reasoning and the message or calls that follow it; a single message. A call of an MCP server needs the latest list
    of the server's tools before it.
    """
    fixed: list[int] = []
    items: dict[int, _Linked] = {}
    for index, message in enumerate(messages):
        members = _members(message)
        if members.get("role") in INSTRUCTIONS:
            fixed.append(index)
        else:
            items[index] = _item(members)
    groups = _Groups(items)
    _join_adjacent(items, groups)
    _join_by_id(items, groups)
    return fixed, _units(items, groups)


class _Groups:
    """Disjoint sets of positions; the first position of a set stands for it."""

    def __init__(self, indices: Mapping[int, object]) -> None:
        self._first = {index: index for index in indices}

    def first(self, index: int) -> int:
        """Return the position that stands for the set of *index*."""
        while (first := self._first[index]) != index:
            self._first[index] = self._first[first]
            index = first
        return index

    def join(self, one: int, other: int) -> None:
        """Unite the sets of two positions."""
        one, other = self.first(one), self.first(other)
        self._first[max(one, other)] = min(one, other)


def _join_adjacent(items: Mapping[int, _Linked], groups: _Groups) -> None:
    """Join what one answer of a model holds: each of its items may need the one before."""
    run: int | None = None
    for index, item in items.items():
        if item.kind == _LIST_OF_TOOLS:
            continue
        if item.is_made or (run is not None and item.role == "assistant"):
            if run is not None:
                groups.join(run, index)
            run = index
        else:
            run = None


def _join_by_id(items: Mapping[int, _Linked], groups: _Groups) -> None:
    """Join what shares ids. Ids that come again mean the latest item before: some servers count anew in each turn."""
    known: dict[str, int] = {}
    before: int | None = None
    for index, item in items.items():
        found = [known[name] for name in item.refers if name in known]
        if item.is_result:
            if not found and before is not None and items[before].role != "user":
                found = [before]  # its call has no id, or is hidden behind a reference
            for name in item.refers:
                known.setdefault(name, index)
        else:
            found = [one for one in found if items[one].kind != item.kind or not item.kind]
        for one in found:
            groups.join(one, index)
        if not item.is_result:
            known.update(dict.fromkeys(item.names, index))
        before = index


def _units(items: Mapping[int, _Linked], groups: _Groups) -> list[Unit]:
    members: dict[int, list[int]] = {}
    for index in items:
        members.setdefault(groups.first(index), []).append(index)
    order = sorted(members, key=lambda first: members[first][-1])
    place = {first: position for position, first in enumerate(order)}
    needs: dict[int, int] = {}
    lists: dict[object, int] = {}
    for index, item in items.items():
        if item.kind == _LIST_OF_TOOLS:
            lists[item.label] = place[index]
        elif item.kind.startswith("mcp_") and item.label in lists:
            needs[groups.first(index)] = lists[item.label]
    needed = set(needs.values())
    return [Unit(members[first], needs.get(first), place[first] in needed) for first in order]


def _members(message: Any) -> Mapping[str, Any]:
    """Return the members of a message, which may be a model of an earlier answer."""
    if hasattr(message, "model_dump"):
        return cast("Mapping[str, Any]", message.model_dump(exclude_unset=True))
    return members_of(message)


def _item(members: Mapping[str, Any]) -> _Linked:
    kind, role = members.get("type"), members.get("role")
    if kind is None and role is None and "id" in members:
        kind = "item_reference"
    names = [name for key in ("id", "call_id") for name in _texts(members.get(key))]
    calls: Any = members.get("tool_calls")
    if isinstance(calls, list | tuple):
        names += [name for call in cast("Sequence[Any]", calls) for name in _texts(_members(call).get("id"))]
    refers = list(_references(members))
    if role in _RESULT_ROLES or str(kind).endswith(_RESULT_KINDS):
        refers += _texts(members.get("id"))
    return _Linked(str(kind or ""), str(role or ""), names, refers, _label(members.get("server_label")))


def _references(members: Mapping[str, Any]) -> Iterator[str]:
    """Yield the ids of others in an item, also those one level deeper, as of the program that called a function."""
    for key, value in members.items():
        if key.endswith("_id"):
            yield from _texts(value)
        elif isinstance(value, Mapping):
            inner = cast("Mapping[str, Any]", value)
            yield from (text for name in inner if name.endswith("_id") for text in _texts(inner[name]))


def _texts(value: object) -> list[str]:
    return [value] if isinstance(value, str) and value else []


def _label(value: object) -> object:
    return value if isinstance(value, str) else None
