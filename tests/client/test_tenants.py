"""Calls of tenants with their own credentials: the right key, address and names in each kind of call."""

import asyncio
import base64
import io
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from ai_client import (
    AsyncAzureOpenAI,
    AsyncOpenAI,
    AuthenticationError,
    AzureOpenAI,
    ConfigError,
    Credentials,
    Labels,
    OpenAIError,
    labels,
    omit,
)
from ai_client._call.call import Call, Reply as Answer
from ai_client._call.pipeline import Next
from ai_client.testing import Recorded, Reply, Upstream
from tests.support.invoke import CHAT, KEY, Invoke, no_waiting
from tests.support.stored_files import stored
from tests.support.tenants import Directory, key_of, sent

COUNTS = {"in_progress": 0, "completed": 3, "failed": 0, "cancelled": 0, "total": 3}
OWN = {"organization": "org-own", "project": "proj-own", "admin_api_key": "sk-admin-0123456789"}


@pytest.fixture
def other() -> Iterator[Upstream]:
    """Yield an upstream at another address."""
    with Upstream() as upstream:
        yield upstream


def test_each_tenant_is_asked_for_with_its_own_account(invoke: Invoke) -> None:
    """Key, organization and project are the tenant's as a whole, and the client's where the function returns none."""
    directory = Directory(
        a=Credentials(key_of("a")),
        b={"api_key": key_of("b"), "organization": "org-b", "project": "proj-b"},
    )
    client = invoke.client(credentials=directory, **OWN)
    for tenant in ("a", "b", None, "unknown"):
        with labels(tenant=tenant):
            invoke(client.chat.completions.create, **CHAT)
    names = ("authorization", "openai-organization", "openai-project")
    assert [tuple(one.headers.get(name) for name in names) for one in invoke.upstream.requests] == [
        (f"Bearer {key_of('a')}", None, None),
        (f"Bearer {key_of('b')}", "org-b", "proj-b"),
        (f"Bearer {KEY}", "org-own", "proj-own"),
        (f"Bearer {KEY}", "org-own", "proj-own"),
    ]


def test_an_address_goes_with_its_key(invoke: Invoke, other: Upstream) -> None:
    """A tenant with an address is asked for there, over the same client, and all others at that of the client."""
    directory = Directory(a=Credentials(key_of("a"), base_url=other.base_url), b=True)
    client = invoke.client(credentials=directory)
    for tenant in ("a", "b", "a", None):
        with labels(tenant=tenant):
            invoke(client.chat.completions.create, **CHAT)
    assert sent(other) == [key_of("a")] * 2
    assert sent(invoke.upstream) == [key_of("b"), KEY]
    assert (other.connections_opened, invoke.upstream.connections_opened) == (1, 1)


def test_tenants_share_the_connections(invoke: Invoke) -> None:
    """Many tenants at one address are asked for over the connections of the one client."""
    client = invoke.client(credentials=Directory(**{f"t{n}": True for n in range(20)}))
    for n in range(20):
        with labels(tenant=f"t{n}"):
            invoke(client.chat.completions.create, **CHAT)
    assert invoke.upstream.connections_opened == 1
    assert sent(invoke.upstream) == [key_of(f"t{n}") for n in range(20)]


