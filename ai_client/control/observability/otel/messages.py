"""Messages, instructions and tools of a request in the form of the conventions."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from ...._call.call import Call
from ....errors import members_of
from .operations import INFERENCE
from .parts import Part, item_parts, parts_of, reasoning, text, tool_call, tool_response
from .values import parsed

Message = dict[str, Any]
_TOOL_ROLES = frozenset({"tool", "function"})


def content_of(call: Call, operation: str) -> Mapping[str, Sequence[Any]]:
    """Return what a request holds of content, as lists by the name of their attribute; empty ones are left out."""
    if operation not in INFERENCE:
        return {}
    body = call.members()
    if call.files is None and body:
        body = members_of(parsed(call.encoded()))  # as it is sent, models among it included
    found = {
        "gen_ai.input.messages": list(_messages(body)),
        "gen_ai.system_instructions": _instructions(body.get("instructions")),
        "gen_ai.tool.definitions": [
            tool for one in _listed(body.get("tools") or body.get("functions")) if (tool := _tool(one))
        ],
    }
    return {name: items for name, items in found.items() if items}


def _listed(value: Any) -> Sequence[Any]:
    return cast("Sequence[Any]", value) if isinstance(value, list | tuple) else ()


def _messages(body: Mapping[str, Any]) -> Iterator[Message]:
    """Yield the messages of a chat, the items of a response or the prompt of anything else."""
    if "messages" in body:
        for one in _listed(body["messages"]):
            yield chat_message(members_of(one))
        return
    given = body.get("input", body.get("prompt"))
    if isinstance(given, str):
        yield _from_user(given)
    for one in _listed(given):
        if isinstance(one, str):
            yield _from_user(one)
        elif members := members_of(one):
            yield {"role": _role_of(members), "parts": list(item_parts(members))}


def _from_user(said: str) -> Message:
    return {"role": "user", "parts": [text(said)]}


def _role_of(item: Mapping[str, Any]) -> str:
    """Return the role of an item of the Responses API: its own, or that of whoever made it."""
    if isinstance(role := item.get("role"), str):
        return role
    return "tool" if str(item.get("type")).endswith("_output") else "assistant"


def chat_message(message: Mapping[str, Any]) -> Message:
    """Return a message of a chat, of a request or of an answer."""
    role = str(message.get("role") or "assistant")
    if role in _TOOL_ROLES:
        ident = message.get("tool_call_id") or message.get("name")
        parts = [tool_response(ident, _plain(message.get("content")))]
    else:
        parts = [*_thoughts(message), *parts_of(message.get("content"))]
        if isinstance(refusal := message.get("refusal"), str):
            parts.append({"type": "refusal", "content": refusal})
        parts += _tool_calls(message)
    name = message.get("name")
    return {"role": role, "parts": parts, **({"name": name} if isinstance(name, str) else {})}


def _plain(content: Any) -> Any:
    """Return a tool's result: its text where it is made of texts alone."""
    parts = parts_of(content)
    if isinstance(content, str) or not all(part["type"] == "text" for part in parts):
        return content
    return "".join(part["content"] for part in parts)


def _thoughts(message: Mapping[str, Any]) -> list[Part]:
    """Return the reasoning that some servers put into a message."""
    said = message.get("reasoning_content") or message.get("reasoning")
    return [reasoning(said)] if isinstance(said, str) else []


def _tool_calls(message: Mapping[str, Any]) -> Iterator[Part]:
    for one in _listed(message.get("tool_calls")):
        call = members_of(one)
        function, custom = members_of(call.get("function")), members_of(call.get("custom"))
        called = function or custom
        yield tool_call(call.get("id"), called.get("name"), called.get("arguments", called.get("input")))
    if function := members_of(message.get("function_call")):
        yield tool_call(None, function.get("name"), function.get("arguments"))


def _instructions(given: Any) -> list[Part]:
    """Return the instructions of a response: a text, or items of it."""
    if isinstance(given, str):
        return [text(given)]
    return [part for one in _listed(given) for part in item_parts(members_of(one))]


def _tool(given: Any) -> Part | None:
    """Return the definition of a tool, whose name is that of its kind where it has no other."""
    members = members_of(given)
    if not members:
        return None
    kind = str(members.get("type") or "function")
    inner = members_of(members.get(kind)) or members
    tool: Part = {"type": kind, "name": str(inner.get("name") or members.get("server_label") or kind)}
    for name in ("description", "parameters"):
        if inner.get(name) is not None:
            tool[name] = inner[name]
    return tool
