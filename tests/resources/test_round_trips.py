"""Every generated method, on both clients, against an upstream that answers from the OpenAPI description."""

import email
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from operator import attrgetter
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote

import pytest

from ai_client.testing import Recorded, Upstream, sse
from ai_client.testing.schema import sample
from tests.support.invoke import KEY, Invoke
from tools.generator.description import FORM, Call, Description
from tools.generator.outline import Method
from tools.generator.reading import read
from tools.generator.rules import Rules

ROOT = Path(__file__).parents[2]
API = ROOT / "tools" / "api"
RULES = Rules.load(API)
METHODS = {method.path: method for method in RULES.methods()}
STREAMING = sorted(path for path, method in METHODS.items() if method.stream)
PLACE = "a b/c?d-é"
UPLOAD = ("name.bin", b"content", "application/octet-stream")


class Case:
    """One method: what to call it with, what that must send, and what comes back."""

    def __init__(self, description: Description, method: Method) -> None:
        self._root = {"components": {"schemas": dict(description.schemas)}}
        self._description = description
        self.method = method
        self.call: Call = description.call(method.call)
        self.place = {part["name"]: PLACE for part in self.call.parameters("path")}
        self.query = {
            part["name"].removesuffix("[]"): self._sample(part["schema"])
            for part in self.call.parameters("query")
            if part["name"] != "stream"
        }
        self.kind, schema = self.call.body(method.body) or ("", {})
        self.files = [name for name, part in self._properties(schema).items() if self._is_file(part)]
        self.body: dict[str, Any] = self._sample(schema) if schema else {}
        for name in ("stream", "stream_options"):
            self.body.pop(name, None)

    def given(self) -> tuple[list[Any], dict[str, Any]]:
        """Return the arguments: the last part of the path by position, all else by keyword."""
        *others, last = self.place or {"": None}
        keywords = {name: self.place[name] for name in others} | self.query
        for name, value in self.body.items():
            keywords[name.removesuffix("[]")] = UPLOAD if name in self.files else value
        return ([self.place[last]] if self.place else []), keywords

    def answer(self) -> Any:
        """Return what the description answers, or `None` where that is no JSON."""
        schema = self.call.answer("application/json")
        return None if schema is None or self.method.result in {"binary", "none"} else self._sample(schema)

    def events(self) -> list[Any]:
        """Return one event of each kind that the description streams."""
        schema = self.call.answer("text/event-stream")
        if isinstance(self.method.stream, str):
            schema = {"$ref": f"#/components/schemas/{self.method.stream}"}
        kinds = self._description.resolve(schema or {})
        events = [self._sample(kind) for kind in kinds.get("anyOf") or kinds.get("oneOf") or [kinds]]
        return [event for event in events if event.get("event") not in {"done", "error"}]  # the stream's own

    def _sample(self, schema: Any) -> Any:
        return sample({**self._root, **schema})

    def _properties(self, schema: Any) -> Mapping[str, Any]:
        properties: Mapping[str, Any] = self._description.merged(schema)["properties"] if schema else {}
        return properties

    def _is_file(self, schema: Any) -> bool:
        schema = self._description.resolve(schema)
        parts = [
            *schema.get("anyOf", ()),
            *schema.get("oneOf", ()),
            *([schema["items"]] if "items" in schema else ()),
        ]
        return schema.get("format") == "binary" or any(self._is_file(part) for part in parts)


@pytest.fixture(scope="module")
def description() -> Description:
    """The description with what it lacks."""
    return read(API / "description.json", API / "supplement.json")


@pytest.fixture(scope="module")
def invokes() -> Iterator[dict[bool, Invoke]]:
    """Yield the ways to drive the sync and the async client of one upstream."""
    with Upstream() as upstream, ExitStack() as stack:
        yield {sync: stack.enter_context(closing(Invoke(upstream, sync=sync))) for sync in (True, False)}


@pytest.fixture(scope="module")
def clients(invokes: dict[bool, Invoke]) -> dict[bool, Any]:
    """Return both clients, which validate strictly."""
    options = {"admin_api_key": KEY, "max_retries": 0, "_strict_response_validation": True}
    return {sync: invoke.client(**options) for sync, invoke in invokes.items()}


@pytest.fixture
def invoke(sync: bool, invokes: dict[bool, Invoke]) -> Invoke:
    """Return the way to drive each client in turn, with an upstream that has forgotten the last test."""
    invokes[sync].upstream.reset()
    return invokes[sync]


