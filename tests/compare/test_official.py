"""The same calls through the official SDK's clients and ours: equal on the wire, equal in what they give."""

import asyncio
import inspect
import io
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import openai
import pytest

import ai_client
from ai_client.testing import Upstream, sse
from tests.support.invoke import CHAT, KEY
from tests.support.recorded import wire

NOW = {"retry-after-ms": "1"}
TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
MESSAGES = CHAT["messages"]

Call = Callable[[Any, Any], Any]


def chat(**more: Any) -> Call:
    """Describe a chat call."""
    return lambda client, _: client.chat.completions.create(**{**CHAT, **more})


def embed(**more: Any) -> Call:
    """Describe an embeddings call."""
    return lambda client, _: client.embeddings.create(
        **{"model": "text-embedding-3-small", "input": "a", **more}
    )


def verb(name: str, path: str, **more: Any) -> Call:
    """Describe a call of a low-level verb; functions among the arguments are called anew for each client."""

    def call(client: Any, _: Any) -> Any:
        given = {
            key: value() if callable(value) and key != "cast_to" else value for key, value in more.items()
        }
        return getattr(client, name)(path, **{"cast_to": object, **given})

    return call


def form(**files: Any) -> Callable[[], dict[str, Any]]:
    """Describe files that are opened anew for each client."""
    return lambda: {name: value() if callable(value) else value for name, value in files.items()}


