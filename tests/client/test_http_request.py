"""The request of a call on the wire: address, headers, authorization, timeouts."""

import io
import json
import math
import os
from pathlib import Path
from traceback import walk_tb
from typing import Any

import httpx
import pytest

from ai_client import ConfigError, OpenAIError, omit
from tests.support.invoke import CHAT, KEY, Invoke


def sent(invoke: Invoke) -> Any:
    """Give the last request that arrived."""
    return invoke.upstream.requests[-1]


def test_the_usual_headers(invoke: Invoke) -> None:
    """A call carries key, types and the SDK's counters."""
    client = invoke.client(organization="org-1", project="proj-1")
    invoke(client.chat.completions.create, **CHAT)
    headers = dict(sent(invoke).headers)
    assert headers["authorization"] == f"Bearer {KEY}"
    assert headers["accept"] == headers["content-type"] == "application/json"
    assert headers["openai-organization"] == "org-1"
    assert headers["openai-project"] == "proj-1"
    assert headers["x-stainless-retry-count"] == "0"
    assert headers["x-stainless-read-timeout"] == "600"
    assert headers["user-agent"].startswith("ai_client/")


def test_a_get_has_no_content_type(invoke: Invoke) -> None:
    """A request without a body says nothing about its type."""
    invoke(invoke.client().models.retrieve, "gpt-5.5")
    assert "content-type" not in sent(invoke).headers


def test_headers_of_a_call_win_whatever_their_case(invoke: Invoke) -> None:
    """`extra_headers` replace the client's headers of the same name, and `omit` removes one."""
    client = invoke.client(default_headers={"X-One": "1", "x-two": "2", "X-Three": "3"})
    headers = {
        "x-ONE": "one",
        "X-Two": omit,
        "X-Stainless-Retry-Count": omit,
        "x-stainless-read-timeout": "7",
    }
    invoke(client.chat.completions.create, **CHAT, extra_headers=headers)
    got = dict(sent(invoke).headers)
    assert got["x-one"] == "one"
    assert "x-two" not in got
    assert got["x-three"] == "3"
    assert "x-stainless-retry-count" not in got
    assert got["x-stainless-read-timeout"] == "7"


def test_a_length_is_counted_whatever_headers_say(invoke: Invoke) -> None:
    """A `Content-Length` among the headers, as of one passed on, does not break a body of another size."""
    wrong = {"Content-Length": "5"}
    client = invoke.client(default_headers=wrong)
    own: list[dict[str, str] | None] = [None, {"content-length": "7"}]
    for headers in own:
        invoke(client.chat.completions.create, **CHAT, extra_headers=headers)
        assert sent(invoke).headers["content-length"] == str(len(sent(invoke).body))
        file, options = io.BytesIO(json.dumps(CHAT).encode()), {"headers": headers}
        invoke(client.post, "/chat/completions", cast_to=object, content=file, options=options)
        assert sent(invoke).headers["content-length"] == str(len(sent(invoke).body))
        invoke(client.models.retrieve, "gpt-5.5", extra_headers=headers)
        assert "content-length" not in sent(invoke).headers


def test_a_caller_tells_the_length_of_what_cannot_be_counted(invoke: Invoke) -> None:
    """The `Content-Length` of a call is that of its body where that is read piece by piece."""
    client = invoke.client()
    parts = [b'{"model": "gpt-5.5", ', b'"messages": [{"role": "user", "content": "Hello"}]}']
    invoke(
        client.post,
        "/chat/completions",
        cast_to=object,
        content=iter(parts),
        options={"headers": {"Content-Length": str(len(b"".join(parts)))}},
    )
    assert sent(invoke).headers["content-length"] == str(len(b"".join(parts)))
    assert sent(invoke).body == b"".join(parts)


