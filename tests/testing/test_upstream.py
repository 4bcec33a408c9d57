"""The upstream as a server: starting, stopping, connections, counters, scripted answers."""

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from ai_client.testing import Gate, Recorded, Reply, Upstream, sse
from ai_client.testing.reply import ReplyFields

CHAT = {"model": "gpt-5.5", "messages": [{"role": "user", "content": "Hello"}]}
REQUEST = (
    b"POST /v1/embeddings HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer any\r\nContent-Length: %d\r\n\r\n"
)
EMBED = json.dumps({"model": "text-embedding-3-small", "input": "a", "dimensions": 2}).encode()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """Yield threads for calls that are to wait."""
    with ThreadPoolExecutor(8) as pool:
        yield pool


def test_it_can_be_stopped_and_started_again_on_its_port() -> None:
    """An upstream that is started again listens on the same port."""
    upstream = Upstream()
    with upstream:
        first = upstream.base_url
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{first}/models")
    with upstream:
        assert upstream.base_url == first
        assert httpx.get(f"{first}/models").status_code == 401


def test_stopping_twice_is_harmless_and_starting_twice_is_not() -> None:
    """`stop` may be repeated; a second `start` of a running upstream is refused."""
    upstream = Upstream()
    upstream.start()
    with pytest.raises(RuntimeError, match="already running"):
        upstream.start()
    upstream.stop()
    upstream.stop()
    with pytest.raises(RuntimeError, match="not running"):
        _ = upstream.base_url


def test_a_taken_port_is_an_error_at_start(upstream: Upstream) -> None:
    """Starting on a port in use raises the system's error and leaves the upstream stopped."""
    second = Upstream(port=upstream.port)
    with pytest.raises(OSError, match="in use"):
        second.start()
    assert repr(second) == "<Upstream, not running>"


def test_a_connection_is_kept_alive_and_counted(upstream: Upstream, http: httpx.Client) -> None:
    """Requests in a row share a connection, and its closing is seen."""
    for _ in range(5):
        http.post("/chat/completions", json=CHAT).raise_for_status()
    assert upstream.connections_opened == upstream.connections_open == 1
    assert [recorded.connection for recorded in upstream.requests] == [1] * 5
    http.close()
    upstream.wait_for(lambda: upstream.connections_open == 0)
    assert upstream.connections_opened == 1


def test_a_request_is_recorded_as_it_came(upstream: Upstream, http: httpx.Client) -> None:
    """Method, path, query, headers and body can be read back, and the `repr` tells no secret."""
    http.post("/chat/completions?a=1&b=x%20y", json=CHAT, headers={"X-Mixed-Case": "Yes"})
    (recorded,) = upstream.requests
    assert (recorded.method, recorded.path) == ("POST", "/v1/chat/completions")
    assert recorded.query == "a=1&b=x%20y"
    assert recorded.params == {"a": "1", "b": "x y"}
    assert recorded.headers["x-mixed-case"] == recorded.headers.get("X-MIXED-CASE") == "Yes"
    assert (b"X-Mixed-Case", b"Yes") in recorded.headers.raw
    assert recorded.json() == CHAT
    assert recorded.finished
    assert not recorded.aborted
    assert "any" not in repr(recorded)
    assert "Hello" not in repr(recorded)


def test_a_request_may_name_the_whole_address(upstream: Upstream) -> None:
    """What a proxy passes on with a whole URL as its target is answered as if it came directly."""
    with httpx.Client(proxy=upstream.url, trust_env=False) as http:
        answer = http.get(f"{upstream.base_url}/models?limit=2", headers={"Authorization": "Bearer any"})
        assert answer.status_code == 200
    (request,) = upstream.requests
    assert (request.path, request.query) == ("/v1/models", "limit=2")


def test_without_recording_only_the_counters_are_kept() -> None:
    """`record=False` counts requests and keeps none."""
    with Upstream(record=False) as upstream:
        for _ in range(3):
            httpx.post(f"{upstream.base_url}/chat/completions", json=CHAT)
        assert upstream.requests == []
        assert httpx.get(f"{upstream.url}/_stats").json()["finished"] == 3


