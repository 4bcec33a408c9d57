"""What leaves of a request of the official client: its path, query, headers and body, and the key of the one below."""

import io
import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import openai
import pytest

from ai_client.interop import official
from ai_client.interop.official_client import PLACEHOLDER
from ai_client.testing import Recorded, Upstream
from tests.support.invoke import CHAT, KEY, Invoke

ENVIRONMENT = {
    "OPENAI_API_KEY": "sk-environment",
    "OPENAI_ADMIN_KEY": "sk-admin-environment",
    "OPENAI_ORG_ID": "org-environment",
    "OPENAI_PROJECT_ID": "proj-environment",
    "OPENAI_CUSTOM_HEADERS": "X-Environment: environment\nAuthorization: Bearer sk-custom-environment",
}


def sent(upstream: Upstream) -> Recorded:
    """Return the last request, which has nothing of the SDK's placeholder."""
    last = upstream.requests[-1]
    assert PLACEHOLDER not in f"{list(last.headers.items())} {last.path} {last.query} {last.body!r}"
    return last


def test_headers_of_the_user_survive(invoke: Invoke, upstream: Upstream) -> None:
    """Default headers of copies, headers of a call, organization and project go along."""
    made = official(invoke.client(organization="org-1")).with_options(
        project="proj-2", default_headers={"X-Default": "1", "User-Agent": "mine"}
    )
    invoke(made.models.list, extra_headers={"X-Extra": "2", "Accept-Encoding": "identity"})
    headers = sent(upstream).headers
    assert headers["authorization"] == f"Bearer {KEY}"
    assert headers["openai-organization"] == "org-1"
    assert headers["openai-project"] == "proj-2"
    assert (headers["x-default"], headers["x-extra"]) == ("1", "2")
    assert headers["user-agent"] == "mine"
    assert headers["accept-encoding"] == "identity"


def test_says_what_the_client_below_is(invoke: Invoke, upstream: Upstream) -> None:
    """Without headers of the user's the request is that of the client below, to the last header."""
    client = invoke.client()
    invoke(client.chat.completions.create, **CHAT)
    own = sent(upstream)
    invoke(official(client).chat.completions.create, **CHAT)
    other = sent(upstream)
    assert sorted(other.headers.items()) == sorted(own.headers.items())
    assert other.json() == own.json()


def test_keys_that_the_user_chooses(invoke: Invoke, upstream: Upstream) -> None:
    """A key of a copy or of a call goes in place of the client's, and a header that is omitted is not replaced."""
    made = official(invoke.client())
    invoke(made.with_options(api_key="sk-other").models.list)
    assert sent(upstream).headers["authorization"] == "Bearer sk-other"
    invoke(made.models.list, extra_headers={"Authorization": "Bearer sk-call"})
    assert sent(upstream).headers["authorization"] == "Bearer sk-call"
    with pytest.raises(openai.AuthenticationError):
        invoke(made.models.list, extra_headers={"Authorization": openai.omit})
    assert "authorization" not in sent(upstream).headers
    invoke(made.models.list)
    assert sent(upstream).headers["authorization"] == f"Bearer {KEY}"


def test_functions_and_admin_keys(invoke: Invoke, upstream: Upstream) -> None:
    """The key of a function is fetched for each call, and administration has the key of its own."""
    keys = iter(["sk-1", "sk-2"])
    made = official(invoke.client(api_key=lambda: next(keys), admin_api_key="sk-admin"))
    for key in ("sk-1", "sk-2"):
        invoke(made.models.list)
        assert sent(upstream).headers["authorization"] == f"Bearer {key}"
    upstream.always(json={"object": "list", "data": []})
    invoke(made.get, "/organization/projects", cast_to=object)
    assert sent(upstream).headers["authorization"] == "Bearer sk-admin"