def test_omitting_the_authorization_is_possible_on_purpose(invoke: Invoke) -> None:
    """A call without credentials is refused unless the caller omits the header."""
    client = invoke.client(api_key="", _enforce_credentials=False)
    with pytest.raises(TypeError, match="nothing to authenticate"):
        invoke(client.models.retrieve, "gpt-5.5")
    invoke.upstream.reply(json={"id": "m"})
    invoke(client.models.retrieve, "gpt-5.5", extra_headers={"Authorization": omit})
    assert "authorization" not in sent(invoke).headers


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\0b"])
def test_line_breaks_in_headers_are_refused(invoke: Invoke, value: str) -> None:
    """A header value cannot smuggle in another header, nor does the error show it."""
    client = invoke.client()
    with pytest.raises(ValueError, match="line break") as caught:
        invoke(client.models.retrieve, "m", extra_headers={"X-Mine": value})
    assert value not in str(caught.value)
    with pytest.raises(ConfigError, match="api_key"):
        invoke.client(api_key=value)
    assert not invoke.upstream.requests


def test_a_header_that_is_no_string_is_refused(invoke: Invoke) -> None:
    """A number as a header value is a `TypeError` with the header's name."""
    with pytest.raises(TypeError, match="'X-Mine' must be a string, not int"):
        invoke(invoke.client().models.retrieve, "m", extra_headers={"X-Mine": 3})


def test_query_of_client_and_call(invoke: Invoke) -> None:
    """`extra_query` is laid over `default_query`."""
    client = invoke.client(default_query={"a": 1, "b": 1})
    invoke(client.models.retrieve, "gpt-5.5", extra_query={"b": {"c": 2}})
    assert sent(invoke).query == "a=1&b%5Bc%5D=2"


def test_extra_body_is_laid_over_the_parameters(invoke: Invoke) -> None:
    """`extra_body` adds members and replaces parameters."""
    invoke(invoke.client().chat.completions.create, **CHAT, extra_body={"model": "other", "new": {"x": 1}})
    body = sent(invoke).json()
    assert (body["model"], body["new"], body["messages"]) == ("other", {"x": 1}, CHAT["messages"])


@pytest.mark.parametrize("root", ["/proxy/v1", "/proxy/v1/"])
def test_paths_are_below_the_base_url(invoke: Invoke, root: str) -> None:
    """A base URL keeps its path, with or without a slash at its end."""
    invoke.upstream.reply(json={"id": "m"})
    client = invoke.client(base_url=invoke.upstream.url + root)
    assert str(client.base_url).endswith("/proxy/v1/")
    invoke(client.models.retrieve, "m")
    assert sent(invoke).path == "/proxy/v1/models/m"


def test_a_query_in_the_base_url_is_kept(invoke: Invoke) -> None:
    """A gateway's own query parameters survive, and give way to those of the call."""
    client = invoke.client(base_url=invoke.upstream.base_url + "?route=eu&x=1")
    invoke(client.models.retrieve, "gpt-5.5", extra_query={"x": 2})
    assert sent(invoke).path == "/v1/models/gpt-5.5"
    assert sent(invoke).params == {"route": "eu", "x": "2"}


def test_attributes_can_be_set(invoke: Invoke) -> None:
    """What is set on a client counts from its next call."""
    client = invoke.client(base_url="http://nowhere.invalid/v1")
    client.base_url = invoke.upstream.base_url
    client.api_key = "sk-other-key"
    client.organization = "org-2"
    client.timeout = 7.5
    invoke(client.models.retrieve, "gpt-5.5")
    headers = dict(sent(invoke).headers)
    assert headers["authorization"] == "Bearer sk-other-key"
    assert headers["openai-organization"] == "org-2"
    assert headers["x-stainless-read-timeout"] == "7.5"


def test_timeouts(invoke: Invoke) -> None:
    """A call's timeout may be a number, a `Timeout` or `None`; anything else is refused."""
    import httpx

    client = invoke.client()
    for timeout, header in ((3, "3"), (httpx.Timeout(1, read=9), "9"), (None, None)):
        invoke(client.models.retrieve, "gpt-5.5", timeout=timeout)
        assert sent(invoke).headers.get("x-stainless-read-timeout") == header
    with pytest.raises(TypeError, match="timeout must be a number of seconds"):
        invoke(client.models.retrieve, "gpt-5.5", timeout="3")


