"""How the answer to a call of either client is read to its end."""

from typing import Any

from tests.hostile.answers import Kind


def read(kind: Kind, client: Any) -> list[Any]:
    """Make the call on the blocking client and read its answer."""
    result = kind.call(client)
    match kind.shape:
        case "object":
            return [kind.extract(result)]
        case "raw":
            return [kind.extract(result.parse())]
        case "items" | "pages":
            return [kind.extract(item) for item in result]
        case "binary":
            return [result.content]
        case "unread":
            with result as response:
                return [b"".join(response.iter_bytes())]
        case "helper":
            with result as stream:
                return [kind.extract(_final(stream)())]


async def aread(kind: Kind, client: Any) -> list[Any]:  # noqa: PLR0911 - a return for each shape
    """Make the call on the awaitable client and read its answer."""
    result = kind.call(client)
    match kind.shape:
        case "object":
            return [kind.extract(await result)]
        case "raw":
            return [kind.extract((await result).parse())]
        case "items":
            return [kind.extract(item) async for item in await result]
        case "pages":
            return [kind.extract(item) async for item in result]
        case "binary":
            return [(await result).content]
        case "unread":
            async with result as response:
                return [b"".join([part async for part in response.iter_bytes()])]
        case "helper":
            async with result as stream:
                return [kind.extract(await _final(stream)())]


def _final(stream: Any) -> Any:
    """Return what waits for the end of a helper's stream."""
    return getattr(stream, "get_final_completion", None) or stream.get_final_response