@pytest.fixture
def call(invoke: Invoke, clients: dict[bool, Any]) -> Callable[..., Any]:
    """Return what makes a case's call, to the end of its stream if it gives one."""

    def made(case: Case, **more: Any) -> Any:
        args, keywords = case.given()
        method = attrgetter(case.method.path)(clients[invoke.sync])
        result = invoke(method, *args, **keywords, **more)
        return invoke.collect(result) if more else result

    return made


def flat(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """List the items of a query string or form for one parameter, in the API's bracket style."""
    if isinstance(value, Mapping):
        for key, member in value.items():
            yield from flat(f"{name}[{key}]", member)
    elif isinstance(value, list):
        for item in value:
            yield from flat(f"{name}[]", item)
    elif value is not None:
        yield name, str(value).lower() if isinstance(value, bool) else str(value)


def form(recorded: Recorded) -> list[str]:
    """List the names of a form's parts."""
    head = f"content-type: {recorded.headers['content-type']}\n\n".encode()
    parts = email.message_from_bytes(head + recorded.body).get_payload()
    assert isinstance(parts, list)
    return sorted(str(part.get_param("name", header="content-disposition")) for part in parts)


def check_request(case: Case, recorded: Recorded) -> None:
    """Compare what was sent with what the description says."""
    template, _, fixed = case.call.path.partition("?")
    assert recorded.method == case.call.verb
    assert recorded.path == "/v1" + template.format_map({name: quote(PLACE, safe="") for name in case.place})
    wanted = [*parse_qsl(fixed), *(pair for name, value in case.query.items() for pair in flat(name, value))]
    assert sorted(parse_qsl(recorded.query)) == sorted(wanted)
    if case.kind == FORM and case.files:
        plain = {
            name.removesuffix("[]"): value for name, value in case.body.items() if name not in case.files
        }
        names = [name for key, value in plain.items() for name, _ in flat(key, value)]
        assert form(recorded) == sorted(names + [name for name in case.files if name in case.body])
    elif case.body:
        assert recorded.json() == case.body
    else:
        assert not recorded.body


def plain(result: Any) -> Any:
    """Return a result as it was on the wire."""
    return result.to_dict(mode="json", warnings=False) if hasattr(result, "to_dict") else result


@pytest.mark.parametrize("path", sorted(METHODS.keys() - {"realtime.calls.create"}))
def test_call_and_answer(
    call: Callable[..., Any], invoke: Invoke, description: Description, path: str
) -> None:
    """A method sends what the description says, and its answer validates strictly and keeps every field."""
    case = Case(description, METHODS[path])
    answer = case.answer()
    if answer is None:
        invoke.upstream.always(body=b"\x00bytes")
    else:
        invoke.upstream.always(json=answer)
    result = call(case)
    check_request(case, invoke.upstream.requests[0])
    if case.method.result == "binary":
        assert result.content == b"\x00bytes"
    elif case.method.result == "text":
        assert result == json.dumps(answer, separators=(",", ":"))
    else:
        assert plain(result) == answer


# Nothing comes after one of these.
ENDS = {"response.completed", "response.incomplete", "response.failed"}


@pytest.mark.parametrize("path", STREAMING)
def test_stream(call: Callable[..., Any], invoke: Invoke, description: Description, path: str) -> None:
    """A method that streams gives every kind of event that the description has, strictly validated."""
    case = Case(description, METHODS[path])
    events = case.events()
    last = [event for event in events if event.get("type") in ENDS]
    others = [event for event in events if event not in last]
    for stream in [[*others, end] for end in last] or [others]:
        frames = [
            sse(event["data"], event=event["event"]) if "event" in event else sse(event) for event in stream
        ]
        invoke.upstream.always(
            chunks=[*frames, b"data: [DONE]\n\n"], headers={"content-type": "text/event-stream"}
        )
        items = call(case, stream=True)
        sent = [
            {key: event[key] for key in ("event", "data")} if "event" in event else event for event in stream
        ]
        assert [plain(item) for item in items] == sent


def test_every_call_of_the_description_has_a_method(description: Description) -> None:
    """No operation of the description is left out but those named here, each for its reason."""
    known = {method.call for method in RULES.methods()}
    left_out = {
        "POST /evals/{eval_id}/runs/{run_id}",  # the SDK calls it under /cancel
    }
    assert set(description.calls()) - known == left_out
