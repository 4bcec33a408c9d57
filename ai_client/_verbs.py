"""`client.get`, `post`, `put`, `patch` and `delete`: calls of paths that have no method of their own."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, TypedDict, TypeVar, cast, get_args, get_origin, overload

from ._files import Body, Plain, RequestFiles
from ._io import finish
from ._message import Messages
from ._operation import Client
from ._request import Headers, NotGiven, Query, merge
from ._stream import AsyncStream, Stream
from .control.call import Call

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")
S = TypeVar("S", bound=Stream[Any])
A = TypeVar("A", bound=AsyncStream[Any])


class RequestOptions(TypedDict, total=False):
    """The `options` of a verb; `extra_json` is laid over the body."""

    headers: Headers
    max_retries: int
    timeout: "float | httpx.Timeout | NotGiven | None"
    params: Query
    extra_json: Mapping[str, object]
    idempotency_key: str
    follow_redirects: bool


class _Verbs(Messages, Client):
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
    """Give the type between the brackets of `Stream[Item]`, or of the base that a class of the user's derives from."""
    for cls in (stream_cls, *getattr(stream_cls, "__orig_bases__", ())):
        if args := get_args(cls):
            return args[0]
    return None


def _body(body: object, content: object, files: object, extra: Mapping[str, object] | None) -> object:
    if content is not None:
        if body is not None or files is not None:
            raise TypeError("content is the whole body: give neither body nor files beside it.")
        return content if isinstance(content, bytes | Body) else Plain(content)
    if extra is None:
        return body
    if body is not None and not isinstance(body, Mapping):
        raise TypeError(f"extra_json needs a body that is a mapping, not {type(body).__name__}.")
    return merge(cast("Mapping[str, Any] | None", body), extra)


class BlockingVerbs(_Verbs):
    """The verbs of the blocking client.

    Each takes a path below the base URL, or a whole address, and gives a *cast_to*: a model, a type that pydantic
    knows, `str`, `bytes`, `object`, `httpx.Response` or `type(None)`; or with `stream=True` a stream. *body* is sent
    as JSON, or beside *files* as a multipart form; *content* is sent as it is: bytes, a binary file, or an iterable
    of bytes.
    """

    @overload
    def get(
        self,
        path: str,
        *,
        cast_to: type[T],
        options: RequestOptions | None = None,
        stream: Literal[False] = False,
    ) -> T: ...

    @overload
    def get(
        self,
        path: str,
        *,
        cast_to: type[T],
        options: RequestOptions | None = None,
        stream: Literal[True],
        stream_cls: type[S],
    ) -> S: ...

    @overload
    def get(
        self,
        path: str,
        *,
        cast_to: type[T],
        options: RequestOptions | None = None,
        stream: bool,
        stream_cls: type[S] | None = None,
    ) -> T | S: ...

    def get(
        self,
        path: str,
        *,
        cast_to: Any,
        options: RequestOptions | None = None,
        stream: bool = False,
        stream_cls: Any = None,
    ) -> Any:
        """Send a GET request."""
        return finish(self._verb("GET", path, cast_to, options, stream=stream, stream_cls=stream_cls))

    @overload
    def post(
        self,
        path: str,
        *,
        cast_to: type[T],
        body: object = None,
        content: object = None,
        options: RequestOptions | None = None,
        files: RequestFiles | None = None,
        stream: Literal[False] = False,
    ) -> T: ...

    @overload
    def post(
        self,
        path: str,
        *,
        cast_to: type[T],
        body: object = None,
        content: object = None,
        options: RequestOptions | None = None,
        files: RequestFiles | None = None,
        stream: Literal[True],
        stream_cls: type[S],
    ) -> S: ...

    @overload
    def post(
        self,
        path: str,
        *,
        cast_to: type[T],
        body: object = None,
        content: object = None,
        options: RequestOptions | None = None,
        files: RequestFiles | None = None,
        stream: bool,
        stream_cls: type[S] | None = None,
    ) -> T | S: ...

    def post(
        self,
        path: str,
        *,
        cast_to: Any,
        body: object = None,
        content: object = None,
        options: RequestOptions | None = None,
        files: RequestFiles | None = None,
        stream: bool = False,
        stream_cls: Any = None,
    ) -> Any:
        """Send a POST request."""
        return finish(
            self._verb(
                "POST",
                path,
                cast_to,
                options,
                body=body,
                content=content,
                files=files,
                stream=stream,
                stream_cls=stream_cls,
            )
        )

    def put(
        self,
        path: str,
        *,
        cast_to: type[T],
        body: object = None,
        content: object = None,
        files: RequestFiles | None = None,
        options: RequestOptions | None = None,
    ) -> T:
        """Send a PUT request."""
        result: T = finish(self._verb("PUT", path, cast_to, options, body=body, content=content, files=files))
        return result

    def patch(
        self,
        path: str,
        *,
        cast_to: type[T],
        body: object = None,
        content: object = None,
        files: RequestFiles | None = None,
        options: RequestOptions | None = None,
    ) -> T:
        """Send a PATCH request."""
        result: T = finish(
            self._verb("PATCH", path, cast_to, options, body=body, content=content, files=files)
        )
        return result

    def delete(
        self,
        path: str,
        *,
        cast_to: type[T],
        body: object = None,
        content: object = None,
        options: RequestOptions | None = None,
    ) -> T:
        """Send a DELETE request."""
        result: T = finish(self._verb("DELETE", path, cast_to, options, body=body, content=content))
        return result


