"""Parts of messages in the form of the conventions, from the content of requests and answers."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

from ....errors import members_of
from .values import parsed

Part = dict[str, Any]
_LARGEST_BLOB = 1024
"""Characters of base64 up to which data is recorded."""


def text(content: str) -> Part:
    """Return a part of text."""
    return {"type": "text", "content": content}


def reasoning(content: str) -> Part:
    """Return a part of reasoning."""
    return {"type": "reasoning", "content": content}


def tool_call(ident: Any, name: Any, arguments: Any) -> Part:
    """Return a part for a tool that the model calls, its arguments decoded where they are JSON."""
    if isinstance(arguments, str):
        arguments = arguments if (decoded := parsed(arguments)) is None else decoded
    return {"type": "tool_call", "id": ident, "name": name or "", "arguments": arguments}


def tool_response(ident: Any, response: Any) -> Part:
    """Return a part for what a tool returned."""
    return {"type": "tool_call_response", "id": ident, "response": response}


def blob(modality: str, mime_type: str | None, data: str) -> Part:
    """Return a part for data in base64; of large data only the size is recorded."""
    part: Part = {"type": "blob", "mime_type": mime_type, "modality": modality, "content": data}
    return (
        part if len(data) <= _LARGEST_BLOB else {**part, "content": "", "omitted_bytes": len(data) * 3 // 4}
    )


def at(modality: str, address: str) -> Part:
    """Return a part for what is at an address, or in a data URL."""
    if not address.startswith("data:"):
        return {"type": "uri", "mime_type": None, "modality": modality, "uri": address}
    head, _, data = address.removeprefix("data:").partition(",")
    return blob(modality, head.partition(";")[0] or None, data)


def parts_of(content: Any) -> list[Part]:
    """Return the parts of a message's content: a text, or a list of the API's own parts."""
    if isinstance(content, str):
        return [text(content)]
    if not isinstance(content, list | tuple):
        return []
    return [part for one in cast("list[Any]", content) if (part := _part(one)) is not None]


def _part(given: Any) -> Part | None:
    if isinstance(given, str):
        return text(given)
    members = members_of(given)
    make = _MAKERS.get(str(members.get("type")))
    if make is not None:
        return make(members)
    return {**members, "type": str(members.get("type"))} if members else None


def _text(members: Mapping[str, Any]) -> Part:
    return text(str(members.get("text") or ""))


def _refusal(members: Mapping[str, Any]) -> Part:
    return {"type": "refusal", "content": str(members.get("refusal") or "")}


def _audio(members: Mapping[str, Any]) -> Part:
    audio = members_of(members.get("input_audio"))
    kind = audio.get("format")
    mime_type = f"audio/{kind}" if isinstance(kind, str) and kind else None
    return blob("audio", mime_type, str(audio.get("data") or ""))


def _image(members: Mapping[str, Any]) -> Part:
    address: Any = members.get("image_url")
    address = address if isinstance(address, str) else members_of(address).get("url")
    if isinstance(address, str):
        return at("image", address)
    return _by_id("image", members)


def _file(members: Mapping[str, Any]) -> Part:
    file = members_of(members.get("file")) or members
    if isinstance(data := file.get("file_data"), str):
        return at("document", data) if data.startswith("data:") else blob("document", None, data)
    if isinstance(address := file.get("file_url"), str):
        return at("document", address)
    return _by_id("document", file)


def _by_id(modality: str, members: Mapping[str, Any]) -> Part:
    file_id = str(members.get("file_id") or "")
    return {"type": "file", "mime_type": None, "modality": modality, "file_id": file_id}


_MAKERS: Mapping[str, Callable[[Mapping[str, Any]], Part]] = {
    **dict.fromkeys(("text", "input_text", "output_text", "summary_text", "reasoning_text"), _text),
    **dict.fromkeys(("image_url", "input_image", "computer_screenshot"), _image),
    **dict.fromkeys(("file", "input_file"), _file),
    "input_audio": _audio,
    "refusal": _refusal,
}
"""Functions that make a part, by the API's type of it; any other part is recorded as it is."""


def item_parts(item: Mapping[str, Any]) -> Iterator[Part]:
    """Yield the parts of an item of the Responses API: a message, a tool's call or result, reasoning or another."""
    kind = str(item.get("type") or "message")
    ident = item.get("call_id") or item.get("id")
    if kind == "message":
        yield from parts_of(item.get("content"))
    elif kind == "function_call":
        yield tool_call(ident, item.get("name"), item.get("arguments"))
    elif kind == "custom_tool_call":
        yield tool_call(ident, item.get("name"), item.get("input"))
    elif kind == "reasoning":
        for part in (*parts_of(item.get("summary")), *parts_of(item.get("content"))):
            yield reasoning(str(part.get("content") or ""))
    elif kind == "image_generation_call":
        yield blob("image", None, str(item.get("result") or ""))
    elif kind == "compaction":
        yield {"type": "compaction", "id": item.get("id")}
    elif kind == "item_reference":
        yield {"type": kind, "id": item.get("id")}
    elif kind.endswith("_output"):
        yield tool_response(ident, item.get("output"))
    else:
        yield {
            "type": "server_tool_call",
            "id": ident,
            "name": kind.removesuffix("_call"),
            "server_tool_call": {**item},
        }
