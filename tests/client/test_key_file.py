"""Keys in files, as secrets are mounted."""

import logging
import os
import pickle
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ai_client import (
    AsyncAzureOpenAI,
    AuthenticationError,
    AzureOpenAI,
    ClientConfig,
    ClientProvider,
    ConfigError,
    OpenAI,
)
from ai_client._params import key_file
from ai_client._params.key_file import KeyFile
from ai_client.checks import examine
from ai_client.testing import Recorded, Reply, Upstream
from tests.support.invoke import CHAT, Invoke

OLD, NEW = "sk-old-0123456789abcdef", "sk-new-0123456789abcdef"
REFUSED = Reply(status=401, json={"error": {"message": f"Incorrect API key provided: {OLD}."}})


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the time of looks at files, which a test sets."""
    now = [1000.0]
    clock = SimpleNamespace(monotonic=lambda: now[0], time_ns=time.time_ns)
    monkeypatch.setattr(key_file, "time", clock)
    return now


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a file with a key, as editors end it."""
    path = tmp_path / "key"
    path.write_text(f"{OLD}\n")
    return path


def mounted(volume: Path, key: str) -> None:
    """Write a key as Kubernetes updates a volume: a new directory, to which a link is switched at once."""
    there = volume / f"..{time.monotonic_ns()}"
    there.mkdir()
    (there / "key").write_text(key)
    (volume / "..tmp").symlink_to(there.name)
    (volume / "..tmp").replace(volume / "..data")
    if not (volume / "key").is_symlink():
        (volume / "key").symlink_to("..data/key")


def keys(upstream: Upstream) -> list[str]:
    """Return the keys of requests, without what all of them begin with."""
    return [one.headers["authorization"].removeprefix("Bearer ") for one in upstream.requests]


def test_the_key_is_that_of_the_file(invoke: Invoke, path: Path) -> None:
    """Calls, and those of copies, have the key in the file, without the line break at its end."""
    client = invoke.client(api_key=None, api_key_file=path)
    for each in (client, client.with_options(timeout=3)):
        invoke(each.chat.completions.create, **CHAT)
    assert keys(invoke.upstream) == [OLD, OLD]
    assert OLD not in f"{client!r} {vars(client)['_api_key_source']!r}"