def test_more_tenants_than_are_kept(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each tenant is asked for with its own key where there are more of them than the client keeps ready."""
    monkeypatch.setattr("ai_client._client.accounts._CLIENTS_KEPT", 3)
    client = invoke.client(credentials=Directory(**{f"t{n}": True for n in range(10)}))
    for n in [*range(10), *range(10)]:
        with labels(tenant=f"t{n}"):
            invoke(client.chat.completions.create, **CHAT)
    assert sent(invoke.upstream) == [key_of(f"t{n}") for n in range(10)] * 2
    assert len(client._accounts._clients) <= 3


def test_without_a_key_of_its_own(invoke: Invoke) -> None:
    """A client of tenants needs no key; a call of nobody's then says what is missing."""
    client = invoke.client(api_key=None, credentials=Directory(a=True), _environment={})
    with labels(tenant="a"):
        invoke(client.chat.completions.create, **CHAT)
    with pytest.raises(ConfigError, match="nothing to authenticate this request with"):
        invoke(client.chat.completions.create, **CHAT)
    assert sent(invoke.upstream) == [key_of("a")]


def test_streams(invoke: Invoke) -> None:
    """A stream is opened with the tenant's key, and read wherever."""
    client = invoke.client(credentials=Directory(a=True))
    with labels(tenant="a"):
        stream = invoke(client.chat.completions.create, **CHAT, stream=True)
    assert invoke.collect(stream)
    with labels(tenant="a"), invoke.within(client.chat.completions.with_streaming_response.create(**CHAT)):
        pass
    with labels(tenant="a"):
        assert invoke(client.chat.completions.with_raw_response.create, **CHAT).status_code == 200
    assert sent(invoke.upstream) == [key_of("a")] * 3


def test_pages_stay_with_their_tenant(invoke: Invoke) -> None:
    """Further pages of a list are asked for with the key of the first, wherever it is iterated."""
    invoke.upstream.reply(json={"object": "list", "data": [{"id": "1"}], "has_more": True}, path="/files")
    invoke.upstream.reply(json={"object": "list", "data": [{"id": "2"}], "has_more": True}, path="/files")
    invoke.upstream.reply(json={"object": "list", "data": [{"id": "3"}], "has_more": False}, path="/files")
    client = invoke.client(credentials=Directory(a=True, b=True))
    with labels(tenant="a"):
        page = invoke(client.files.list)
    with labels(tenant="b"):
        page = invoke(page.get_next_page)
    assert [one.id for one in invoke.collect(page)] == ["2", "3"]
    assert sent(invoke.upstream) == [key_of("a")] * 3


def test_uploads(invoke: Invoke) -> None:
    """Files, and each part of a large upload, are sent with the tenant's key."""
    upload = {"id": "upload_1", "object": "upload", "status": "pending", "bytes": 10, "filename": "a.txt"}
    invoke.upstream.always(json=stored(1), path="/files")
    invoke.upstream.always(json=upload, path="/uploads")
    invoke.upstream.always(json={"id": "part_1", "object": "upload.part"}, path="/parts")
    invoke.upstream.always(json={**upload, "status": "completed"}, path="/complete")
    client = invoke.client(credentials=Directory(a=True))
    with labels(tenant="a"):
        invoke(client.files.create, file=("a.txt", b"text"), purpose="assistants")
        invoke(client.files.create, file=("a.txt", io.BytesIO(b"text")), purpose="assistants")
        invoke(
            client.uploads.upload_file_chunked,
            file=b"0123456789",
            filename="a.txt",
            bytes=10,
            mime_type="text/plain",
            purpose="assistants",
            part_size=4,
        )
    assert len(invoke.upstream.requests) >= 7
    assert set(sent(invoke.upstream)) == {key_of("a")}


def test_work_in_threads_of_ours_is_the_tenants(invoke: Invoke) -> None:
    """Helpers that upload several files at once do so with the key of the tenant that called them."""
    batch = {
        "id": "vsfb_1",
        "object": "vector_store.file_batch",
        "status": "completed",
        "file_counts": COUNTS,
    }
    invoke.upstream.always(json=stored(1), path="/files")
    invoke.upstream.always(json=batch, path="/file_batches")
    invoke.upstream.always(json=batch, path="/file_batches/vsfb_1")
    client = invoke.client(credentials=Directory(a=True))
    with labels(tenant="a"):
        invoke(
            client.vector_stores.file_batches.upload_and_poll,
            "vs_1",
            files=[("a.txt", b"a"), ("b.txt", b"b"), ("c.txt", b"c")],
            max_concurrency=2,
        )
    assert len(invoke.upstream.requests) >= 5
    assert set(sent(invoke.upstream)) == {key_of("a")}


def test_retries_keep_the_key(invoke: Invoke) -> None:
    """Each attempt of a call is with the same key at the same address, and the client's settings hold for it."""
    invoke.upstream.reply(status=503, times=2)
    directory = Directory(a=True)
    client = invoke.client(credentials=directory, max_retries=0)
    client.max_retries = 2
    with labels(tenant="a"), no_waiting():
        invoke(client.chat.completions.create, **CHAT)
    client.max_retries = 0
    invoke.upstream.reply(status=503)
    with labels(tenant="a"), pytest.raises(OpenAIError):
        invoke(client.chat.completions.create, **CHAT)
    assert sent(invoke.upstream) == [key_of("a")] * 4
    assert [one.headers["x-stainless-retry-count"] for one in invoke.upstream.requests] == [
        "0",
        "1",
        "2",
        "0",
    ]
    assert len(directory.asked) == 1


class Rotated:
    """An upstream that takes one key alone, and a directory that may lag behind it."""

    def __init__(self, upstream: Upstream) -> None:
        self.valid = "sk-first-0123456789"
        self.known: Any = self.valid
        self.asked = 0
        upstream.always(self.reply)

    def reply(self, recorded: Recorded) -> Reply:
        """Answer a request with the valid key, and reject any other."""
        if recorded.headers["authorization"] != f"Bearer {self.valid}":
            return Reply(
                status=401, json={"error": {"message": "Incorrect API key", "code": "invalid_api_key"}}
            )
        return Reply(json={"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": []})

    def __call__(self, _: object) -> Any:
        """Return the key that is known."""
        self.asked += 1
        return None if self.known is None else {"api_key": self.known}


@pytest.mark.parametrize("stream", [False, True])
def test_a_rotated_key_is_asked_for_at_once(invoke: Invoke, stream: bool) -> None:
    """A rejected key is dropped, and the call made again with the one in its place; further calls have that."""
    rotated = Rotated(invoke.upstream)
    client = invoke.client(credentials=rotated, max_retries=0)
    invoke(client.chat.completions.create, **CHAT)
    rotated.valid = rotated.known = "sk-second-0123456789"
    if stream:
        with invoke.within(client.chat.completions.with_streaming_response.create(**CHAT)):
            pass
    else:
        invoke(client.chat.completions.create, **CHAT)
    invoke(client.chat.completions.create, **CHAT)
    first, second = "sk-first-0123456789", "sk-second-0123456789"
    assert sent(invoke.upstream) == [first, first, second, second]
    assert rotated.asked == 2


def test_a_key_that_stays_wrong_is_asked_for_once(invoke: Invoke) -> None:
    """A rejected key that is all that the function knows is the call's error, and is not asked for by each call."""
    rotated = Rotated(invoke.upstream)
    rotated.valid = "sk-unknown-0123456789"
    client = invoke.client(credentials=rotated, max_retries=2)
    for _ in range(5):
        with pytest.raises(AuthenticationError):
            invoke(client.chat.completions.create, **CHAT)
    assert len(invoke.upstream.requests) == 5
    assert rotated.asked == 2


def test_a_key_that_was_wrong_for_a_while_can_be_rotated_later(invoke: Invoke) -> None:
    """What was rejected once, and asked for anew when it was old, counts as accepted until it is rejected again."""
    rotated = Rotated(invoke.upstream)
    client = invoke.client(credentials=rotated, max_retries=0)
    rotated.valid = "sk-unknown-0123456789"
    with pytest.raises(AuthenticationError):
        invoke(client.chat.completions.create, **CHAT)
    (found,) = client._credentials._kept().found.values()
    assert found.is_refused
    found.until = 1.0  # long ago
    rotated.valid = rotated.known
    invoke(client.chat.completions.create, **CHAT)
    rotated.valid = rotated.known = "sk-second-0123456789"
    invoke(client.chat.completions.create, **CHAT)
    assert sent(invoke.upstream)[-1] == "sk-second-0123456789"


@pytest.mark.parametrize("then", ["none", "error", "other address"])
def test_a_rejected_key_is_not_replaced_by_another_account(
    invoke: Invoke, other: Upstream, then: str
) -> None:
    """Without another key for the same address the rejection is raised; the client's own key does not step in."""
    rotated = Rotated(invoke.upstream)
    known: dict[str, Any] = {
        "none": None,
        "error": {"api_key": ""},
        "other address": {"api_key": "sk-second-0123456789", "base_url": other.base_url},
    }
    answers: list[Any] = [{"api_key": "sk-wrong-0123456789"}, known[then], known[then]]
    client = invoke.client(credentials=lambda _: answers.pop(0), max_retries=0)
    rotated.valid = KEY
    with pytest.raises(AuthenticationError):
        invoke(client.chat.completions.create, **CHAT)
    assert sent(invoke.upstream) == ["sk-wrong-0123456789"]
    assert sent(other) == []
    if then == "other address":
        invoke(client.chat.completions.create, **CHAT)
        assert sent(other) == ["sk-second-0123456789"]


def test_what_can_be_sent_once_is_not_sent_again(invoke: Invoke) -> None:
    """A body that is read as it is sent is not sent with another key; the next call has that."""
    rotated = Rotated(invoke.upstream)
    client = invoke.client(credentials=rotated, max_retries=0)
    rotated.valid = "sk-second-0123456789"
    rotated.known = "sk-first-0123456789"

    class Once(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            data, self.data = getattr(self, "data", b"text"), b""
            buffer[: len(data)] = data
            return len(data)

    with pytest.raises(AuthenticationError):
        invoke(client.files.create, file=("a.txt", io.BufferedReader(Once())), purpose="assistants")
    assert sent(invoke.upstream) == ["sk-first-0123456789"]
    rotated.known = rotated.valid


def test_a_call_that_is_cancelled_while_its_key_is_renewed_costs_nothing(upstream: Upstream) -> None:
    """The attempt that was rejected is not billed, and nothing was sent after it."""
    upstream.always(status=401)
    calls: list[Call] = []
    asked: list[Labels] = []

    async def credentials_of(labels: Labels) -> Any:
        asked.append(labels)
        if len(asked) > 1:
            await asyncio.Event().wait()
        return {"api_key": "sk-wrong-0123456789"}

    async def keep(call: Call, proceed: Next) -> Answer:
        calls.append(call)
        return await proceed(call)

    async def main() -> None:
        client = AsyncOpenAI(
            api_key=KEY, base_url=upstream.base_url, credentials=credentials_of, layers=[keep]
        )
        task = asyncio.ensure_future(client.chat.completions.create(**CHAT))
        async with asyncio.timeout(60):
            while len(asked) < 2:
                await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await client.close()

    asyncio.run(main())
    (call,) = calls
    record: Any = call.record
    assert (record.attempts, record.billable) == (1, 0)
    assert len(upstream.requests) == 1


def test_an_explicit_key_beats_the_tenants(invoke: Invoke, other: Upstream) -> None:
    """A copy with a key of its own, or with `credentials=None`, asks nobody, at its own address."""
    directory = Directory(a=Credentials(key_of("a"), base_url=other.base_url))
    client = invoke.client(credentials=directory, **OWN)
    with labels(tenant="a"):
        invoke(client.with_options(api_key="sk-explicit-0123456789").chat.completions.create, **CHAT)
        invoke(client.with_options(credentials=None).chat.completions.create, **CHAT)
        invoke(client.with_options(timeout=30).chat.completions.create, **CHAT)
        invoke(client.with_options(organization="org-explicit").chat.completions.create, **CHAT)
    assert sent(invoke.upstream) == ["sk-explicit-0123456789", KEY]
    assert sent(other) == [key_of("a")] * 2
    assert [one.headers.get("openai-organization") for one in other.requests] == [None, None]
    assert len(directory.asked) == 1


def test_a_copy_may_have_another_function(invoke: Invoke) -> None:
    """A copy with another function has its own results, and the client keeps its function."""
    client = invoke.client(credentials=Directory(a=True), credentials_ttl=5, credentials_by=["tenant"])
    copy = client.with_options(credentials=Directory(a={"api_key": "sk-copy-0123456789"}))
    with labels(tenant="a"):
        invoke(copy.chat.completions.create, **CHAT)
        invoke(client.chat.completions.create, **CHAT)
    assert sent(invoke.upstream) == ["sk-copy-0123456789", key_of("a")]
    assert (copy._credentials.ttl, copy._credentials.by) == (5, ["tenant"])


@pytest.mark.parametrize(
    "moved",
    [
        {"base_url": "https://elsewhere.example/v1"},
        {"data_residency": "eu"},
        {"websocket_base_url": "wss://elsewhere.example/v1"},
    ],
)
def test_a_copy_elsewhere_needs_a_key(invoke: Invoke, moved: dict[str, Any]) -> None:
    """The function's keys are not for another address of a copy, which needs a key, or a function, of its own."""
    client = invoke.client(credentials=Directory(a=True))
    with pytest.raises(ConfigError, match="keys for the address of the client"):
        client.with_options(**moved)
    for given in ({"api_key": "sk-explicit-0123456789"}, {"credentials": None}, {"credentials": Directory()}):
        client.with_options(**moved, **given)
    client.with_options(base_url=f"{invoke.upstream.url}/v2")


def test_an_explicit_header_beats_the_tenants(invoke: Invoke) -> None:
    """What a call gives by itself is sent in place of the tenant's, or omitted, at the client's origin."""
    invoke.upstream.always(json={"id": "c", "object": "chat.completion", "model": "m", "choices": []})
    client = invoke.client(credentials=Directory(a=True))
    with labels(tenant="a"):
        for value in ("Bearer explicit", omit):
            invoke(client.chat.completions.create, **CHAT, extra_headers={"Authorization": value})
    assert [one.headers.get("authorization") for one in invoke.upstream.requests] == ["Bearer explicit", None]


@pytest.mark.parametrize("options", [OWN, {}])
def test_the_administration_is_not_the_tenants(invoke: Invoke, options: dict[str, Any]) -> None:
    """A tenant's call of the administration gets neither the client's key for it nor the tenant's own."""
    client = invoke.client(credentials=Directory(a=True), **options)
    with labels(tenant="a"), pytest.raises(ConfigError, match="credentials=None"):
        invoke(client.admin.organization.users.list)
    assert sent(invoke.upstream) == []
    if options:
        invoke.upstream.always(json={"object": "list", "data": [], "has_more": False})
        with labels(tenant="a"):
            invoke(client.with_options(credentials=None).admin.organization.users.list)
        assert sent(invoke.upstream) == [OWN["admin_api_key"]]


def test_settings_changed_later_hold_for_tenants(invoke: Invoke, other: Upstream) -> None:
    """An attribute of the client that is set after a tenant's first call holds for its next one."""
    client = invoke.client(credentials=Directory(a=True))
    with labels(tenant="a"):
        invoke(client.chat.completions.create, **CHAT)
        client.base_url = other.base_url
        invoke(client.chat.completions.create, **CHAT)
    assert (sent(invoke.upstream), sent(other)) == ([key_of("a")], [key_of("a")])


def test_workload_identity_and_key_functions_are_the_clients_own(invoke: Invoke) -> None:
    """A tenant with a key does not make the client fetch its own; others do."""
    fetched: list[int] = []

    def own() -> str:
        fetched.append(1)
        return "sk-fetched-0123456789"

    client = invoke.client(api_key=own, credentials=Directory(a=True))
    for tenant in ("a", None):
        with labels(tenant=tenant):
            invoke(client.chat.completions.create, **CHAT)
    assert sent(invoke.upstream) == [key_of("a"), "sk-fetched-0123456789"]
    assert len(fetched) == 1


def azure(invoke: Invoke, **options: Any) -> Any:
    """Make a client of Azure."""
    given = {
        "azure_endpoint": invoke.upstream.url,
        "api_version": "2024-10-21",
        "api_key": "azure-own-0123456789",
        "base_url": None,
        **options,
    }
    return invoke.client(AzureOpenAI if invoke.sync else AsyncAzureOpenAI, **given)


@pytest.mark.parametrize("own", ["key", "token", "token provider", "nothing"])
def test_azure(invoke: Invoke, other: Upstream, own: str) -> None:
    """Azure's clients send the tenant's key in its own header, to the client's resource or to the tenant's."""
    credentials: dict[str, dict[str, Any]] = {
        "key": {},
        "token": {"api_key": None, "azure_ad_token": "token-0123456789"},
        "token provider": {"api_key": None, "azure_ad_token_provider": lambda: "token-0123456789"},
        "nothing": {"api_key": None, "_environment": {}},
    }
    directory = Directory(a=True, b=Credentials(key_of("b"), base_url=f"{other.url}/openai"))
    client = azure(invoke, credentials=directory, **credentials[own])
    for tenant in ("a", "b"):
        with labels(tenant=tenant):
            invoke(client.chat.completions.create, **{**CHAT, "model": "gpt-4o"})
    (mine,), (theirs,) = invoke.upstream.requests, other.requests
    for request, tenant in ((mine, "a"), (theirs, "b")):
        assert request.headers["api-key"] == key_of(tenant)
        assert "authorization" not in request.headers
        assert request.path == "/openai/deployments/gpt-4o/chat/completions"
        assert request.params == {"api-version": "2024-10-21"}


def test_azure_with_a_deployment(invoke: Invoke, other: Upstream) -> None:
    """The client's deployment is for its own resource; a tenant's address has its own deployments."""
    directory = Directory(b=Credentials(key_of("b"), base_url=f"{other.url}/openai/deployments/theirs"))
    client = azure(invoke, credentials=directory, azure_deployment="mine")
    for tenant in (None, "b"):
        with labels(tenant=tenant):
            invoke(client.chat.completions.create, **{**CHAT, "model": "gpt-4o"})
    assert invoke.upstream.requests[0].path == "/openai/deployments/mine/chat/completions"
    assert other.requests[0].path == "/openai/deployments/theirs/chat/completions"


def test_copies_of_azure(invoke: Invoke) -> None:
    """A copy with a token or key of its own asks nobody."""
    client = azure(invoke, credentials=Directory(a=True))
    with labels(tenant="a"):
        for given in (
            {"api_key": "explicit-0123456789"},
            {"azure_ad_token": "token-0123456789"},
            {"credentials": None},
        ):
            invoke(client.with_options(**given).chat.completions.create, **{**CHAT, "model": "gpt-4o"})
    keys = [one.headers.get("api-key") or one.headers["authorization"] for one in invoke.upstream.requests]
    assert keys == ["explicit-0123456789", "Bearer token-0123456789", "azure-own-0123456789"]


def test_a_password_in_an_address(invoke: Invoke, other: Upstream) -> None:
    """The user of the client's address is the client's own; that of a tenant's address authorizes its calls."""
    for upstream in (invoke.upstream, other):
        upstream.always(json={"id": "c", "object": "chat.completion", "model": "m", "choices": []})
    mine = invoke.upstream.base_url.replace("://", "://me:planted@")
    theirs = other.base_url.replace("://", "://they:theirs@")
    client = invoke.client(base_url=mine, credentials=Directory(a=True, b=Credentials(key_of("b"), theirs)))
    for tenant in ("a", "b"):
        with labels(tenant=tenant):
            invoke(client.chat.completions.create, **CHAT)
    assert sent(invoke.upstream) == [key_of("a")]
    assert sent(other) == [f"Basic {base64.b64encode(b'they:theirs').decode()}"]


def test_an_http_client_of_the_users(invoke: Invoke, other: Upstream) -> None:
    """What an HTTP client of the user's adds by itself is the account of the client, and no tenant's."""
    http = (httpx.Client if invoke.sync else httpx.AsyncClient)(
        auth=("planted", "planted"),
        cookies={"c": "planted"},
        params={"p": "planted"},
        headers={"X-Own": "planted", "Cookie": "d=planted"},
    )
    directory = Directory(a=True, b=Credentials(key_of("b"), base_url=other.base_url))
    client = invoke.client(http_client=http, credentials=directory)
    for tenant in ("a", "b"):
        with labels(tenant=tenant):
            invoke(client.chat.completions.create, **CHAT)
    assert sent(invoke.upstream) == [key_of("a")]
    assert sent(other) == [key_of("b")]
    (mine,), (theirs,) = invoke.upstream.requests, other.requests
    assert mine.headers["x-own"] == "planted"
    assert "planted" not in str(
        [*theirs.headers.items(), theirs.params, mine.params, mine.headers.get("cookie")]
    )