def test_the_counters_are_served_and_do_not_count_who_asks(upstream: Upstream, http: httpx.Client) -> None:
    """`GET /_stats` and `GET /health` count neither their request nor their connection."""
    http.get("/models").raise_for_status()
    assert httpx.get(f"{upstream.url}/health").json() == {"status": "ok"}
    assert httpx.get(f"{upstream.url}/_stats").json() == {
        "requests": 1,
        "finished": 1,
        "aborted": 0,
        "in_flight": 0,
        "max_in_flight": 1,
        "connections_opened": 1,
        "connections_open": 1,
    }


def test_reset_forgets_requests_answers_and_counts_but_not_open_connections(
    upstream: Upstream, http: httpx.Client
) -> None:
    """After `POST /_reset` everything counts from zero; what is open stays counted as open."""
    upstream.always(status=500)
    http.get("/models")
    assert httpx.get(f"{upstream.url}/_reset").status_code == 405
    assert upstream.requests
    httpx.post(f"{upstream.url}/_reset").raise_for_status()
    assert upstream.requests == []
    assert (upstream.connections_opened, upstream.connections_open) == (0, 1)
    assert http.get("/models").status_code == 200
    assert (upstream.connections_opened, upstream.max_in_flight) == (0, 1)


def test_a_gate_holds_an_answer(upstream: Upstream, http: httpx.Client, pool: ThreadPoolExecutor) -> None:
    """The answer is held until the gate is set, and meanwhile counts as in flight."""
    gate = Gate()
    upstream.reply(gate=gate, times=2)
    calls = [pool.submit(http.post, "/chat/completions", json=CHAT) for _ in range(2)]
    upstream.wait_for(lambda: upstream.in_flight == 2)
    assert not any(call.done() for call in calls)
    gate.set()
    assert [call.result().status_code for call in calls] == [200, 200]
    assert (upstream.in_flight, upstream.max_in_flight) == (0, 2)


def test_a_gate_between_chunks_holds_a_stream(upstream: Upstream, http: httpx.Client) -> None:
    """A client has the chunks before a gate while the rest is held."""
    gate = Gate()
    upstream.reply(chunks=[sse({"n": 1}), gate, sse("[DONE]")])
    with http.stream("POST", "/chat/completions", json=CHAT) as response:
        pieces = response.iter_raw()
        assert next(pieces) == b'data: {"n":1}\n\n'
        assert not upstream.requests[0].finished
        gate.set()
        assert b"".join(pieces) == b"data: [DONE]\n\n"
    assert upstream.requests[0].finished


def test_another_kind_of_gate_is_refused() -> None:
    """A `threading.Event` in place of a gate is named as the mistake it is."""
    with pytest.raises(TypeError, match=r"ai_client\.testing\.Gate"):
        Reply(gate=threading.Event())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("method", "status"), [("HEAD", 200), ("HEAD", 404), ("POST", 204), ("POST", 304)], ids=str
)
@pytest.mark.parametrize(
    "content", [{"json": {}}, {"chunks": [b"one", Gate()]}, {"json": {}, "delay": 0.001}]
)
def test_an_answer_without_a_body_is_its_head_alone(
    upstream: Upstream, http: httpx.Client, method: str, status: int, content: ReplyFields
) -> None:
    """To HEAD, and with a status that has no body, none is sent, and the connection goes on."""
    upstream.reply(method=method, status=status, headers={"x-more": "1"}, **content)
    response = http.request(method, "/chat/completions")
    assert (response.status_code, response.headers["x-more"], response.content) == (status, "1", b"")
    assert http.get("/models").status_code == 200
    assert upstream.connections_opened == 1
    assert all(request.finished and not request.aborted for request in upstream.requests)


def test_an_answer_to_head_can_break_off(upstream: Upstream, http: httpx.Client) -> None:
    """Where an answer is to break off in its body, HEAD gets the head before the connection is closed."""
    upstream.reply(json={}, close_after=1)
    assert http.head("/models").status_code == 200
    upstream.wait_for(lambda: upstream.connections_open == 0)


def test_the_upstreams_own_paths_answer_head(upstream: Upstream) -> None:
    """The health of the upstream can be asked for with HEAD."""
    response = httpx.head(f"{upstream.url}/health")
    assert (response.status_code, response.content) == (200, b"")


