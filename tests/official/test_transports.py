"""The bare transport over a client of ours, under whatever takes one of httpx or httpx2."""

from typing import Any

import httpx
import httpx2
import openai
import pytest

from ai_client.interop import transport
from ai_client.testing import Gate, Upstream
from tests.support.invoke import CHAT, KEY, Invoke

LIBRARIES: dict[str, Any] = {"httpx": httpx, "httpx2": httpx2}


@pytest.fixture(params=LIBRARIES)
def library(request: pytest.FixtureRequest) -> str:
    """Return the name of each library."""
    return str(request.param)


def http_client(invoke: Invoke, library: str, client: Any, **options: Any) -> Any:
    """Return an HTTP client of a library over a client of ours."""
    http = LIBRARIES[library]
    kind = http.Client if invoke.sync else http.AsyncClient
    return kind(transport=transport(client, library=library), **options)


def test_requests_are_calls(invoke: Invoke, upstream: Upstream, library: str) -> None:
    """A request to the client's origin is a call with its key, whatever key it brings, and passes its policies."""
    seen: list[str] = []

    async def watch(call: Any, proceed: Any) -> Any:
        seen.append(f"{call.method} {call.path} {call.members().get('model')}")
        return await proceed(call)

    http = http_client(invoke, library, invoke.client(layers=[watch]))
    answer = invoke(
        http.post,
        f"{upstream.base_url}/chat/completions",
        json=CHAT,
        headers={"Authorization": "Bearer unused", "api-key": "unused"},
    )
    assert isinstance(answer, LIBRARIES[library].Response)
    assert (answer.status_code, answer.json()["object"]) == (200, "chat.completion")
    headers = upstream.requests[-1].headers
    assert headers["authorization"] == f"Bearer {KEY}"
    assert "api-key" not in headers
    assert seen == ["POST /chat/completions gpt-5.5"]


def test_other_origins(invoke: Invoke, library: str) -> None:
    """A request to another origin has what it brings, and nothing of the client's."""
    http = http_client(invoke, library, invoke.client(default_headers={"X-Own": "1"}))
    with Upstream() as other:
        invoke(http.get, f"{other.base_url}/models", headers={"Authorization": "Bearer theirs"})
        headers = other.requests[-1].headers
    assert headers["authorization"] == "Bearer theirs"
    assert "x-own" not in headers
    assert KEY not in str(list(headers.items()))


def test_redirects_are_the_http_clients(invoke: Invoke, upstream: Upstream, library: str) -> None:
    """A redirect is shown, or followed where the HTTP client does so, and takes the key nowhere else."""
    http = http_client(invoke, library, invoke.client())
    with Upstream() as other:
        away = {"status": 302, "headers": {"location": f"{other.base_url}/models"}, "body": b""}
        upstream.always(**away)  # type: ignore[arg-type]
        assert invoke(http.get, f"{upstream.base_url}/models").status_code == 302
        assert invoke(http.get, f"{upstream.base_url}/models", follow_redirects=True).status_code in {
            200,
            401,
        }
        assert KEY not in str(list(other.requests[-1].headers.items()))


def test_streams(invoke: Invoke, upstream: Upstream, library: str) -> None:
    """A streamed answer is read as it comes, and closing it closes the connection."""
    http = http_client(invoke, library, invoke.client())
    upstream.always(chunks=[b"data: 1\n\n", Gate()], headers={"content-type": "text/event-stream"})
    asked = {"json": {**CHAT, "stream": True}}
    with invoke.within(http.stream("POST", f"{upstream.base_url}/chat/completions", **asked)) as answer:
        lines = answer.iter_lines() if invoke.sync else answer.aiter_lines()
        assert invoke.collect(lines, 1) == ["data: 1"]
    upstream.wait_for(lambda: upstream.connections_open == 0)


def test_errors_are_the_librarys(invoke: Invoke, upstream: Upstream, library: str) -> None:
    """Failures are exceptions of the library, and refusals are responses."""
    http = LIBRARIES[library]
    upstream.always(never=True)
    late = http_client(invoke, library, invoke.client(deadline=0.05))
    with pytest.raises(http.TimeoutException, match="deadline"):
        invoke(late.get, f"{upstream.base_url}/models")
    client = invoke.client()
    closed = http_client(invoke, library, client)
    invoke(client.close)
    with pytest.raises(http.ConnectError, match="closed"):
        invoke(closed.get, f"{upstream.base_url}/models")
    upstream.always(status=404)
    missing = http_client(invoke, library, invoke.client())
    answer = invoke(missing.get, f"{upstream.base_url}/nothing")
    assert (answer.status_code, answer.headers["x-should-retry"]) == (404, "false")


def test_closing_leaves_the_client_open(invoke: Invoke, upstream: Upstream, library: str) -> None:
    """Closing the HTTP client closes nothing of the client below."""
    client = invoke.client()
    http = http_client(invoke, library, client)
    with invoke.within(http):
        assert invoke(http.get, f"{upstream.base_url}/models").status_code == 200
    assert invoke(client.models.list).data


def test_under_an_official_client_of_ones_own(invoke: Invoke, upstream: Upstream) -> None:
    """An official client that the application builds over the transport is one of the client's calls."""
    library = "httpx2" if openai.__version__.startswith("3") else "httpx"
    http = http_client(invoke, library, invoke.client())
    make: Any = openai.OpenAI if invoke.sync else openai.AsyncOpenAI
    made = make(api_key="unused", base_url=upstream.base_url, http_client=http)
    assert invoke(made.chat.completions.create, **CHAT).choices
    assert upstream.requests[-1].headers["authorization"] == f"Bearer {KEY}"
    assert invoke.collect(invoke(made.chat.completions.create, **CHAT, stream=True))


def test_what_is_no_client() -> None:
    """Anything but a client of ours is a `TypeError`, and an unknown library a `ValueError`."""
    with pytest.raises(TypeError, match="must be an OpenAI or AsyncOpenAI"):
        transport(object())