class AwaitableVerbs(_Verbs):
    """The verbs of the awaitable client.

    Each takes a path below the base URL, or a whole address, and gives a *cast_to*: a model, a type that pydantic
    knows, `str`, `bytes`, `object`, `httpx.Response` or `type(None)`; or with `stream=True` a stream. *body* is sent
    as JSON, or beside *files* as a multipart form; *content* is sent as it is: bytes, a binary file, or an iterable
    of bytes.
    """

    @overload
    async def get(
        self,
        path: str,
        *,
        cast_to: type[T],
        options: RequestOptions | None = None,
        stream: Literal[False] = False,
    ) -> T: ...

    @overload
    async def get(
        self,
        path: str,
        *,
        cast_to: type[T],
        options: RequestOptions | None = None,
        stream: Literal[True],
        stream_cls: type[A],
    ) -> A: ...

    @overload
    async def get(
        self,
        path: str,
        *,
        cast_to: type[T],
        options: RequestOptions | None = None,
        stream: bool,
        stream_cls: type[A] | None = None,
    ) -> T | A: ...

    async def get(
        self,
        path: str,
        *,
        cast_to: Any,
        options: RequestOptions | None = None,
        stream: bool = False,
        stream_cls: Any = None,
    ) -> Any:
        """Send a GET request."""
        return await self._verb("GET", path, cast_to, options, stream=stream, stream_cls=stream_cls)

    @overload
    async def post(
        self,
        path: str,
        *,
        cast_to: type[T],
        body: object = None,
        content: object = None,
        options: RequestOptions | None = None,
        files: RequestFiles | None = None,
        stream: Literal[False] = False,
    ) -> T: ...

    @overload
    async def post(
        self,
        path: str,
        *,
        cast_to: type[T],
        body: object = None,
        content: object = None,
        options: RequestOptions | None = None,
        files: RequestFiles | None = None,
        stream: Literal[True],
        stream_cls: type[A],
    ) -> A: ...

    @overload
    async def post(
        self,
        path: str,
        *,
        cast_to: type[T],
        body: object = None,
        content: object = None,
        options: RequestOptions | None = None,
        files: RequestFiles | None = None,
        stream: bool,
        stream_cls: type[A] | None = None,
    ) -> T | A: ...

    async def post(
        self,
        path: str,
        *,
        cast_to: Any,
        body: object = None,
        content: object = None,
        options: RequestOptions | None = None,
        files: RequestFiles | None = None,
        stream: bool = False,
        stream_cls: Any = None,
    ) -> Any:
        """Send a POST request."""
        return await self._verb(
            "POST",
            path,
            cast_to,
            options,
            body=body,
            content=content,
            files=files,
            stream=stream,
            stream_cls=stream_cls,
        )

    async def put(
        self,
        path: str,
        *,
        cast_to: type[T],
        body: object = None,
        content: object = None,
        files: RequestFiles | None = None,
        options: RequestOptions | None = None,
    ) -> T:
        """Send a PUT request."""
        result: T = await self._verb("PUT", path, cast_to, options, body=body, content=content, files=files)
        return result

    async def patch(
        self,
        path: str,
        *,
        cast_to: type[T],
        body: object = None,
        content: object = None,
        files: RequestFiles | None = None,
        options: RequestOptions | None = None,
    ) -> T:
        """Send a PATCH request."""
        result: T = await self._verb("PATCH", path, cast_to, options, body=body, content=content, files=files)
        return result

    async def delete(
        self,
        path: str,
        *,
        cast_to: type[T],
        body: object = None,
        content: object = None,
        options: RequestOptions | None = None,
    ) -> T:
        """Send a DELETE request."""
        result: T = await self._verb("DELETE", path, cast_to, options, body=body, content=content)
        return result
