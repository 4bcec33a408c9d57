"""A minimal server in its own process: canned responses from one asyncio protocol."""

import asyncio
import contextlib
import gzip
import resource
import subprocess
import sys
from collections.abc import Iterator

from . import payloads

_JSON = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-request-id: req_1\r\ncontent-length: %d\r\n\r\n%s"
_UNKNOWN = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"
_SSE = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n%s"
DESCRIPTORS = 10_000
REAL, GZIP, IN_PACKETS, ONE_BY_ONE = "/real", "/gzip", "/packets", "/one"
"""Where the server answers with the headers that the API sends, compressed, and streams in packets."""
EVENTS = 1000
_PACKET = 25
CONNECTIONS = b"/v1/connections"
"""The path that returns the number of connections opened so far."""


class Canned(asyncio.Protocol):
    """Answers each request by its path once its body is complete."""

    delay: float = 0.0
    answers: dict[bytes, bytes]
    streams: dict[bytes, list[bytes]]
    opened = 0

    def __init__(self) -> None:
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport and count the connection."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - narrows the type
        self.transport = transport
        Canned.opened += 1

    def data_received(self, data: bytes) -> None:
        """Process bytes and answer complete requests."""
        self.buffer += data
        while True:
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            head = self.buffer[:end].lower()
            mark = head.find(b"content-length:")
            length = int(head[mark + 15 :].split(b"\r\n", 1)[0]) if mark >= 0 else 0
            if len(self.buffer) < end + 4 + length:
                return
            path = head.split(b" ", 2)[1]
            streamed = b'"stream":true' in self.buffer[end:].replace(b" ", b"")
            self.buffer = self.buffer[end + 4 + length :]
            if path in self.streams:
                self.write_each(iter(self.streams[path]))
                continue
            if path == CONNECTIONS:
                answer = json_answer(b"%d" % Canned.opened)
            else:
                answer = self.answers.get(path + b"#stream" if streamed else path, _UNKNOWN)
            if self.delay:
                asyncio.get_running_loop().call_later(self.delay, self.transport.write, answer)
            else:
                self.transport.write(answer)

    def write_each(self, pieces: Iterator[bytes]) -> None:
        """Write a stream piece by piece, each in a turn of the event loop, so that the client can read it alone."""
        piece = next(pieces, None)
        if piece is not None:
            self.transport.write(piece)
            asyncio.get_running_loop().call_soon(self.write_each, pieces)


def allow_descriptors() -> None:
    """Raise this process's limit of file descriptors to the hard limit; the usual soft limit is 1024 or less."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = DESCRIPTORS if most == resource.RLIM_INFINITY else min(most, DESCRIPTORS)
    resource.setrlimit(resource.RLIMIT_NOFILE, (enough, most))


def json_answer(body: bytes) -> bytes:
    """Build a whole JSON response."""
    return _JSON % (len(body), body)


def chunked(body: bytes, more: bytes) -> bytes:
    """Build an answer with the headers that the API sends and a chunked body, *more* lines of the head included."""
    heads = b"".join(
        b"%s: %s\r\n" % (name.encode(), value.encode()) for name, value in payloads.HEADERS.items()
    )
    return b"HTTP/1.1 200 OK\r\n%s%stransfer-encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (
        heads,
        more,
        len(body),
        body,
    )


def in_packets(body: bytes, events: int) -> list[bytes]:
    """Split a stream into a head and packets of so many events, each a chunk."""
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    each = [event + b"\n\n" for event in body.split(b"\n\n")[:-1]]
    packets = [b"".join(each[at : at + events]) for at in range(0, len(each), events)]
    return [head, *(b"%x\r\n%s\r\n" % (len(packet), packet) for packet in packets), b"0\r\n\r\n"]


async def serve(delay: float) -> None:
    """Serve until the process ends; print the port as the first line."""
    Canned.delay = delay
    allow_descriptors()
    stream = payloads.chat_stream(1000)
    Canned.answers = {
        b"/v1/chat/completions": json_answer(payloads.completion()),
        b"/v1/chat/completions#stream": _SSE % (len(stream), stream),
        b"/v1/responses": json_answer(payloads.response()),
        b"/v1/embeddings": json_answer(payloads.embeddings(encoded=True)),
    }
    Canned.answers[f"{REAL}/chat/completions".encode()] = chunked(payloads.completion(), b"")
    compressed = gzip.compress(payloads.completion(), mtime=0)
    Canned.answers[f"{GZIP}/chat/completions".encode()] = chunked(compressed, b"content-encoding: gzip\r\n")
    Canned.streams = {
        f"{place}{path}".encode(): in_packets(body, events)
        for place, events in ((IN_PACKETS, _PACKET), (ONE_BY_ONE, 1))
        for path, body in (
            ("/chat/completions", payloads.chat_stream(EVENTS)),
            ("/responses", payloads.response_stream(EVENTS)),
        )
    }
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Canned, "127.0.0.1", 0, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


@contextlib.contextmanager
def running(delay: float = 0.0) -> Iterator[str]:
    """Run a server in another process and yield its base URL."""
    command = [sys.executable, "-m", "tools.bench.server", str(delay)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
        finally:
            process.kill()


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1])))
