"""How the answer to a call of either client is read to its end."""

from typing import Any

from tests.support.hostile.answers import Kind


def read(kind: Kind, client: Any, into: list[Any]) -> None:
    """Make the call on the sync client, and add to a list what is read of its answer, as it comes."""
    result = kind.call(client)
    if kind.is_managed:
        with result as entered:
            _take(kind, entered, into)
    else:
        _take(kind, result, into)


def _take(kind: Kind, result: Any, into: list[Any]) -> None:
    match kind.shape:
        case "object":
            into.append(kind.extract(result))
        case "raw" | "unread-object":
            into.append(kind.extract(result.parse()))
        case "binary":
            into.append(result.content)
        case "unread":
            into.append(b"".join(result.iter_bytes()))
        case "helper":
            into.append(kind.extract(_final(result)()))
        case "items" | "pages" | "unread-items":
            for item in result.parse() if kind.shape == "unread-items" else result:
                into.append(kind.extract(item))  # noqa: PERF401 - what came before an error counts


async def aread(kind: Kind, client: Any, into: list[Any]) -> None:
    """Make the call on the async client, and add to a list what is read of its answer, as it comes."""
    result = kind.call(client)
    if kind.is_managed:
        async with result as entered:
            await _atake(kind, entered, into)
    elif kind.shape == "pages":
        await _atake(kind, result, into)
    else:
        await _atake(kind, await result, into)


async def _atake(kind: Kind, result: Any, into: list[Any]) -> None:
    match kind.shape:
        case "object":
            into.append(kind.extract(result))
        case "raw":
            into.append(kind.extract(result.parse()))
        case "unread-object":
            into.append(kind.extract(await result.parse()))
        case "binary":
            into.append(result.content)
        case "unread":
            into.append(b"".join([part async for part in result.iter_bytes()]))
        case "helper":
            into.append(kind.extract(await _final(result)()))
        case "items" | "pages" | "unread-items":
            async for item in (await result.parse()) if kind.shape == "unread-items" else result:
                into.append(kind.extract(item))  # noqa: PERF401 - likewise


def _final(stream: Any) -> Any:
    """Return what waits for the end of a helper's stream."""
    return getattr(stream, "get_final_completion", None) or stream.get_final_response
