"""The verbs of the async client."""

from typing import Any, Literal, TypeVar, overload

from ..._answers.stream import AsyncStream
from ..._params.files import RequestFiles
from .base import FinalRequestOptions, RequestOptions, Verbs

T = TypeVar("T")
A = TypeVar("A", bound=AsyncStream[Any])


class AsyncVerbs(Verbs):
    """The verbs of the async client.

    Each takes a path below the base URL, or a whole address, and gives a *cast_to*: a model, a type that pydantic
    knows, `str`, `bytes`, `object`, `httpx.Response` or `type(None)`; or with `stream=True` a stream. *body* is sent
    as JSON, or beside *files* as a multipart form; *content* is sent as it is: bytes, a binary file, or an iterable
    of bytes.
    """

    @overload
    async def request(
        self, cast_to: type[T], options: FinalRequestOptions, *, stream: Literal[False] = False
    ) -> T: ...

    @overload
    async def request(
        self, cast_to: type[T], options: FinalRequestOptions, *, stream: Literal[True], stream_cls: type[A]
    ) -> A: ...

    @overload
    async def request(
        self,
        cast_to: type[T],
        options: FinalRequestOptions,
        *,
        stream: bool,
        stream_cls: type[A] | None = None,
    ) -> T | A: ...

    async def request(
        self, cast_to: Any, options: FinalRequestOptions, *, stream: bool = False, stream_cls: Any = None
    ) -> Any:
        """Send the request that *options* describe: its `method`, its `url` and the options of a verb."""
        return await self._request(cast_to, options, stream=stream, stream_cls=stream_cls)

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
