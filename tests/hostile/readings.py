"""How the answer to a call of either client is read to its end."""

from typing import Any

from tests.hostile.answers import Kind


def read(kind: Kind, client: Any, into: list[Any]) -> None:
    """Make the call on the blocking client, and add to a list what is read of its answer, as it comes."""
    result = kind.call(client)
    match kind.shape:
        case "object":
            into.append(kind.extract(result))
        case "raw":
            into.append(kind.extract(result.parse()))
        case "items" | "pages":
            for item in result:
                into.append(kind.extract(item))  # noqa: PERF401 - what came before an error counts
        case "binary":
            into.append(result.content)
        case "unread":
            with result as response:
                into.append(b"".join(response.iter_bytes()))
        case "helper":
            with result as stream:
                into.append(kind.extract(_final(stream)()))


async def aread(kind: Kind, client: Any, into: list[Any]) -> None:
    """Make the call on the awaitable client, and add to a list what is read of its answer, as it comes."""
    result = kind.call(client)
    match kind.shape:
        case "object":
            into.append(kind.extract(await result))
        case "raw":
            into.append(kind.extract((await result).parse()))
        case "items":
            async for item in await result:
                into.append(kind.extract(item))  # noqa: PERF401 - what came before an error counts
        case "pages":
            async for item in result:
                into.append(kind.extract(item))  # noqa: PERF401 - what came before an error counts
        case "binary":
            into.append((await result).content)
        case "unread":
            async with result as response:
                into.append(b"".join([part async for part in response.iter_bytes()]))
        case "helper":
            async with result as stream:
                into.append(kind.extract(await _final(stream)()))


def _final(stream: Any) -> Any:
    """Return what waits for the end of a helper's stream."""
    return getattr(stream, "get_final_completion", None) or stream.get_final_response