def test_a_volume_that_is_updated(
    invoke: Invoke, tmp_path: Path, clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key is read again once a volume's link leads to another file, and not before a second is over."""
    looks: list[object] = []
    look = key_file._look
    monkeypatch.setattr(key_file, "_look", lambda *args: looks.append(args) or look(*args))
    mounted(tmp_path, OLD)
    client = invoke.client(api_key=None, api_key_file=tmp_path / "key")
    for _ in range(3):
        invoke(client.chat.completions.create, **CHAT)
    mounted(tmp_path, NEW)
    invoke(client.chat.completions.create, **CHAT)
    assert len(looks) == 1
    clock[0] += key_file.LOOK_SECONDS
    for _ in range(3):
        invoke(client.chat.completions.create, **CHAT)
    assert keys(invoke.upstream) == [OLD] * 4 + [NEW] * 3
    assert len(looks) == 2


def test_a_file_that_did_not_change_is_not_read(path: Path, clock: list[float]) -> None:
    """A file is only looked at while it is the same, and read where its last change is so young that one may follow."""
    os.utime(path, (1, 1))
    file = KeyFile(path)
    assert file() == OLD
    path.write_text(f"{NEW}\n")  # of the same length
    os.utime(path, (1, 1))
    clock[0] += key_file.LOOK_SECONDS
    assert file() == OLD
    os.utime(path)
    clock[0] += key_file.LOOK_SECONDS
    assert file() == NEW
    status = path.stat()
    path.write_text(f"{OLD}\n")
    os.utime(path, ns=(status.st_mtime_ns, status.st_mtime_ns))
    clock[0] += key_file.LOOK_SECONDS
    assert file() == OLD


def test_a_key_that_is_refused_is_read_again(invoke: Invoke, path: Path, clock: list[float]) -> None:
    """Where the API refuses a key that has changed in the file, the call is made once more with the new one."""
    del clock  # which stands still

    def answer(recorded: Recorded) -> Reply:
        return REFUSED if OLD in recorded.headers["authorization"] else Reply(content="Hello")

    invoke.upstream.always(answer)
    client = invoke.client(api_key=None, api_key_file=path)
    with pytest.raises(AuthenticationError) as caught:
        invoke(client.chat.completions.create, **CHAT)
    assert OLD not in str(caught.value)
    assert keys(invoke.upstream) == [OLD]
    path.write_text(NEW)
    invoke(client.chat.completions.create, **CHAT)
    items = invoke.collect(invoke(client.chat.completions.create, **CHAT, stream=True))
    assert items
    assert keys(invoke.upstream)[1:] == [OLD, NEW, NEW]


def test_another_key_that_is_refused(invoke: Invoke, path: Path) -> None:
    """A key of the caller's own, or the administration's, is not sent again when the file's is another one."""
    invoke.upstream.always(REFUSED)
    admin = "sk-admin-0123456789abcdef"
    client = invoke.client(api_key=None, api_key_file=path, admin_api_key=admin)
    with pytest.raises(AuthenticationError):
        invoke(client.chat.completions.create, **CHAT, extra_headers={"authorization": "Bearer own"})
    with pytest.raises(AuthenticationError):
        invoke(client.admin.organization.projects.retrieve, "p")
    assert keys(invoke.upstream) == ["own", admin]


def test_the_new_key_is_refused_too(invoke: Invoke, path: Path) -> None:
    """A call is repeated once: when the new key is refused as well, the error says so."""
    client = invoke.client(api_key=None, api_key_file=path)
    path.write_text(NEW)
    invoke.upstream.always(REFUSED)
    with pytest.raises(AuthenticationError):
        invoke(client.chat.completions.create, **CHAT)
    assert keys(invoke.upstream) == [OLD, NEW]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b" \n\t\r\n", "is empty"),
        (f"{OLD}\n{NEW}".encode(), "holds more than a key"),
        (f" {OLD}".encode(), "holds more than a key"),
        (f"OPENAI_API_KEY={OLD}\nA=b\n".encode(), "holds more than a key"),
        (f"\ufeff{OLD}".encode(), "no HTTP header"),
        (OLD.encode("utf-16"), "no HTTP header"),
        (f"{OLD}\0".encode(), "holds more than a key"),
        (b"k" * 20_000, "larger"),
        (None, "No such file"),
        ("directory", "is a directory"),
        ("pipe", "is no regular file"),
        ("forbidden", "Permission denied"),
        ("loop", "cannot be read"),
    ],
)
def test_a_file_without_a_key(
    path: Path, clock: list[float], content: Any, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It fails at the start, by name and without its content; later the last good key stays, with one warning."""
    good = KeyFile(path)
    assert good() == OLD
    path.unlink()
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content == "directory":
        path.mkdir()
    elif content == "pipe":
        os.mkfifo(path)
    elif content == "loop":
        path.symlink_to(path)
    elif content == "forbidden":
        path.write_text(NEW)
        path.chmod(0)
        if os.access(path, os.R_OK):
            pytest.skip("root may read everything")
    makers: list[Any] = [
        lambda: OpenAI(api_key_file=path),
        lambda: AzureOpenAI(api_key_file=path, azure_endpoint="https://x.test", api_version="1"),
        lambda: ClientConfig(api_key_file=path),
        lambda: ClientProvider(controls={"fallback": {"clients": {"spare": {"api_key_file": str(path)}}}}),
    ]
    for make in makers:
        with pytest.raises(ConfigError, match=f"api_key_file: .*{said}") as caught:
            make()
        assert "sk-" not in str(caught.value)
        assert repr(str(path)) in str(caught.value)
    with caplog.at_level(logging.WARNING, "ai_client"):
        for _ in range(3):
            clock[0] += key_file.LOOK_SECONDS
            assert good() == OLD
    assert len(caplog.records) == 1
    assert said in caplog.text
    assert "sk-" not in caplog.text


def test_a_file_that_is_good_again(path: Path, clock: list[float], caplog: pytest.LogCaptureFixture) -> None:
    """A file that is written anew is used, and warned of again when it is broken again."""
    file = KeyFile(path)
    file()
    for _ in range(2):
        path.write_text("")
        clock[0] += key_file.LOOK_SECONDS
        assert file() in {OLD, NEW}
        path.write_text(NEW)
        clock[0] += key_file.LOOK_SECONDS
        assert file() == NEW
    assert len(caplog.records) == 2


@pytest.mark.parametrize("given", ["", " ", "a\0b", 7, b"key", []])
def test_what_is_no_path(given: Any) -> None:
    """What is no path of a file fails with the option's name."""
    with pytest.raises(ConfigError, match=r"api_key_file.* must be the path of a file"):
        OpenAI(api_key_file=given)
    with pytest.raises(ConfigError, match=r"api_key_file.* must be the path of a file"):
        ClientConfig(api_key_file=given)


def test_a_key_in_place_of_a_path() -> None:
    """A key that is given as the path is not shown."""
    for make in (OpenAI, ClientConfig):
        with pytest.raises(ConfigError) as caught:
            make(api_key_file=OLD)
        assert OLD not in str(caught.value)


def test_excludes_other_keys(path: Path) -> None:
    """A key in a file and another way to a key exclude each other, on clients and in configurations."""
    azure: dict[str, Any] = {"azure_endpoint": "https://x.test", "api_version": "1"}
    for make in (OpenAI, ClientConfig):
        with pytest.raises(ConfigError, match=r"api_key_file.*exclude"):
            make(api_key="k", api_key_file=path)
    for more in ({"azure_ad_token": "t"}, {"azure_ad_token_provider": lambda: "t"}):
        with pytest.raises(ConfigError, match="exclude"):
            ClientConfig(api_key_file=path, **azure, **more)
        with pytest.raises(Exception, match="exclude"):
            AzureOpenAI(api_key_file=path, **azure, **more)
    with pytest.raises(ConfigError, match=r"excludes|exclude"):
        ClientConfig(
            api_key_file=path,
            workload_identity={
                "identity_provider_id": "i",
                "service_account_id": "s",
                "provider": {"token_type": "jwt", "get_token": lambda: "t"},
            },
        )


def test_from_the_environment(path: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    """`AI_CLIENT_API_KEY_FILE` counts before `OPENAI_API_KEY` and after a key that is given; other places get none."""
    monkeypatch.setenv("AI_CLIENT_API_KEY_FILE", str(path))
    monkeypatch.setenv("OPENAI_API_KEY", NEW)
    config = ClientConfig(base_url=upstream.base_url)
    assert config.api_key is None
    assert not [finding for finding in examine({}) if finding.id == "W001"]
    aliases = {"own": {"api_key": "k"}, "elsewhere": {"base_url": upstream.base_url}, "here": {}}
    provider = ClientProvider(config, aliases=aliases)
    assert provider["own"].config.api_key_file is None
    assert provider["elsewhere"].config.api_key_file is None
    assert provider["here"].config.api_key_file == str(path)
    provider.client.models.list()
    provider["elsewhere"].client.models.list()
    provider.close()
    assert keys(upstream) == [OLD, "none"]
    assert str(path) in repr(config)
    assert OLD not in repr(config)


def test_derived_and_official_classes(path: Path, upstream: Upstream) -> None:
    """Clients of derived classes, which know no such option, and of the official SDK have the key too."""
    for name in ("tests.client.test_key_file.Derived", "openai.OpenAI"):
        provider = ClientProvider(api_key_file=path, base_url=upstream.base_url, client_class=name)
        provider.client.models.list()
        provider.close()
    with ClientProvider(api_key_file=path, base_url=upstream.base_url).client as client:
        client.models.list()
    assert keys(upstream) == [OLD] * 3


class Derived(OpenAI):
    """A class with some options of its own."""

    def __init__(self, *, api_key: Any = None, base_url: str | None = None) -> None:
        super().__init__(api_key=api_key, base_url=base_url)


def test_other_origins(invoke: Invoke, path: Path) -> None:
    """A redirect to another origin, and a path that is an address, get no key of the file."""
    with Upstream() as other:
        other.always(Reply(json={"data": []}))
        client = invoke.client(api_key=None, api_key_file=path)
        invoke.upstream.reply(status=307, headers={"location": f"{other.base_url}/models"})
        invoke(client.models.list)
        invoke(client.get, f"{other.base_url}/x", cast_to=object)
        assert all("authorization" not in one.headers for one in other.requests)
        assert len(other.requests) == 2


def test_azure(path: Path, clock: list[float], invoke: Invoke) -> None:
    """Azure's clients send the key in the file in their own header, and a new one after a refusal."""
    del clock
    make = AzureOpenAI if invoke.sync else AsyncAzureOpenAI
    client: Any = make(api_key_file=path, base_url=invoke.upstream.base_url, api_version="1", max_retries=0)

    def answer(recorded: Recorded) -> Reply:
        return REFUSED if OLD in recorded.headers["api-key"] else Reply(json={"data": []})

    invoke.upstream.always(answer)
    path.write_text(NEW)
    try:
        invoke(client.models.list)
    finally:
        invoke(client.close)
    assert [one.headers["api-key"] for one in invoke.upstream.requests] == [OLD, NEW]


def test_a_pickle_holds_the_path(path: Path) -> None:
    """What reads a file is pickled without the key."""
    file = KeyFile(path)
    assert file() == OLD
    data = pickle.dumps(file)
    assert OLD.encode() not in data
    assert pickle.loads(data)() == OLD  # noqa: S301 - its own


def test_threads_while_a_volume_is_updated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads that ask while the key is replaced again and again get one of the keys each time, the last at the end."""
    monkeypatch.setattr(key_file, "LOOK_SECONDS", 0.0)
    given = [f"sk-number-{number:04d}-0123456789" for number in range(100)]
    mounted(tmp_path, given[0])
    file = KeyFile(tmp_path / "key")
    done = threading.Event()
    found: list[str] = []

    def ask() -> None:
        while not done.is_set():
            found.append(file())

    with ThreadPoolExecutor(4) as pool:
        asking = [pool.submit(ask) for _ in range(4)]
        for key in given[1:]:
            mounted(tmp_path, key)
        done.set()
        for each in asking:
            each.result()
    assert set(found) <= set(given)
    assert file() == given[-1]