MULTIPART = {"headers": {"Content-Type": "multipart/form-data"}}
CALLS: dict[str, Call] = {
    "chat": chat(),
    "chat temperature": chat(temperature=0.5),
    "chat none": chat(temperature=None),
    "chat unicode": chat(messages=[{"role": "user", "content": 'äöü€🎈 \u2028 "quoted" \\ </script>'}]),
    "chat system": chat(messages=[{"role": "system", "content": "be brief"}, *MESSAGES]),
    "chat parts": chat(
        messages=[
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "a"},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
                ],
            }
        ]
    ),
    "chat iterator": lambda client, _: client.chat.completions.create(model="m", messages=iter(MESSAGES)),
    "chat tuple": chat(messages=tuple(MESSAGES)),
    "chat tools": chat(extra_body={"tools": [TOOL], "tool_choice": "auto"}),
    "chat extra body": chat(extra_body={"seed": 1, "nested": {"a": [None, True, 1.5e-9, 10**20]}}),
    "chat extra body wins": chat(extra_body={"model": "other"}),
    "chat extra headers": chat(extra_headers={"X-Mine": "1", "x-other": 'a b; c="d"'}),
    "chat header case": chat(extra_headers={"content-TYPE": "application/json; charset=utf-8"}),
    "chat own authorization": chat(extra_headers={"authorization": "Bearer own"}),
    "chat omitted header": lambda client, lib: client.chat.completions.create(
        **CHAT, extra_headers={"OpenAI-Organization": lib.omit, "accept": "*/*"}
    ),
    "chat no retry count": lambda client, lib: client.chat.completions.create(
        **CHAT, extra_headers={"X-Stainless-Retry-Count": lib.omit}
    ),
    "chat own retry count": chat(extra_headers={"x-stainless-retry-count": "9"}),
    "chat extra query": chat(extra_query={"a": 1, "b": [1, "x"], "c": {"d": True, "e": None}, "f": 1.0}),
    "chat timeout": chat(timeout=12),
    "chat timeout float": chat(timeout=0.5e2),
    "chat timeout none": chat(timeout=None),
    "chat timeout object": lambda client, lib: client.chat.completions.create(
        **CHAT, timeout=_timeout(lib, 7, read=9)
    ),
    "chat not given": lambda client, lib: client.chat.completions.create(**CHAT, temperature=lib.not_given),
    "chat omit": lambda client, lib: client.chat.completions.create(**CHAT, temperature=lib.omit),
    "chat sent again": lambda client, _: client.chat.completions.create(
        model="m", messages=[{"role": "assistant", "content": None, "tool_calls": []}, *MESSAGES]
    ),
    "chat stream": chat(stream=True),
    "chat stream usage": chat(stream=True, extra_body={"stream_options": {"include_usage": True}}),
    "chat not streamed": chat(stream=False),
    "chat raw": lambda client, _: client.chat.completions.with_raw_response.create(**CHAT),
    "chat organization": lambda client, _: client.with_options(
        organization="org", project="proj"
    ).chat.completions.create(**CHAT),
    "chat default headers": lambda client, _: client.with_options(
        default_headers={"X-A": "1", "accept": "*/*"}
    ).chat.completions.create(**CHAT),
    "chat default query": lambda client, _: client.with_options(
        default_query={"a": {"b": 1}}
    ).chat.completions.create(**CHAT, extra_query={"c": 2}),
    "chat set headers": lambda client, _: (
        client.with_options(default_headers={"X-A": "1"})
        .with_options(set_default_headers={"X-B": "1"})
        .chat.completions.create(**CHAT)
    ),
    "chat set query": lambda client, _: (
        client.with_options(default_query={"a": 1})
        .with_options(set_default_query={"b": 1})
        .chat.completions.create(**CHAT)
    ),
    "chat copy timeout": lambda client, _: client.copy(timeout=33).chat.completions.create(**CHAT),
    "chat other key": lambda client, _: client.copy(api_key="sk-other").chat.completions.create(**CHAT),
    "chat base url": lambda client, _: client.copy(
        base_url=str(client.base_url)[:-1]
    ).chat.completions.create(**CHAT),
    "chat set attributes": lambda client, _: _with_attributes(client).chat.completions.create(**CHAT),
    "embeddings": embed(encoding_format="float"),
    "embeddings list": embed(input=["a", "b"], encoding_format="float"),
    "embeddings tokens": embed(input=[[1, 2], [3]], encoding_format="float"),
    "embeddings dimensions": embed(dimensions=8, user="u", encoding_format="float"),
    "models retrieve": lambda client, _: client.models.retrieve("gpt-5.5"),
    "models retrieve odd": lambda client, _: client.models.retrieve(
        "gpt-5.5", extra_query={"q": "a b&c=d/é"}
    ),
    "models list": lambda client, _: client.models.list(),
    "models list query": lambda client, _: client.models.list(
        extra_query={"limit": 2}, extra_headers={"X-Mine": "1"}
    ),
    "models raw": lambda client, _: client.models.with_raw_response.retrieve("gpt-5.5"),
    "get": verb("get", "/models"),
    "get no slash": verb("get", "models"),
    "get str": verb("get", "/models", cast_to=str),
    "get none": verb("get", "/models", cast_to=type(None)),
    "get options": verb(
        "get", "/models", options={"params": {"a": [1, 2]}, "headers": {"X-A": "1"}, "timeout": 3}
    ),
    "get query in path": verb("get", "/models?x=1&y=2"),
    "get query in path merged": verb("get", "/models?x=1&y=2", options={"params": {"y": 3, "z": 4}}),
    "post": verb("post", "/echo", body={"a": 1}),
    "post empty": verb("post", "/echo"),
    "post empty object": verb("post", "/echo", body={}),
    "post list": verb("post", "/echo", body=[1, 2]),
    "post extra json": verb("post", "/echo", body={"a": 1, "b": 1}, options={"extra_json": {"b": 2}}),
    "post extra json alone": verb("post", "/echo", options={"extra_json": {"b": 2}}),
    "post content": verb(
        "post", "/echo", content=b"\x00raw", options={"headers": {"Content-Type": "application/octet-stream"}}
    ),
    "post retries": verb("post", "/echo", body={}, options={"max_retries": 0}),
    "post path quoting": verb("post", "/a%2Fb/c d/é", body={}),
    "put": verb("put", "/echo", body={"a": None}),
    "patch": verb("patch", "/echo", body={"a": [{"b": True}]}),
    "delete": verb("delete", "/echo"),
    "delete body": verb("delete", "/echo", body={"a": 1}),
    "form": verb(
        "post", "/echo", body={"purpose": "x"}, files=form(file=("a.txt", b"data")), options=MULTIPART
    ),
    "form nested": verb(
        "post",
        "/echo",
        body={"a": {"b": [1, 2], "c": True}, "d": ["x"], "e": None, "f": 1.5},
        files=form(file=("a.bin", b"")),
        options=MULTIPART,
    ),
    "form bytes": verb("post", "/echo", files=form(file=b"data"), options=MULTIPART),
    "form file": verb("post", "/echo", files=form(file=lambda: io.BytesIO(b"data")), options=MULTIPART),
    "form type": verb("post", "/echo", files=form(file=("a.txt", b"x", "text/x-mine")), options=MULTIPART),
    "form part headers": verb(
        "post", "/echo", files=form(file=("a", b"x", None, {"X-Part": "1"})), options=MULTIPART
    ),
    "form odd names": verb(
        "post", "/echo", files=form(**{'a"b': ('q"uo\\te\r\n.png', b"x")}), options=MULTIPART
    ),
    "form without files": verb("post", "/echo", body={"a": "b"}, options=MULTIPART),
    "form list of files": verb(
        "post", "/echo", files=lambda: [("f[]", ("a", b"1")), ("f[]", ("b", b"2"))], options=MULTIPART
    ),
}


