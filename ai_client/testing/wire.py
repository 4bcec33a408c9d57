"""A server connection: HTTP/1.1 with h11 on an asyncio transport."""

import asyncio
import logging
from collections.abc import Iterable

import h11

from ai_client.testing import frames
from ai_client.testing.gate import Gate
from ai_client.testing.recording import Headers, Outcome, Recorded
from ai_client.testing.reply import Piece, Reply, error_body
from ai_client.testing.service import CONTROL_PATHS, Service

logger = logging.getLogger("ai_client.testing")


class Connection(asyncio.Protocol):
    """One client's connection; its requests are answered one after the other."""

    _transport: asyncio.Transport

    def __init__(self, service: Service, connections: "set[Connection]", number: int) -> None:
        self._service = service
        self._recorder = service.recorder
        self._connections = connections
        self._number = number
        self._counted = True
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=256 * 1024)
        self._writable = asyncio.Event()
        self._writable.set()
        self._head: h11.Request | None = None
        self._body: list[bytes] = []
        self._outcome: Outcome | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def idle(self) -> bool:
        """Whether no request is in progress."""
        return self._head is None

    def abort(self) -> None:
        """Close at once, even in the middle of an exchange."""
        self._leave()
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count a new connection."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._connections.add(self)
        self._recorder.connected()

    def connection_lost(self, exc: Exception | None) -> None:
        """Settle the exchange in progress and uncount the connection."""
        del exc
        self._leave()
        self._connections.discard(self)

    def eof_received(self) -> None:
        """Treat the client's EOF as a disconnect: clients of this API never half-close."""
        self.abort()

    def pause_writing(self) -> None:
        """Pause streams while the client reads too slowly."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """Resume streams."""
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        """Process bytes from the client."""
        self._http.receive_data(data)
        self._advance()

    def _advance(self) -> None:
        while not self._transport.is_closing():
            try:
                event = self._http.next_event()
            except h11.RemoteProtocolError as error:
                self._refuse(error)
                return
            match event:
                case h11.Request():
                    self._begin(event)
                case h11.Data():
                    self._body.append(bytes(event.data))
                case h11.EndOfMessage():
                    self._respond()
                case _:
                    if self._http.they_are_waiting_for_100_continue:
                        self._send(h11.InformationalResponse(status_code=100, headers=[]))
                    return

    def _begin(self, head: h11.Request) -> None:
        self._head = head
        path, _ = _split(head.target)
        if path not in CONTROL_PATHS:
            self._outcome = Outcome()
            self._recorder.begun()
        elif self._counted:
            self._counted = False
            self._recorder.uncounted()

    def _record(self) -> Recorded:
        assert self._head is not None
        path, query = _split(self._head.target)
        recorded = Recorded(
            method=self._head.method.decode("ascii"),
            path=path,
            query=query,
            headers=Headers(self._head.headers.raw_items()),
            body=b"".join(self._body),
            connection=self._number,
            outcome=self._outcome or Outcome(),
        )
        self._body.clear()
        if self._outcome is not None:
            self._recorder.arrived(recorded)
        return recorded

    def _respond(self) -> None:
        recorded = self._record()
        reply = self._service.control(recorded) if self._outcome is None else self._service.answer(recorded)
        if reply.immediate:
            self._send_whole(reply)
        else:
            self._task = asyncio.get_running_loop().create_task(self._perform(reply))

    def _send_whole(self, reply: Reply) -> None:
        head, body = self._whole(reply)
        self._settle()
        self._send(head, *([h11.Data(data=body)] if body else []), h11.EndOfMessage())
        self._finish()

    async def _perform(self, reply: Reply) -> None:
        try:
            if reply.gate is not None:
                await reply.gate.opened()
            if reply.delay:
                await asyncio.sleep(reply.delay)
            if reply.never:
                await asyncio.Event().wait()
            if reply.disconnect:
                self._hang_up()
            elif reply.chunks is not None:
                await self._stream(reply, reply.chunks if self._has_body(reply) else ())
            elif reply.close_after is not None:
                self._send_part(reply, reply.close_after)
            else:
                self._send_whole(reply)
        except Exception:
            logger.exception("The upstream failed in the middle of an answer.")
            self.abort()
        else:
            self._advance()

    async def _stream(self, reply: Reply, chunks: Iterable[Piece]) -> None:
        self._send(frames.streamed(reply))
        left = reply.close_after
        for piece, last in frames.marking_last(chunks):
            if isinstance(piece, Gate):
                await piece.opened()
            elif not isinstance(piece, bytes):
                await asyncio.sleep(piece)
            elif left is not None and left <= len(piece):
                self._send(h11.Data(data=piece[:left]))
                break
            elif last and left is None:
                self._settle()
                self._send(h11.Data(data=piece), h11.EndOfMessage())
                self._finish()
                return
            else:
                left = None if left is None else left - len(piece)
                self._send(h11.Data(data=piece))
                await asyncio.sleep(reply.pause)
                await self._writable.wait()
        if left is not None:
            self._hang_up()
            return
        self._settle()
        self._send(h11.EndOfMessage())
        self._finish()

    def _send_part(self, reply: Reply, size: int) -> None:
        head, body = self._whole(reply)
        self._send(head, h11.Data(data=body[:size]))
        self._hang_up()

    def _whole(self, reply: Reply) -> tuple[h11.Response, bytes]:
        head, body = frames.whole(reply)
        return head, body if self._has_body(reply) else b""

    def _has_body(self, reply: Reply) -> bool:
        """Return whether the head of an answer is followed by a body (RFC 9112, section 6.3)."""
        asks_for_head = self._head is not None and self._head.method == b"HEAD"
        return not asks_for_head and reply.status not in {204, 304}

    def _send(self, *events: h11.Event) -> None:
        self._transport.write(b"".join(self._http.send(event) or b"" for event in events))

    def _settle(self) -> None:
        """Settle the exchange before its last bytes are sent, so that a client that has them finds it settled."""
        if self._outcome is not None:
            self._recorder.ended(self._outcome, aborted=False)
            self._outcome = None

    def _finish(self) -> None:
        self._head = None
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        else:
            self._transport.close()

    def _hang_up(self) -> None:
        self._settle()
        self._head = None
        self._transport.close()

    def _leave(self) -> None:
        if self._task is not None:
            self._task.cancel()
        if self._counted:
            self._counted = False
            self._recorder.disconnected()
        if self._outcome is not None:
            if self._http.their_state is h11.SEND_BODY:
                self._record()
            self._recorder.ended(self._outcome, aborted=True)
            self._outcome = None

    def _refuse(self, error: h11.RemoteProtocolError) -> None:
        if self._http.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            reply = Reply(status=error.error_status_hint, json=error_body(400, f"Not HTTP/1.1: {error}"))
            self._send_whole(reply)
        self._transport.close()


def _split(target: bytes) -> tuple[str, str]:
    """Split a request target into path and query; a proxy request has a whole URL (RFC 9112, section 3.2.2)."""
    text = target.decode("latin-1")
    if "://" in text and not text.startswith("/"):
        text = "/" + text.partition("://")[2].partition("/")[2]
    path, _, query = text.partition("?")
    return path, query
