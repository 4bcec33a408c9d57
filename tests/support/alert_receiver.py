"""A server that receives alerts as webhooks, and does with them what a test wants."""

import ssl
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from ai_client import OpenAI
from tests.support.waiting import until

SECRET = "whsec_c2VjcmV0IG9mIHRoZSBhbGVydHM="


class Delivery(NamedTuple):
    """A request that arrived: its headers and its body."""

    headers: list[tuple[str, str]]
    body: bytes


class AlertReceiver:
    """What has arrived at a server, and how it answers.

    Attributes:
        statuses: The statuses of the next answers; 204 after these.
        hangs: Whether it reads requests and never answers, until `freed` is set.
    """

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []
        self.statuses: list[int] = []
        self.hangs = False
        self.freed = threading.Event()
        self.url = ""

    def events(self) -> list[Any]:
        """Return the events of what arrived, whose signatures this package's own client verifies."""
        with OpenAI(api_key="any", webhook_secret=SECRET) as client:
            return [client.webhooks.unwrap(one.body, one.headers) for one in list(self.deliveries)]

    def wait_for(self, number: int) -> None:
        """Wait until so many requests have arrived."""
        until(lambda: len(self.deliveries) >= number)

    def rule(self, on: str, **more: Any) -> dict[str, Any]:
        """Return a rule whose alerts arrive here."""
        return {"on": on, "to": self.url, "secret": SECRET, **more}


@contextmanager
def running_receiver(tls: ssl.SSLContext | None = None) -> Generator[AlertReceiver]:
    """Yield a running server, of https where there is a context."""
    receiver = AlertReceiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            receiver.deliveries.append(Delivery(list(self.headers.items()), body))
            if receiver.hangs:
                receiver.freed.wait(60)
                return
            status = receiver.statuses.pop(0) if receiver.statuses else 204
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as the class has it
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    scheme = "http" if tls is None else "https"
    receiver.url = f"{scheme}://127.0.0.1:{server.server_port}/hook/a-secret-in-the-path"
    try:
        yield receiver
    finally:
        receiver.freed.set()
        server.shutdown()
        server.server_close()
        thread.join()