def _timeout(lib: Any, seconds: float, **more: Any) -> Any:
    if lib is openai:
        return openai.Timeout(seconds, **more)
    import httpx

    return httpx.Timeout(seconds, **more)


def _with_attributes(client: Any) -> Any:
    changed = client.copy()
    changed.api_key, changed.organization, changed.timeout, changed.max_retries = "sk-set", "org-set", 5, 0
    return changed


def plain(result: Any) -> Any:
    """Give a result in plain types."""
    if hasattr(result, "parse") and hasattr(result, "http_response"):
        result = result.parse()
    if isinstance(result, list):
        return [plain(item) for item in result]
    return result.to_dict() if hasattr(result, "to_dict") else result


class Twin:
    """One library's clients, sync and async, of an upstream of their own."""

    def __init__(self, lib: Any, runner: asyncio.Runner) -> None:
        self.lib = lib
        self.upstream = Upstream().start()
        self._runner = runner
        options = {"api_key": KEY, "base_url": self.upstream.base_url, "max_retries": 1}
        self._sync = lib.OpenAI(**options)
        self._async = runner.run(self._made(lib.AsyncOpenAI, options))

    async def _made(self, cls: Any, options: dict[str, Any]) -> Any:
        return cls(**options)

    def run(self, call: Call, *, sync: bool = True) -> Any:
        """Make a call, to the end of its stream; give its result in plain types."""
        if sync:
            result = call(self._sync, self.lib)
            return plain(list(result) if isinstance(result, self.lib.Stream) else result)

        async def main() -> Any:
            result = call(self._async, self.lib)
            if inspect.isawaitable(result):
                result = await result
            if isinstance(result, self.lib.AsyncStream):
                result = [item async for item in result]
            return plain(result)

        return self._runner.run(main())

    def failure(self, call: Call, *, sync: bool = True) -> dict[str, Any]:
        """Give what an error tells, and what had been sent."""
        before = len(self.upstream.requests)
        with pytest.raises(self.lib.OpenAIError) as caught:
            self.run(call, sync=sync)
        names = ("message", "body", "code", "param", "type", "status_code")
        return {
            "class": type(caught.value).__name__,
            "text": str(caught.value),
            "attempts": [wire(recorded) for recorded in self.upstream.requests[before:]],
            "request_id": without_numbers(getattr(caught.value, "request_id", None)),
            **{name: getattr(caught.value, name, None) for name in names},
        }

    def close(self) -> None:
        """Close both clients and the upstream."""
        self._sync.close()
        self._runner.run(self._async.close())
        self.upstream.stop()


def without_numbers(value: Any) -> Any:
    """Take the upstream's running numbers out of its ids."""
    text = json.dumps(value)
    return json.loads(re.sub(r"(req_|chatcmpl-|fp_)[0-9a-f]{8,}", r"\1N", text))


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[Twin, Twin]]:
    """Yield the official library's clients and ours."""
    with asyncio.Runner() as runner:
        twins = Twin(openai, runner), Twin(ai_client, runner)
        yield twins
        for twin in twins:
            twin.close()


@pytest.fixture
def twins(both: tuple[Twin, Twin]) -> tuple[Twin, Twin]:
    """Give the clients, with upstreams that have forgotten the last test."""
    for twin in both:
        twin.upstream.reset()
        for path in ("/echo", "/%C3%A9"):
            twin.upstream.always(json={"ok": True}, path=path)
    return both


