"""The answer to a request, and how its body is read, whole or piece by piece."""

from collections.abc import AsyncIterator, Iterator
from typing import Any, cast

from ..errors import APIResponseValidationError
from .bounds import Gathered
from .decoding import SideDecoder, UndecodableError, decoder_of, library_of, limit_decoding
from .hurry import hurry
from .lazy_response import LazyResponse
from .pieces import in_pieces
from .unpacking import unpacked


class Answer(LazyResponse):
    """The answer to a request: its head, and its body, which is read once."""

    __slots__ = ()

    @property
    def content(self) -> bytes:
        """The body, which was read."""
        content = self._content if self.made is None else None
        return self.response.content if content is None else content

    @property
    def content_if_read(self) -> bytes | None:
        """The body, `None` where it was not read to its end."""
        response = self.made
        if response is None:
            return self._content
        return cast("bytes | None", getattr(response, "_content", None))

    @property
    def body(self) -> Any:
        """The body as it comes over the wire, a stream of the HTTP library's."""
        response = self.made
        if response is not None:
            return response.stream
        body = self._body
        return self._library.http.ByteStream(body) if isinstance(body, bytes) else body

    @body.setter
    def body(self, body: Any) -> None:
        if self.made is not None:
            self.made.stream = body
        else:
            self._body = body

    def limit_decoding(self) -> None:
        """Bound the decoding of a body that its reader gets piece by piece.

        Raises:
            APIResponseValidationError: It is encoded in a way that cannot be decoded here.
        """
        encoding = self.header("content-encoding")
        if encoding is None:
            return
        if self.made is not None:
            limit_decoding(self.made)
        elif self._decoder is None and self._content is None:
            try:
                decoder = self._decoder = decoder_of(encoding, self._library)
            except UndecodableError as wrong:
                raise APIResponseValidationError(self.response, None, message=str(wrong)) from None
            if decoder is not None:
                self._body = in_pieces(self.body, decoder.most)

    def side_decoder(self) -> SideDecoder:
        """Return a decoder for who sees the bytes of the body pass."""
        of = self._library if self.made is None else library_of(self.made)
        return SideDecoder(self.header("content-encoding"), of)

    def read_at_hand(self) -> bool:
        """Read the body if all of it has arrived and nothing about it is unusual; return whether it was read."""
        if self.made is not None or type(self._body) is not bytes or self._is_begun or self._is_closed:
            return self.content_if_read is not None
        if self._content is None:
            limit = self.asked.bounds.response
            coding = self.header("content-encoding") if self._head.is_encoded else None
            if coding is not None:
                self._content = unpacked(self._body, coding, limit)
            elif len(self._body) <= limit:
                self._content = self._body
            if self._content is not None:
                self._downloaded = len(self._body)
        return self._content is not None

    def read(self) -> bytes:
        """Read the body to its end.

        Raises:
            ResponseTooLargeError: It is larger than may be held in memory; the answer is closed.
        """
        if self.read_at_hand():
            return self.content
        gathered = self._gathered()
        if gathered.fits:
            for piece in self.pieces():
                if not gathered.add(piece):
                    break
        if not gathered.fits:
            self.close()
            raise gathered.error(self.response)
        return self._keep(gathered.content())

    async def aread(self) -> bytes:
        """Read the body to its end, as `read`."""
        if self.read_at_hand():
            return self.content
        gathered = self._gathered()
        if gathered.fits:
            async for piece in self.apieces():
                if not gathered.add(piece):
                    break
        if not gathered.fits:
            await self.aclose()
            raise gathered.error(self.response)
        return self._keep(gathered.content())

    def _gathered(self) -> Gathered:
        """Begin to read the body into memory."""
        body = self._body if self.made is None else self.made.stream
        announced = 0
        if self.made is None:
            self.limit_decoding()
        is_at_hand = isinstance(body, bytes) or (hasattr(body, "__iter__") and hasattr(body, "__aiter__"))
        if not is_at_hand and self.header("content-encoding") is None:
            length = self.header("content-length") or ""
            announced = int(length) if length.isdecimal() else 0
        return Gathered(announced, self.bounds.response)

    def _keep(self, content: bytes) -> bytes:
        if self.made is None:
            self._content = content
        else:
            self.made._content = content
        return content

    def pieces(self) -> Iterator[bytes]:
        """Yield the decoded body as it comes."""
        if not self._begin():
            yield from self.response.iter_bytes()
            return
        decoder = self._decoder
        try:
            for piece in self.body:
                self._count(piece)
                decoded = piece if decoder is None else decoder.decode(piece)
                if decoded:
                    yield decoded
            self.close()
            if decoder is not None and (rest := decoder.flush()):
                yield rest
        except self._library.http.RequestError as error:
            error.request = self.asked.request
            raise

    async def apieces(self) -> AsyncIterator[bytes]:
        """Yield the decoded body as it comes."""
        if not self._begin():
            async for piece in self.response.aiter_bytes():
                yield piece
            return
        decoder = self._decoder
        try:
            async for piece in self.body:
                self._count(piece)
                decoded = piece if decoder is None else decoder.decode(piece)
                if decoded:
                    yield decoded
            await self.aclose()
            if decoder is not None and (rest := decoder.flush()):
                yield rest
        except self._library.http.RequestError as error:
            error.request = self.asked.request
            raise

    def _begin(self) -> bool:
        """Begin to read the body piece by piece; return whether that is done without the HTTP library."""
        if self.made is not None or self.is_closed or self._is_begun:
            return False
        self._is_begun = True
        return True

    def _count(self, piece: bytes) -> None:
        self._downloaded += len(piece)
        if self.made is not None:
            self.made._num_bytes_downloaded = self._downloaded

    def hurry(self, end: float, too_late: type[Exception]) -> bool:
        """Bound every read of the body by *end*; return whether that holds for one that has begun."""
        response = self.made
        if response is not None:
            return hurry(response, end, too_late)
        own = None if self.is_closed else getattr(self._network_stream, "hurry", None)
        if own is not None:
            own(end)
        return own is not None

    def close(self) -> None:
        """Close it, read or not."""
        if self.made is not None:
            self.made.close()
        elif not self.is_closed:
            self._is_closed = True
            self.body.close()

    async def aclose(self) -> None:
        """Close it, read or not."""
        if self.made is not None:
            await self.made.aclose()
        elif not self.is_closed:
            self._is_closed = True
            await self.body.aclose()
