"""Replies that a policy of the application builds itself, without sending the call."""

from collections.abc import Mapping, Sequence
from typing import cast

from .._call.call import Call, Reply
from .._params.encoding import encode
from .body import make_response

_DONE = b"data: [DONE]\n\n"


def answer(call: Call, content: object) -> Reply:
    """Return a reply with status 200 for a policy to return instead of sending the call.

    Args:
        call: The call to answer.
        content: The JSON body as the API would send it, or a body in bytes. For a streamed call, the list of
            its events;
            `[DONE]` is added.

    Raises:
        TypeError: A streamed call is not answered with a list of events, or something cannot be encoded as
            JSON.
    """
    kind = "application/json"
    if call.stream is not None:
        if not isinstance(content, Sequence) or isinstance(content, str | bytes):
            raise TypeError(
                f"A streamed call is answered with a list of events, not {type(content).__name__}."
            )
        kind = "text/event-stream; charset=utf-8"
        events = cast("Sequence[Mapping[str, object]]", content)
        chunks = [*(b"data: %b\n\n" % encode(event) for event in events), _DONE]
    elif isinstance(content, bytes):
        kind, chunks = "application/octet-stream", [content]
    else:
        chunks = [encode(content)]
    path = call.shown_path
    response = make_response(
        call.io,
        method=call.method,
        url=path if "://" in path else f"http://policy.invalid{path}",
        status=200,
        headers=[("content-type", kind)],
        chunks=chunks,
        read=call.is_whole,
    )
    return Reply(response)