@pytest.mark.parametrize("name", CALLS)
def test_a_call(twins: tuple[Twin, Twin], name: str, sync: bool) -> None:
    """Method, path, query, headers, body and result of a call are the official SDK's."""
    seen: list[Any] = []
    for twin in twins:
        result = without_numbers(twin.run(CALLS[name], sync=sync))
        seen.append(([wire(recorded) for recorded in twin.upstream.requests], result))
    assert seen[1] == seen[0]


def test_there_are_many_calls() -> None:
    """The comparison covers at least sixty calls on each kind of client."""
    assert len(CALLS) >= 60


@pytest.mark.parametrize(
    "statuses", [range(400, 450), range(450, 500), range(500, 550), range(550, 600)], ids=str
)
def test_every_error_status(twins: tuple[Twin, Twin], sync: bool, statuses: range) -> None:
    """For each status the exception, its attributes and the attempts are the official SDK's."""
    for status in statuses:
        error = {"message": f"status {status}", "type": "t", "param": "p", "code": status}
        for twin in twins:
            twin.upstream.always(status=status, json={"error": error}, headers={**NOW, "x-request-id": "req"})
        theirs, ours = (twin.failure(CALLS["chat"], sync=sync) for twin in twins)
        assert ours == theirs


@pytest.mark.parametrize(
    "reply",
    [
        {"status": 429, "headers": {"retry-after": "121"}},
        {"status": 400, "headers": {"x-should-retry": "true", **NOW}},
        {"status": 500, "headers": {"x-should-retry": "false"}},
        {"status": 404, "json": {"detail": "no"}},
        {"status": 404, "json": {"error": "text"}},
        {"status": 404, "json": {"message": "flat"}},
        {"status": 404, "json": {"error": {"message": "", "code": None}}},
        {
            "chunks": [sse({"error": {"message": "in the stream", "code": "c"}})],
            "headers": {"content-type": "text/event-stream"},
        },
    ],
    ids=str,
)
def test_odd_errors(twins: tuple[Twin, Twin], sync: bool, reply: dict[str, Any]) -> None:
    """Errors of odd shapes, and those inside streams, tell the same."""
    for twin in twins:
        twin.upstream.always(**reply)
    call = CALLS["chat stream" if "chunks" in reply else "chat"]
    theirs, ours = (twin.failure(call, sync=sync) for twin in twins)
    if ours["class"] == "StreamError":
        ours["class"] = "APIError"  # ours is a subclass that keeps the items
    assert ours == theirs


def test_a_used_up_quota_is_where_ours_differs(twins: tuple[Twin, Twin]) -> None:
    """The official client tries again where an account is empty; ours does not."""
    for twin in twins:
        twin.upstream.always(
            status=429, json={"error": {"message": "m", "code": "insufficient_quota"}}, headers=NOW
        )
    theirs, ours = (twin.failure(CALLS["chat"]) for twin in twins)
    assert (len(theirs.pop("attempts")), len(ours.pop("attempts"))) == (2, 1)
    assert ours == theirs


def test_an_answer_that_is_no_json_is_where_ours_differs(twins: tuple[Twin, Twin]) -> None:
    """The official client gives a web page as a string; ours refuses it."""
    for twin in twins:
        twin.upstream.always(body=b"<html>", headers={"content-type": "text/html"})
    assert twins[0].run(CALLS["chat"]) == "<html>"
    with pytest.raises(ai_client.APIResponseValidationError, match="Expected JSON"):
        twins[1].run(CALLS["chat"])


def test_an_idempotency_key_is_where_ours_differs(twins: tuple[Twin, Twin]) -> None:
    """The official client takes an idempotency key and keeps it to itself; ours sends it."""
    for twin in twins:
        twin.run(verb("post", "/echo", body={}, options={"idempotency_key": "once"}))
    assert [twin.upstream.requests[0].headers.get("idempotency-key") for twin in twins] == [None, "once"]


def test_an_omitted_default_is_where_ours_differs(twins: tuple[Twin, Twin]) -> None:
    """Omitting a header brings the HTTP library's own to light in the official client; ours leaves it out."""
    for twin in twins:
        headers = {"Accept": twin.lib.omit}
        twin.run(lambda client, _, headers=headers: client.models.list(extra_headers=headers))
    assert [twin.upstream.requests[0].headers.get("accept") for twin in twins] == ["*/*", None]
