"""Results from HTTP answers: a model, a stream, a binary body or the raw response."""

from collections.abc import Callable
from typing import Any, NoReturn, cast

import pydantic

from .._call.call import Call, Reply
from .._call.protocols import Client, View
from .._exchange.answer import Answer
from .._models.decode import admits, decode
from .._models.json import load
from ..errors import APIError, APIResponseValidationError, InvalidResultError, members_of
from .binary import BinaryResponse
from .raw_response import APIResponse, AsyncAPIResponse, LegacyAPIResponse
from .stream import AsyncStream, Stream
from .text import make_readable, text_of

_NO_JSON = frozenset({None, type(None), str, bytes, BinaryResponse})
"""Types of results that are no JSON, beside the HTTP library's own."""
_LAST = 4
"""Bytes at the end of an answer, among which may be line breaks."""


def make_result(client: Client, call: Call, reply: Reply, view: View, *, strict: bool) -> Any:
    """Build an operation's result in the requested view."""
    record = call.record
    if record is not None and record.target is not None and _shows_headers(call, reply, view):
        reply.answer.add_header("x-ai-client-target", record.target)
    if view == "parsed":
        if call.stream is not None:
            usual = Stream[Any] if call.io.sync else AsyncStream[Any]
            return (call.stream_cls or usual)(call, reply, strict=strict)
        result = parse(call.cast_to, reply, strict=strict)
        if call.shape is not None:
            result = _shaped(call.shape, result, reply.answer)
        if record is not None and hasattr(result, "_call_record"):
            object.__setattr__(result, "_call_record", record)
            if record.request_id is None:
                record.request_id = getattr(result, "_request_id", None)
        if getattr(result.__class__, "_is_page", False):  # an answer may have members of any name
            if not result._holds_items():
                raise _no_result(reply.answer)
            result._bind(client, call)
        return result
    make_readable(reply.response)
    if view == "raw":
        return LegacyAPIResponse[Any](call, reply, client)
    return (APIResponse[Any] if call.io.sync else AsyncAPIResponse[Any])(call, reply, client)


def _shaped(shape: Callable[[Any], Any], result: Any, answer: Answer) -> Any:
    """Convert a decoded answer to the method's result.

    Raises:
        InvalidResultError: It lacks what that is made of.
        pydantic.ValidationError: A text is not of the type that the caller asked for.
    """
    try:
        return shape(result)
    except pydantic.ValidationError:
        raise
    except (ValueError, TypeError, AttributeError, LookupError) as error:
        message = str(error) if isinstance(error, ValueError) else None
        raise InvalidResultError(answer.response, body_of(answer), message=message) from error


def _shows_headers(call: Call, reply: Reply, view: View) -> bool:
    """Return whether the result exposes the response's headers; most results do not."""
    if view != "parsed" or call.stream is not None:
        return True
    cast_to = call.cast_to
    return cast_to is BinaryResponse or cast_to is reply.answer.response_type


def parse(cast_to: Any, reply: Reply, *, strict: bool = False) -> Any:
    """Parse a complete answer as *cast_to*.

    Raises:
        APIResponseValidationError: The answer is not JSON, or no object where one belongs, or, if *strict*, not of the
            right shape.
    """
    answer = reply.answer
    if _is_no_json(cast_to, answer):
        return _as_it_came(cast_to, answer)
    content = answer.content
    if not content and answer.request.method == "DELETE" and not strict:
        return ""  # what is deleted need not be described; the official SDK gives the empty text, too
    result = reply.result
    try:
        if strict or type(result) is not cast_to:
            result = decode(cast_to, content, strict=strict)
    except pydantic.ValidationError as error:
        raise APIResponseValidationError(answer.response, body_of(answer)) from error
    except ValueError as error:
        _refuse(answer, error)
    if type(result) is not cast_to and not admits(cast_to, result, deep=True):
        raise _no_result(answer)
    if hasattr(result, "_request_id"):
        object.__setattr__(result, "_request_id", answer.header("x-request-id"))
    return result


def refuse_no_result(call: Call, answer: Answer) -> None:
    """Raise, while policies can still act on it, what `parse` raises for a body that does not look like an object.

    Raises:
        APIResponseValidationError: A page, a text, or half of an answer came in its place.
    """
    if not call.parsed or call.stream is not None or call.unread:
        return
    content = answer.content
    if content.startswith(b"{") and (content.endswith(b"}") or content[-_LAST:].rstrip().endswith(b"}")):
        return
    if not _is_no_json(call.cast_to, answer):
        parse(call.cast_to, Reply(answer))


def _is_no_json(cast_to: Any, answer: Answer) -> bool:
    if hasattr(cast_to, "__pydantic_complete__"):
        return False  # a model, of which nothing is asked that it lacks: that takes long
    return cast_to in _NO_JSON or (hasattr(cast_to, "iter_raw") and cast_to is answer.response_type)


def _as_it_came(cast_to: Any, answer: Answer) -> Any:
    if cast_to is None or cast_to is type(None):
        return None
    if cast_to is str:
        return text_of(answer.response)
    if cast_to is bytes:
        return answer.content
    response = answer.response
    make_readable(response)
    return BinaryResponse(response) if cast_to is BinaryResponse else response


def is_no_stream_by_type(answer: Answer) -> bool:
    """Return whether the content type says that the body is no stream."""
    kind = (answer.header("content-type") or "").partition(";")[0].strip().lower()
    return kind in {"application/json", "text/html"} or kind.endswith("+json")


def refuse_to_stream(answer: Answer) -> NoReturn:
    """Raise for a streamed call that was answered by an ordinary body, which was read.

    Raises:
        APIError: It is the server's word on why there is no stream.
        APIResponseValidationError: It is anything else.
    """
    body = body_of(answer)
    response = answer.response
    if error := members_of(members_of(body).get("error")):
        said = error.get("message")
        message = said if isinstance(said, str) and said else "The server refused to stream."
        raise APIError(message, response.request, body=error)
    raise APIResponseValidationError(
        response,
        body,
        message=f"Expected a stream of events from {_origin(answer)}, got {_what(answer)}.",
    )


def _no_result(answer: Answer) -> APIResponseValidationError:
    message = f"Expected another kind of JSON from {_origin(answer)}: an object, or a list of objects."
    return APIResponseValidationError(answer.response, body_of(answer), message=message)


def _refuse(answer: Answer, error: Exception) -> NoReturn:
    message = f"Expected JSON from {_origin(answer)}, got {_what(answer)}."
    response = answer.response
    if response.headers.get("content-type", "").startswith("text/html"):
        message += " Is base_url right, and no proxy in between?"
    raise APIResponseValidationError(response, text_of(response), message=message) from error


def _origin(answer: Answer) -> str:
    url = answer.request.url
    return f"{answer.request.method} {url.scheme}://{url.netloc.decode('ascii').rpartition('@')[2]}{url.path}"


def _what(answer: Answer) -> str:
    kind = answer.header("content-type") or "no content type"
    size = len(answer.content)
    return f"{kind}, {size} bytes" if size else f"an empty body ({kind})"


def body_of(answer: Answer) -> object:
    """Return the decoded JSON of an answer that was read, or its text."""
    try:
        return cast("object", load(answer.content))
    except ValueError:
        return text_of(answer.response)
