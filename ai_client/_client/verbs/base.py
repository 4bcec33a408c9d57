"""The options of a verb, and the call that it makes."""

from collections.abc import Callable, Mapping
from typing import Any, Required, TypedDict, cast, get_args

from ..._answers.stream import stream_class
from ..._call.call import Call
from ..._call.protocols import Client
from ..._libraries import httpx
from ..._params.files import PlainBody, RequestBody, RequestFiles
from ..._params.omit import Headers, NotGiven, Query, is_mark, omit
from ..._params.query import merge
from ..http_request import Messages


class RequestOptions(TypedDict, total=False):
    """The `options` of a verb; `extra_json` is laid over the body, and `post_parser` makes the result of the answer."""

    headers: Headers
    max_retries: int
    timeout: "float | httpx.Timeout | NotGiven | None"
    params: Query
    extra_json: Mapping[str, object]
    idempotency_key: str
    follow_redirects: bool
    post_parser: Callable[[Any], Any]


class FinalRequestOptions(RequestOptions, total=False):
    """The `options` of `client.request`: the whole request."""

    method: Required[str]
    url: Required[str]
    json_data: object
    content: object
    files: RequestFiles | None


class Verbs(Messages, Client):
    """Base of the sync and async HTTP verbs."""

    async def _request(self, cast_to: Any, options: Any, *, stream: bool, stream_cls: Any) -> Any:
        """Send the request that *options* describe: a mapping, or an object as the official SDK makes it."""
        given: dict[str, Any] = (
            dict(cast("Mapping[str, Any]", options))
            if isinstance(options, Mapping)
            else {name: getattr(options, name, omit) for name in FinalRequestOptions.__annotations__}
        )
        given = {name: value for name, value in given.items() if not is_mark(value)}
        body, content, files = (given.pop(name, None) for name in ("json_data", "content", "files"))
        try:
            method, path = given.pop("method"), given.pop("url")
        except KeyError as error:
            raise TypeError(f"The options of a request lack {error}.") from None
        return await self._verb(
            method.upper(),
            path,
            cast_to,
            cast("RequestOptions", given),
            body=body,
            content=content,
            files=files,
            stream=stream,
            stream_cls=stream_cls,
        )

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
        given = cast(
            "RequestOptions", {name: value for name, value in (options or {}).items() if not is_mark(value)}
        )
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
        call.shape = given.get("post_parser")
        if stream:
            call.stream = _item_of(stream_cls) or cast_to
            call.stream_cls = stream_class(stream_cls, sync=self.io.sync)
        return await self.outcome(call, "parsed")


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
