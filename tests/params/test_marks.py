"""Marks of the official SDK given to our clients: `omit`, `NOT_GIVEN` and `Timeout`, as other libraries pass them."""

from typing import Any

import httpx
import pytest

from ai_client import NOT_GIVEN, NotGiven, Omit, omit
from ai_client._params.omit import is_mark
from ai_client.testing import Recorded
from tests.support.invoke import CHAT, Invoke


def mark(name: str, module: str) -> Any:
    """Return an instance of a class as the official SDK has it, which these tests do not need."""
    return type(name, (), {"__module__": module, "__bool__": lambda _: False})()


MARKS = {
    "ours": (omit, NOT_GIVEN),
    "official": (mark("Omit", "openai"), mark("NotGiven", "openai")),
    "older": (mark("Omit", "openai._types"), mark("NotGiven", "openai._types")),
}


@pytest.fixture(params=MARKS)
def marks(request: pytest.FixtureRequest) -> tuple[Any, Any]:
    """Return the marks `omit` and `NOT_GIVEN` of a library."""
    return MARKS[request.param]


def sent(invoke: Invoke) -> Recorded:
    """Return the last request."""
    return invoke.upstream.requests[-1]


def test_marks_of_others_are_instances(marks: tuple[Any, Any]) -> None:
    """The official marks count as ours of the same name, whoever imported them; nothing else does."""
    omitted, missing = marks
    assert (isinstance(omitted, Omit), isinstance(omitted, NotGiven)) == (True, False)
    assert (isinstance(missing, Omit), isinstance(missing, NotGiven)) == (False, True)
    assert is_mark(omitted)
    assert is_mark(missing)
    for other in (mark("Omit", "another"), mark("Other", "openai"), "", None, 0, object()):
        assert not isinstance(other, Omit | NotGiven)
        assert not is_mark(other)


def test_parameters_and_nested_members(invoke: Invoke, marks: tuple[Any, Any]) -> None:
    """A marked parameter, member or item of the body is not sent."""
    one, other = marks
    message = {"role": "user", "content": [{"type": "text", "text": "a", "more": one}, other], "name": other}
    invoke(
        invoke.client().chat.completions.create,
        model="m",
        messages=[message, one],
        temperature=one,
        tools=other,
        stream=one,
        stream_options=other,
        extra_body={"metadata": {"a": "b", "c": one}, "seed": other},
        extra_headers=other,
        extra_query=one,
        timeout=other,
    )
    assert sent(invoke).json() == {
        "model": "m",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "a"}]}],
        "metadata": {"a": "b"},
    }


def test_headers_and_queries(invoke: Invoke, marks: tuple[Any, Any]) -> None:
    """A marked header is removed, and a marked query parameter is not sent, of a call as of a client."""
    one, other = marks
    client = invoke.client(
        default_headers={"X-Own": "1", "User-Agent": one}, default_query={"a": "1", "b": other, "c": one}
    )
    invoke(
        client.chat.completions.create,
        **CHAT,
        extra_headers={"X-Own": one, "X-Other": "2"},
        extra_query={"a": other, "d": "3"},
    )
    assert {"x-own", "user-agent"}.isdisjoint(sent(invoke).headers)
    assert sent(invoke).headers["x-other"] == "2"
    assert sent(invoke).query == "d=3"


def test_lists_and_verbs(invoke: Invoke, marks: tuple[Any, Any]) -> None:
    """A marked parameter of a list is not sent; neither are those of a verb."""
    one, other = marks
    client = invoke.client()
    invoke.upstream.always(json={"data": [], "object": "list"})
    invoke(client.files.list, after=one, limit=other, order="asc")
    assert sent(invoke).query == "order=asc"
    invoke(
        client.post,
        "/things",
        cast_to=object,
        body={"a": 1, "b": one},
        options={
            "headers": other,
            "params": {"c": other},
            "timeout": other,
            "max_retries": other,
            "extra_json": one,
        },
    )
    assert (sent(invoke).json(), sent(invoke).query) == ({"a": 1}, "")


def test_a_constructor_and_copies(invoke: Invoke, marks: tuple[Any, Any]) -> None:
    """A marked option of a client or of a copy counts as not passed."""
    for each in marks:
        client = invoke.client(
            timeout=each,
            max_retries=each,
            organization=each,
            http_client=each,
            default_query=each,
            deadline=each,
        )
        plain = invoke.client()
        assert (client.timeout, client.max_retries) == (plain.timeout, plain.max_retries)
        changed = client.with_options(timeout=7, max_retries=1, default_headers={"X-Own": "1"})
        kept = changed.with_options(
            timeout=each, max_retries=each, default_headers=each, base_url=each, api_key=each, deadline=each
        )
        assert (kept.timeout, kept.max_retries, kept.base_url) == (7, 1, plain.base_url)
        invoke(kept.chat.completions.create, **CHAT)
        assert sent(invoke).headers["x-own"] == "1"


def test_structured_output_and_streams(invoke: Invoke, marks: tuple[Any, Any]) -> None:
    """The helpers take marks for what is not asked for."""
    client = invoke.client()
    for each in marks:
        parsed = invoke(client.chat.completions.parse, **CHAT, response_format=each, tools=each)
        assert parsed.choices[0].message.parsed is None
        invoke(client.responses.parse, model="m", input="a", text_format=each, tools=each)
        manager = client.responses.stream(
            model="m", input="a", response_id=each, starting_after=each, text_format=each, tools=each
        )
        with invoke.within(manager) as stream:
            assert invoke.collect(stream)
        with invoke.within(
            client.chat.completions.stream(**CHAT, response_format=each, tools=each)
        ) as stream:
            assert invoke.collect(stream)


def test_embeddings_and_uploads(invoke: Invoke, marks: tuple[Any, Any]) -> None:
    """Marks do not change how vectors are transferred, nor are they taken for files."""
    client = invoke.client()
    for each in marks:
        invoke(client.embeddings.create, model="m", input="a", encoding_format=each, dimensions=each)
        assert sent(invoke).json() == {"model": "m", "input": "a", "encoding_format": "base64"}
        invoke.upstream.reply(json={"data": []})
        invoke(client.images.edit, image=b"x", mask=each, prompt="p", n=each)
        assert b'name="mask"' not in sent(invoke).body
        assert b'name="n"' not in sent(invoke).body


def test_timeouts_of_either_library(invoke: Invoke) -> None:
    """A `Timeout` of httpx or httpx2, as the official SDK exports it, bounds a call, a client and a copy."""
    httpx2 = pytest.importorskip("httpx2")
    for library in (httpx, httpx2):
        timeout = library.Timeout(9.0, read=7.0)
        client = invoke.client(timeout=timeout)
        invoke(client.chat.completions.create, **CHAT)
        assert sent(invoke).headers["x-stainless-read-timeout"] == "7.0"
        invoke(client.with_options(timeout=library.Timeout(3.0)).chat.completions.create, **CHAT)
        assert sent(invoke).headers["x-stainless-read-timeout"] == "3.0"
        invoke(client.chat.completions.create, **CHAT, timeout=library.Timeout(4.0))
        assert sent(invoke).headers["x-stainless-read-timeout"] == "4.0"
        address = library.URL(invoke.upstream.base_url)
        invoke(invoke.client(base_url=address).chat.completions.create, **CHAT)
