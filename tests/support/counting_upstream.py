"""An API that counts what it is asked and what it reports: the truth that figures of a client are held against."""

import json
import threading
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Counted:
    """Figures of the upstream's own.

    Attributes:
        base_url: Its address.
        statuses: Requests by model and status.
        input, output: Tokens that it reported, by model.
    """

    def __init__(self) -> None:
        self.base_url = ""
        self.statuses: Counter[tuple[str, int]] = Counter()
        self.input: Counter[str] = Counter()
        self.output: Counter[str] = Counter()
        self.refused: set[str] = set()
        self.lock = threading.Lock()

    def of_status(self, status: int) -> Counter[str]:
        """Return how many requests it answered with a status, by model."""
        return Counter({model: n for (model, found), n in self.statuses.items() if found == status})


class _Handler(BaseHTTPRequestHandler):
    counted: Counted
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        """Answer a chat as its prompt asks for: a word and a number."""
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        model, prompt = asked["model"], asked["messages"][0]["content"]
        word, number = prompt.split()
        status = self._status(word, model, prompt)
        with self.counted.lock:
            self.counted.statuses[model, status] += 1
        if status != 200:
            self._send(status, {"error": {"message": "as asked for"}})
            return
        usage = {"prompt_tokens": 10 + int(number) % 7, "completion_tokens": 5 + int(number) % 5}
        usage["total_tokens"] = sum(usage.values())
        head = {"id": "c", "created": 1, "model": model}
        if asked.get("stream"):
            self._stream(head, usage, cut=word == "cut")
            return
        self._count(model, usage)
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "yes"}}
        self._send(200, {**head, "object": "chat.completion", "choices": [choice], "usage": usage})

    def _status(self, word: str, model: str, prompt: str) -> int:
        if word == "bad":
            return 400
        if word == "moved" and model == "primary":
            return 500
        if word == "again":
            with self.counted.lock:
                first = prompt not in self.counted.refused
                self.counted.refused.add(prompt)
            return 503 if first else 200
        return 200

    def _count(self, model: str, usage: dict[str, int]) -> None:
        with self.counted.lock:
            self.counted.input[model] += usage["prompt_tokens"]
            self.counted.output[model] += usage["completion_tokens"]

    def _send(self, status: int, answer: dict[str, Any]) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.send_header("retry-after-ms", "1")
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, head: dict[str, Any], usage: dict[str, int], *, cut: bool) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        head = {**head, "object": "chat.completion.chunk"}
        choice: dict[str, Any] = {"index": 0, "finish_reason": None, "delta": {"content": "yes "}}
        self._event({**head, "choices": [choice]})
        if cut:  # until the client hangs up
            self.close_connection = True
            self.connection.settimeout(60)
            self.rfile.read(1)
            return
        self._event({**head, "choices": [{**choice, "finish_reason": "stop"}]})
        self._count(head["model"], usage)
        self._event({**head, "choices": [], "usage": usage})
        self._chunk(b"data: [DONE]\n\n")
        self.wfile.write(b"0\r\n\r\n")

    def _event(self, data: dict[str, Any]) -> None:
        self._chunk(f"data: {json.dumps(data)}\n\n".encode())

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the class calls it
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that hang up."""


@contextmanager
def counting_upstream() -> Generator[Counted]:
    """Run the upstream."""
    counted = Counted()
    with _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"counted": counted})) as server:
        counted.base_url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield counted
        finally:
            server.shutdown()
            thread.join()