def test_takes_nothing_from_the_environment(
    invoke: Invoke, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the SDK reads from the environment, in copies too, is not sent where the client below did not take it."""
    client = invoke.client(_environment={})
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    made = official(client)
    for one in (made, made.with_options(timeout=3), made.copy(max_retries=0)):
        invoke(one.models.list)
        assert "environment" not in str(list(sent(upstream).headers.items()))
        assert upstream.requests[-1].headers["authorization"] == f"Bearer {KEY}"
        assert one.webhook_secret is None


def test_paths_and_queries(invoke: Invoke, upstream: Upstream) -> None:
    """Every method, unknown paths, queries with repeated names and of the client below arrive as they were given."""
    made = official(invoke.client(default_query={"tenant": "a", "kept": "1"}))
    upstream.always(json={})
    invoke(made.get, "/strange/päth?x=%2F&empty=", cast_to=object)
    assert (sent(upstream).path, sent(upstream).query) == (
        "/v1/strange/p%C3%A4th",
        "tenant=a&kept=1&x=%2F&empty=",
    )
    invoke(
        made.get,
        "/files",
        cast_to=object,
        options={"params": {"include": ["a", "b"], "tenant": "b"}},
    )
    query = unquote(sent(upstream).query).split("&")
    assert sorted(query) == sorted(["include[]=a", "include[]=b", "tenant=b", "kept=1"])
    for method in ("delete", "put", "patch", "post"):
        invoke(getattr(made, method), "/things/1", cast_to=object, body={"a": 1})
        assert (sent(upstream).method, sent(upstream).json()) == (method.upper(), {"a": 1})
    invoke(made.models.list, extra_query={"after": "x"})
    assert sent(upstream).params["after"] == "x"


def test_bodies(invoke: Invoke, upstream: Upstream) -> None:
    """`extra_body` is merged, text in any script and large numbers arrive as they are, bytes too."""
    made = official(invoke.client(layers=[_read_members]))
    odd = {
        "text": "ü 漢字 😀 \u2028",
        "number": 2**70,
        "small": 1e-7,
        "nested": {"stream": True},
        "null": None,
    }
    invoke(made.chat.completions.create, **CHAT, extra_body=odd)
    assert sent(upstream).json() == {**CHAT, **odd}
    upstream.always(json={})
    for content in (b"\x00\xff", b"[1, 2]", b"", b'{"stream": tru'):
        invoke(made.post, "/raw", cast_to=object, content=content)
        assert sent(upstream).body == content


async def _read_members(call: Any, proceed: Any) -> Any:
    call.members()
    return await proceed(call)


class Slowly(io.RawIOBase):
    """A file that notes how much of it was read at a time and is too large for memory to be wanted."""

    def __init__(self, size: int) -> None:
        self.left = size
        self.most = 0

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes."""
        self.most = max(self.most, size if size >= 0 else self.left)
        size = self.left if size < 0 else min(size, self.left)
        self.left -= size
        return b"x" * size


def test_uploads_are_read_as_they_are_sent(invoke: Invoke, upstream: Upstream, tmp_path: Path) -> None:
    """Files of a form are sent piece by piece, with its fields, and a policy sees the fields."""
    seen: list[Any] = []

    async def look(call: Any, proceed: Any) -> Any:
        seen.append((call.path, dict(call.members())))
        return await proceed(call)

    made = official(invoke.client(layers=[look]))
    upstream.always(json={"id": "file-1", "object": "file"})
    slowly = Slowly(3_000_000)
    invoke(made.files.create, file=("a.bin", slowly), purpose="assistants")
    assert slowly.most < 1_000_000
    assert sent(upstream).body.count(b"x") >= 3_000_000
    assert seen == [("/files", {"purpose": "assistants"})]
    path = tmp_path / "sound.wav"
    path.write_bytes(b"RIFFdata")
    upstream.always(json={"text": "Hello"})
    invoke(
        made.audio.transcriptions.create,
        file=path,
        model="whisper-1",
        timestamp_granularities=["word", "segment"],
    )
    request = sent(upstream)
    kind = request.headers["content-type"]
    assert kind.startswith("multipart/form-data; boundary=")
    boundary = kind.partition("boundary=")[2].encode()
    assert request.body.startswith(b"--" + boundary)
    assert request.body.count(b'name="timestamp_granularities[]"') == 2
    assert b'filename="sound.wav"' in request.body
    assert b"RIFFdata" in request.body
    assert seen[-1][1] == {"model": "whisper-1", "timestamp_granularities": ["word", "segment"]}


def test_uploads_are_sent_again(invoke: Invoke, upstream: Upstream) -> None:
    """A form whose files can be read twice is retried whole."""
    made = official(invoke.client(max_retries=1))
    upstream.reply(status=500, headers={"retry-after-ms": "1"})
    upstream.always(json={"id": "file-1", "object": "file"})
    invoke(made.files.create, file=("a.txt", io.BytesIO(b"once and again")), purpose="assistants")
    first, second = (request.body for request in upstream.requests)
    assert first == second
    assert b"once and again" in first


def test_no_key_for_another_origin(invoke: Invoke, upstream: Upstream) -> None:
    """Another base address, a whole address and a redirect elsewhere get neither the key nor headers of the client."""
    client = invoke.client(organization="org-1", default_headers={"X-Own": "secret"})
    made = official(client)
    with Upstream() as other:
        other.always(json={"object": "list", "data": []})
        invoke(made.with_options(base_url=other.base_url).models.list)
        invoke(made.get, f"{other.base_url}/models", cast_to=object)
        invoke(made._client.get, f"{other.base_url}/models")
        upstream.reply(status=307, headers={"location": f"{other.base_url}/models"})
        invoke(made.models.list, extra_headers={"X-Call": "secret"})
        assert len(other.requests) == 4
        for request in other.requests:
            shown = json.dumps(list(request.headers.items()))
            assert KEY not in shown
            assert PLACEHOLDER not in shown
            assert "secret" not in shown
            assert "org-1" not in shown
    made.base_url = f"{upstream.url}/v2"
    upstream.always(json={"object": "list", "data": []})
    invoke(made.models.list)
    assert sent(upstream).headers["authorization"] == f"Bearer {KEY}"
    assert sent(upstream).path.startswith("/v2/models")


def test_cookies_are_not_kept(invoke: Invoke, upstream: Upstream) -> None:
    """A cookie that the upstream sets goes along with no other call."""
    made = official(invoke.client())
    upstream.reply(json={"object": "list", "data": []}, headers={"set-cookie": "session=1; Path=/"})
    invoke(made.models.list)
    invoke(made.models.list)
    assert "cookie" not in sent(upstream).headers


def test_limits_of_time_and_retries_are_the_users(invoke: Invoke) -> None:
    """The timeout of a call, of a copy or of the client below counts, and so do a copy's retries."""
    seen: list[Any] = []

    async def look(call: Any, proceed: Any) -> Any:
        seen.append((call.timeout, call.max_retries))
        return await proceed(call)

    client = invoke.client(layers=[look], timeout=33.0, max_retries=4)
    made = official(client)
    assert (made.timeout, made.max_retries) == (33.0, 4)
    invoke(made.models.list)
    invoke(made.models.list, timeout=7)
    invoke(made.with_options(timeout=None, max_retries=0).models.list)
    invoke(made.models.list, timeout=openai.Timeout(5, read=6))
    (usual, four), (seven, _), (none, zero), (apart, _) = seen
    assert (type(usual).__name__, four, seven, none, zero) == ("NotGiven", 4, 7, None, 0)
    assert (apart.read, apart.connect) == (6, 5)
