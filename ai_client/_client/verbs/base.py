"""The options of a verb, and the call that it makes."""

from collections.abc import Mapping
from typing import Any, TypedDict, cast, get_args, get_origin

from ..._call.call import Call
from ..._call.protocols import Client
from ..._libraries import httpx
from ..._params.files import PlainBody, RequestBody, RequestFiles
from ..._params.omit import Headers, NotGiven, Query
from ..._params.query import merge
from ..http_request import Messages


class RequestOptions(TypedDict, total=False):
    """The `options` of a verb; `extra_json` is laid over the body."""

    headers: Headers
    max_retries: int
    timeout: "float | httpx.Timeout | NotGiven | None"
    params: Query
    extra_json: Mapping[str, object]
    idempotency_key: str
    follow_redirects: bool


class Verbs(Messages, Client):
    """Base of the sync and async HTTP verbs."""

    async def _verb(
        self,
        method: str,
        path: str,
        cast_to: Any,
        options: RequestOptions | None,
        *,
        body: object = None,
        content: object = None,
        files: RequestFiles | None = None,
        stream: bool = False,
        stream_cls: Any = None,
    ) -> Any:
        given = options or {}
        call = Call(self.io, method, path, cast_to)
        call.body = _body(body, content, files, given.get("extra_json"))
        call.files = files
        call.headers = given.get("headers")
        call.query = given.get("params")
        call.max_retries = given.get("max_retries")
        call.follow_redirects = given.get("follow_redirects")
        if "timeout" in given:
            call.timeout = given["timeout"]
        key = given.get("idempotency_key")
        if key is not None and self._idempotency_header is not None:
            call.headers = merge({self._idempotency_header: key}, call.headers)
        if stream:
            call.stream = _item_of(stream_cls) or cast_to
            call.stream_cls = get_origin(stream_cls) or stream_cls
        return self.result(call, await self.perform(call), "parsed")


def _item_of(stream_cls: Any) -> Any:
    """Return the item type of `Stream[Item]` or of a subclass of it."""
    for cls in (stream_cls, *getattr(stream_cls, "__orig_bases__", ())):
        if args := get_args(cls):
            return args[0]
    return None


def _body(body: object, content: object, files: object, extra: Mapping[str, object] | None) -> object:
    if content is not None:
        if body is not None or files is not None:
            raise TypeError("content is the whole body: give neither body nor files beside it.")
        return content if isinstance(content, bytes | RequestBody) else PlainBody(content)
    if extra is None:
        return body
    if body is not None and not isinstance(body, Mapping):
        raise TypeError(f"extra_json needs a body that is a mapping, not {type(body).__name__}.")
    return merge(cast("Mapping[str, Any] | None", body), extra)