def test_replies_are_used_up_in_order_and_standing_ones_stay(upstream: Upstream, http: httpx.Client) -> None:
    """Queued answers come first, each as often as said; then the newest standing one that matches."""
    upstream.always(status=503)
    upstream.always(path="/models", json={"data": []})
    upstream.reply(status=429, headers={"Retry-After": "0"}, times=2)
    upstream.reply(method="get", path="/models", status=404)
    seen = [http.post("/chat/completions", json=CHAT) for _ in range(3)]
    assert [response.status_code for response in seen] == [429, 429, 503]
    assert seen[0].headers["retry-after"] == "0"
    assert seen[0].json()["error"]["code"] == "rate_limit_exceeded"
    assert seen[2].json()["error"]["type"] == "server_error"
    assert http.get("/models").status_code == 404
    assert [http.get("/models").json() for _ in range(2)] == [{"data": []}] * 2


def test_a_reply_without_content_changes_the_built_in_answer(upstream: Upstream, http: httpx.Client) -> None:
    """Status and headers of a bare reply are put on the usual answer, also in place of usual headers."""
    upstream.reply(status=201, headers={"X-Request-ID": "mine", "x-more": "1"})
    response = http.post("/chat/completions", json=CHAT)
    assert response.status_code == 201
    assert response.headers.get_list("x-request-id") == ["mine"]
    assert response.headers["x-more"] == "1"
    assert response.json()["object"] == "chat.completion"


def test_a_reply_can_be_a_function_of_the_request(upstream: Upstream, http: httpx.Client) -> None:
    """A callable gets the recorded request and returns the reply."""

    def echo(recorded: Recorded) -> Reply:
        return Reply(json=recorded.json()["model"])

    upstream.always(echo)
    assert http.post("/chat/completions", json=CHAT).json() == "gpt-5.5"


