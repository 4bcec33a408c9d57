"""The verbs of the sync client."""

from typing import Any, Literal, TypeVar, overload

from ..._answers.stream import Stream
from ..._io import finish
from ..._params.files import RequestFiles
from .base import FinalRequestOptions, RequestOptions, Verbs

T = TypeVar("T")
S = TypeVar("S", bound=Stream[Any])


class SyncVerbs(Verbs):
    """The verbs of the sync client.

    Each takes a path below the base URL, or a whole address, and gives a *cast_to*: a model, a type that pydantic
    knows, `str`, `bytes`, `object`, `httpx.Response` or `type(None)`; or with `stream=True` a stream. *body* is sent
    as JSON, or beside *files* as a multipart form; *content* is sent as it is: bytes, a binary file, or an iterable
    of bytes.
    """

    @overload
    def request(
        self, cast_to: type[T], options: FinalRequestOptions, *, stream: Literal[False] = False
    ) -> T: ...

    @overload
    def request(
        self, cast_to: type[T], options: FinalRequestOptions, *, stream: Literal[True], stream_cls: type[S]
    ) -> S: ...

    @overload
    def request(
        self,
        cast_to: type[T],
        options: FinalRequestOptions,
        *,
        stream: bool,
        stream_cls: type[S] | None = None,
    ) -> T | S: ...

    def request(
        self, cast_to: Any, options: FinalRequestOptions, *, stream: bool = False, stream_cls: Any = None
    ) -> Any:
        """Send the request that *options* describe: its `method`, its `url` and the options of a verb."""
        return finish(self._request(cast_to, options, stream=stream, stream_cls=stream_cls))

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