def test_the_admin_key_is_for_the_administration(invoke: Invoke) -> None:
    """Paths of the organization's administration get the admin key, all others the API key."""
    client = invoke.client(admin_api_key="sk-admin-1234")
    invoke.upstream.always(json={})
    for path, key in (
        ("/organization/users", "sk-admin-1234"),
        ("/projects/p/roles", "sk-admin-1234"),
        ("/files", KEY),
    ):
        invoke(client.get, path, cast_to=object)
        assert sent(invoke).headers["authorization"] == f"Bearer {key}"


def test_an_admin_key_alone_is_enough(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client may have an admin key and no other."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("OPENAI_ADMIN_KEY", "sk-admin-1234")
    client = invoke.client(api_key=None)
    invoke.upstream.reply(json={})
    invoke(client.get, "/organization/users", cast_to=object)
    assert sent(invoke).headers["authorization"] == "Bearer sk-admin-1234"


@pytest.mark.parametrize("options", [{}, {"api_key": lambda: KEY}])
def test_the_administration_gets_no_other_key(
    invoke: Invoke, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without an admin key the administration is not asked, with it gets no other; a header of the call is its own."""
    monkeypatch.delenv("OPENAI_ADMIN_KEY", raising=False)
    invoke.upstream.always(json={"object": "list", "data": []})
    client = invoke.client(**options)
    projects = client.admin.organization.projects
    for error in (OpenAIError, TypeError):
        with pytest.raises(error, match="Set admin_api_key on the client"):
            invoke(projects.list)
    assert not invoke.upstream.requests
    invoke(projects.list, extra_headers={"Authorization": "Bearer own"})
    assert sent(invoke).headers["authorization"] == "Bearer own"
    invoke(invoke.client(admin_api_key="sk-admin-1234", **options).admin.organization.projects.list)
    assert sent(invoke).headers["authorization"] == "Bearer sk-admin-1234"
    invoke(client.get, "/organization/users", cast_to=object)
    assert sent(invoke).headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("options", [{"api_key": ""}, {"api_key": lambda: ""}])
def test_the_admin_key_is_for_nothing_else(invoke: Invoke, options: dict[str, Any]) -> None:
    """Without an API key no other call is authorized by the admin key."""
    client = invoke.client(admin_api_key="sk-admin-1234", **options)
    with pytest.raises(OpenAIError, match="Set api_key on the client"):
        invoke(client.models.list)
    assert not invoke.upstream.requests


def test_a_key_function_is_asked_for_each_attempt(invoke: Invoke) -> None:
    """Every attempt, retries included, carries the key that its own call of the function gave."""
    keys = iter(["sk-first-key", "sk-second-key", "sk-third-key"])
    client = invoke.client(api_key=lambda: next(keys))
    assert client.api_key == ""
    invoke.upstream.reply(status=500, headers={"retry-after-ms": "1"})
    invoke(client.models.retrieve, "gpt-5.5")
    invoke(client.models.retrieve, "gpt-5.5")
    got = [request.headers["authorization"] for request in invoke.upstream.requests]
    assert got == ["Bearer sk-first-key", "Bearer sk-second-key", "Bearer sk-third-key"]
    assert client.api_key == "sk-third-key"


def test_an_async_key_function_is_awaited(invoke: Invoke) -> None:
    """The async client awaits the key; the sync one refuses what is not a string."""

    async def key() -> str:
        return "sk-async-key"

    client = invoke.client(api_key=key)
    if invoke.sync:
        with pytest.raises(OpenAIError, match="only AsyncOpenAI can await"):
            invoke(client.models.retrieve, "gpt-5.5")
        return
    invoke(client.models.retrieve, "gpt-5.5")
    assert sent(invoke).headers["authorization"] == "Bearer sk-async-key"


def test_a_key_function_may_fail(invoke: Invoke) -> None:
    """What the function raises reaches the caller as it is."""

    def key() -> str:
        raise LookupError("no key today")

    with pytest.raises(LookupError, match="no key today"):
        invoke(invoke.client(api_key=key).models.retrieve, "gpt-5.5")


HALF = "\ud800"


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"extra_headers": {"X-A": "ä"}}, "X-A"),
        ({"extra_headers": {"X-A": HALF}}, "X-A"),
        ({"extra_headers": {"X A": "a"}}, "X A"),
        ({"extra_headers": {"": "a"}}, "header"),
        ({"extra_headers": {3: "a"}}, "extra_headers"),
        ({"extra_headers": 3}, "extra_headers"),
        ({"extra_headers": ["X-A: a"]}, "extra_headers"),
        ({"extra_query": {"a": HALF}}, "query"),
        ({"extra_query": {HALF: "a"}}, "query"),
        ({"extra_query": "a=b"}, "extra_query"),
        ({"extra_body": ["a"]}, "extra_body"),
        ({"extra_body": {3: "a"}}, "extra_body"),
        ({"timeout": -1}, "timeout"),
        ({"timeout": math.nan}, "timeout"),
        ({"timeout": math.inf}, "timeout"),
        ({"timeout": 1e300}, "timeout"),
        ({"timeout": httpx.Timeout(1, read=-1)}, "timeout"),
        ({"timeout": "soon"}, "timeout"),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_options_of_a_call_that_cannot_be_sent(invoke: Invoke, options: dict[str, Any], named: str) -> None:
    """An option of a call that cannot be sent is refused by its name, and nothing is sent."""
    with pytest.raises((TypeError, ConfigError), match=named):
        invoke(invoke.client().chat.completions.create, **CHAT, **options)
    assert not invoke.upstream.connections_opened


@pytest.mark.parametrize(
    ("file", "purpose"), [((f"a{HALF}", b"x"), "p"), (("a", b"x", f"a/{HALF}"), "p"), (b"x", HALF)], ids=ascii
)
def test_a_form_of_half_characters(invoke: Invoke, file: Any, purpose: str) -> None:
    """A form whose names or fields are no text is refused, and nothing is sent."""
    with pytest.raises(ConfigError, match="half a character"):
        invoke(invoke.client().files.create, file=file, purpose=purpose)
    assert not invoke.upstream.connections_opened


def test_a_name_that_is_not_utf_8(invoke: Invoke, tmp_path: Path) -> None:
    """A file whose name the operating system has in other bytes than UTF-8 is sent under these."""
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.txt"))
    path.write_bytes(b"x")
    invoke.upstream.always(json={"id": "f"})
    invoke(invoke.client().files.create, file=path, purpose="p")
    assert b'filename="caf\xe9.txt"' in invoke.upstream.requests[0].body


@pytest.mark.parametrize("failure", ["disconnect", "header", "timeout", "body"])
def test_no_variable_of_a_function_shows_a_key(invoke: Invoke, failure: str) -> None:
    """Debug pages and error trackers, which show the variables of functions, find no credential in ours."""
    secrets = ["sk-shown-to-nobody-7", "header-shown-to-nobody", "user-shown-to-nobody"]
    scheme, _, rest = invoke.upstream.base_url.partition("://")
    address = f"{scheme}://me:{secrets[2]}@{rest}" if failure == "header" else invoke.upstream.base_url
    client = invoke.client(
        api_key=secrets[0], base_url=address, default_headers={"X-Token": secrets[1]}, max_retries=0
    )
    more: dict[str, Any] = {"extra_headers": {"a b": "x"}} if failure == "header" else {}
    if failure == "disconnect":
        invoke.upstream.reply(disconnect=True)
    elif failure == "timeout":
        invoke.upstream.reply(never=True)
        more["timeout"] = 0.05
    elif failure == "body":
        invoke.upstream.reply(body=b"[")
    with pytest.raises(OpenAIError) as caught:
        invoke(client.chat.completions.create, **CHAT, **more)
    error: BaseException | None = caught.value
    seen = 0
    while error is not None:
        for frame, line in walk_tb(error.__traceback__):
            if not frame.f_globals["__name__"].startswith("ai_client."):
                continue
            seen += 1
            for name, value in frame.f_locals.items():
                place = f"{frame.f_code.co_qualname}:{line}: {name}"
                assert not [secret for secret in secrets if secret in repr(value)], place
        error = error.__cause__
    assert seen