def test_a_failing_function_is_an_error_500_and_a_log_record(
    upstream: Upstream, http: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    """The test sees that its own callable failed."""

    def fail(recorded: Recorded) -> Reply:
        raise LookupError(recorded.path)

    upstream.reply(fail)
    assert http.get("/models").status_code == 500
    assert "LookupError: /v1/models" in caplog.text


def test_a_failing_stream_is_cut_and_logged(
    upstream: Upstream, http: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    """Chunks that raise end the connection without the stream's end."""

    def chunks() -> Iterator[bytes]:
        yield b"a"
        yield b"b"
        raise LookupError("here")

    upstream.reply(chunks=chunks())
    with pytest.raises(httpx.RemoteProtocolError, match="incomplete"):
        http.get("/models")
    assert "LookupError: here" in caplog.text
    assert upstream.in_flight == 0


def test_pauses_and_steady_streams_need_no_clock_in_the_content(
    upstream: Upstream, http: httpx.Client
) -> None:
    """Numbers among the chunks and a pause between them change nothing about what arrives."""
    upstream.reply(chunks=[b"a", 0.001, b"b", b"c", 0.001], pause=0.001, status=206)
    response = http.get("/models")
    assert (response.status_code, response.content) == (206, b"abc")


def test_a_reply_has_one_content() -> None:
    """Two contents in one reply, or a reply beside its fields, are refused."""
    with pytest.raises(ValueError, match="one content"):
        Reply(json={}, body=b"")
    with pytest.raises(TypeError, match="not both"):
        Upstream().reply(Reply(), status=500)


def test_a_stream_without_chunks_is_empty(upstream: Upstream, http: httpx.Client) -> None:
    """No chunks at all make an empty body."""
    upstream.reply(chunks=[])
    assert http.get("/models").content == b""


def test_headers_are_a_mapping(upstream: Upstream) -> None:
    """Recorded headers iterate by their names in lower case, each once."""
    httpx.get(f"{upstream.base_url}/models", headers=[("X-A", "1"), ("x-a", "2"), ("X-B", "3")])
    headers = upstream.requests[0].headers
    assert {name: headers[name] for name in headers if name.startswith("x-")} == {"x-a": "1", "x-b": "3"}
    assert len(headers) == len(list(headers)) == len(headers.raw) - 1


def test_bytes_and_json_null_are_sent_as_given(upstream: Upstream, http: httpx.Client) -> None:
    """A body of bytes is sent untouched with the given type, `json=None` as null."""
    upstream.reply(body=b"<html>", headers=[("Content-Type", "text/html")])
    upstream.reply(json=None)
    upstream.reply(status=204)
    page, null, empty = (http.get("/models") for _ in range(3))
    assert (page.content, page.headers["content-type"]) == (b"<html>", "text/html")
    assert null.content == b"null"
    assert (empty.status_code, empty.content) == (204, b"")


def test_a_connection_can_be_closed_before_the_head(upstream: Upstream, http: httpx.Client) -> None:
    """`disconnect` sends nothing at all."""
    upstream.reply(disconnect=True)
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        http.post("/chat/completions", json=CHAT)
    assert upstream.in_flight == 0


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_can_be_cut_off(upstream: Upstream, http: httpx.Client, *, stream: bool) -> None:
    """`close_after` sends so many bytes of the body and closes."""
    whole = http.post("/chat/completions", json=CHAT | {"stream": stream}).content
    upstream.reply(close_after=700)
    received = b""
    with http.stream("POST", "/chat/completions", json=CHAT | {"stream": stream}) as response:
        pieces = response.iter_raw()
        while len(received) < 700:
            received += next(pieces)
        with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
            next(pieces)
    assert len(received) == 700
    assert received[:60] == whole[:60].replace(b"100000", b"200000")
    upstream.wait_for(lambda: upstream.connections_open == 0)


def test_an_answer_that_never_comes_ends_with_the_client(upstream: Upstream, http: httpx.Client) -> None:
    """`never` keeps the request in flight until its client gives up."""
    upstream.reply(never=True)
    with pytest.raises(httpx.ReadTimeout):
        http.post("/chat/completions", json=CHAT, timeout=0.05)
    upstream.wait_for(lambda: upstream.in_flight == 0)
    assert upstream.requests[0].aborted


def test_stopping_ends_an_answer_that_never_comes(pool: ThreadPoolExecutor) -> None:
    """`stop` cuts what is held and does not wait for it."""
    with Upstream() as upstream:
        upstream.reply(never=True)
        call = pool.submit(httpx.post, f"{upstream.base_url}/chat/completions", json=CHAT)
        upstream.wait_for(lambda: upstream.in_flight == 1)
    with pytest.raises(httpx.TransportError):
        call.result(timeout=5)
    assert (upstream.connections_open, upstream.in_flight) == (0, 0)


def test_a_client_that_leaves_in_mid_stream_is_seen(upstream: Upstream, http: httpx.Client) -> None:
    """The request is marked as aborted as soon as the client has closed its connection."""
    upstream.reply(chunks=[sse({"n": 1}), Gate()])
    with http.stream("POST", "/chat/completions", json=CHAT) as response:
        pieces = response.iter_raw()  # a generator that nobody holds would close the response
        next(pieces)
        assert not upstream.requests[0].aborted
    upstream.wait_for(lambda: upstream.requests[0].aborted)
    assert not upstream.requests[0].finished
    assert upstream.connections_open == 0


def test_a_client_that_leaves_in_mid_upload_is_seen(upstream: Upstream) -> None:
    """A request whose body never became whole is recorded as aborted with what had come."""
    with socket.create_connection(("127.0.0.1", upstream.port)) as client:
        client.sendall(REQUEST % 1000 + b"half")
        upstream.wait_for(lambda: upstream.in_flight == 1)
        assert upstream.requests == []
    upstream.wait_for(lambda: upstream.in_flight == 0)
    (recorded,) = upstream.requests
    assert (recorded.body, recorded.aborted) == (b"half", True)


def test_a_stream_waits_for_a_client_that_does_not_read(upstream: Upstream) -> None:
    """An endless stream stops at full buffers, and its request ends with the client."""
    sent: list[int] = []

    def endless() -> Iterator[bytes]:
        while True:
            sent.append(1)
            yield b"x" * 65536

    upstream.reply(chunks=endless())
    with socket.create_connection(("127.0.0.1", upstream.port)) as client:
        client.sendall(REQUEST % len(EMBED) + EMBED)
        upstream.wait_for(lambda: len(upstream.requests) == 1)
        before = -1
        while len(sent) != before:
            before = len(sent)
            assert before < 10_000, "nothing holds the stream"
            httpx.get(f"{upstream.url}/health").raise_for_status()
    upstream.wait_for(lambda: upstream.in_flight == 0)
    assert upstream.requests[0].aborted


def test_idle_connections_can_be_closed(
    upstream: Upstream, http: httpx.Client, pool: ThreadPoolExecutor
) -> None:
    """`close_idle` closes what is idle and leaves what is at work."""
    gate = Gate()
    upstream.reply(path="/models", gate=gate)
    call = pool.submit(http.get, "/models")
    upstream.wait_for(lambda: upstream.in_flight == 1)
    http.post("/embeddings", content=EMBED).raise_for_status()
    assert upstream.connections_open == 2
    upstream.close_idle()
    upstream.wait_for(lambda: upstream.connections_open == 1)
    gate.set()
    assert call.result().status_code == 200


def test_a_continue_is_sent_where_it_is_expected(upstream: Upstream) -> None:
    """`Expect: 100-continue` is answered before the body is awaited."""
    head = (REQUEST % len(EMBED)).replace(b"Host", b"Expect: 100-continue\r\nHost")
    with socket.create_connection(("127.0.0.1", upstream.port), timeout=5) as client:
        client.sendall(head)
        assert client.recv(1000).startswith(b"HTTP/1.1 100")
        client.sendall(EMBED)
        assert client.recv(1000).startswith(b"HTTP/1.1 200 OK\r\n")


def test_pipelined_requests_are_answered_in_order(upstream: Upstream) -> None:
    """Requests that arrive together are answered one after the other, also behind one that is held."""
    upstream.reply(delay=0.01, json=1)
    upstream.reply(json=2)
    received = b""
    with socket.create_connection(("127.0.0.1", upstream.port), timeout=5) as client:
        client.sendall((REQUEST % len(EMBED) + EMBED) * 3)
        while received.count(b"HTTP/1.1 200") < 3:
            received += client.recv(10_000)
    assert received.index(b"\r\n\r\n1") < received.index(b"\r\n\r\n2") < received.index(b'{"object"')


@pytest.mark.parametrize(
    "sent", [b"\x16\x03\x01 not http\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"GET /v1\r\n\r\n"]
)
def test_what_is_not_http_is_refused(upstream: Upstream, sent: bytes) -> None:
    """Garbage gets a 400 and the end of the connection, and counts as no request."""
    received = b""
    with socket.create_connection(("127.0.0.1", upstream.port), timeout=5) as client:
        client.sendall(sent)
        while piece := client.recv(1000):
            received += piece
    assert received.startswith(b"HTTP/1.1 400 Bad Request")
    assert (upstream.requests, upstream.in_flight) == ([], 0)


def test_a_wish_to_close_is_met(upstream: Upstream, http: httpx.Client) -> None:
    """`Connection: close` of either side ends the connection after the answer."""
    http.get("/models", headers={"Connection": "close"}).raise_for_status()
    upstream.reply(headers={"Connection": "close"})
    http.get("/models").raise_for_status()
    upstream.wait_for(lambda: upstream.connections_open == 0)
    assert upstream.connections_opened == 2


def test_waiting_for_what_does_not_come_fails(upstream: Upstream) -> None:
    """`wait_for` gives up after its timeout and says what was seen."""
    with pytest.raises(TimeoutError, match="in_flight=0"):
        upstream.wait_for(lambda: upstream.in_flight == 1, timeout=0.01)


def test_importing_it_loads_no_framework() -> None:
    """`ai_client.testing` resolves its names lazily and needs neither pytest nor a framework."""
    code = """if True:
        import sys, ai_client.testing
        assert not {"asyncio", "h11"} & set(sys.modules), "loaded early"
        ai_client.testing.Upstream
        heavy = {"pytest", "fastapi", "django", "flask", "starlette", "httpx", "openai"}
        assert not heavy & set(sys.modules), heavy & set(sys.modules)
    """
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)


def test_its_names_are_public() -> None:
    """Every name in `__all__` resolves, and no other does."""
    import ai_client.testing

    assert {"Upstream", "Gate"} <= {*dir(ai_client.testing)}
    assert all(getattr(ai_client.testing, name) for name in dir(ai_client.testing))
    with pytest.raises(AttributeError, match="nothing"):
        _ = ai_client.testing.nothing
