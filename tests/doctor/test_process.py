"""The process and what it stands on: workers, descriptors, stores, versions, names."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from ai_client.config import ClientConfig
from ai_client.doctor import stores, workers
from ai_client.doctor.bounds import Bound
from ai_client.doctor.environment import examine_environment
from ai_client.doctor.process import examine_process
from ai_client.doctor.stores import examine_store
from ai_client.doctor.versions import examine_versions, is_within
from ai_client.doctor.workers import worker_limit
from ai_client.errors import StoreError
from tests.support.broken import KEY
from tests.support.ports import free_port

GUNICORN = ["/usr/bin/python", "/usr/bin/gunicorn", "app:app"]


@pytest.mark.parametrize(
    ("arguments", "seconds"),
    [
        ([*GUNICORN, "--timeout", "47"], 47.0),
        ([*GUNICORN, "--timeout=47"], 47.0),
        ([*GUNICORN, "-t", "47"], 47.0),
        ([*GUNICORN, "-t47"], 47.0),
        ([*GUNICORN, "-t", "12", "--timeout", "47"], 47.0),
        ([*GUNICORN, "--timeout", "0"], None),
        ([*GUNICORN, "--timeout", "soon"], 30.0),
        (GUNICORN, 30.0),
        ([*GUNICORN, "-t", "47", "-k", "uvicorn.workers.UvicornWorker"], None),
        ([*GUNICORN, "-t", "47", "--threads", "4"], None),
        ([*GUNICORN, "-t", "47", "--threads", "1"], 47.0),
        (["gunicorn: master [app:app]"], 30.0),
        (["/bin/sh", "-c", "exec gunicorn app:app --timeout 47"], 47.0),
        (["uwsgi", "--harakiri", "47", "--http", ":8000"], 47.0),
        (["/opt/bin/uwsgi", "--http=:8000", "--harakiri=47"], 47.0),
        (["pyuwsgi", "--http", ":8000"], None),
    ],
)
def test_the_limit_of_a_command_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: Sequence[str], seconds: float | None
) -> None:
    """The seconds that a server grants a worker are read from the command line that started it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(workers, "_commands", lambda: iter([["bash"], list(arguments)]))
    limit = worker_limit()
    assert limit is not None
    assert limit.seconds == seconds


def test_other_sources_of_the_limit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The caller's word counts first, then the command line, the variable, the file, the default."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(workers, "_commands", lambda: iter([["vim", "uwsgi.ini"], []]))
    assert worker_limit() == ("gunicorn", 30.0, "its default")
    (tmp_path / "gunicorn.conf.py").write_text("import os\ntimeout = 41\nbind = os.environ['NONE']\n")
    assert worker_limit() == ("gunicorn", 41.0, "its file gunicorn.conf.py")
    monkeypatch.setenv("GUNICORN_CMD_ARGS", "--timeout 42")
    assert worker_limit() == ("gunicorn", 42.0, "GUNICORN_CMD_ARGS in the environment")
    monkeypatch.setenv("UWSGI_HARAKIRI", "43")
    assert worker_limit() == ("uWSGI", 43.0, "harakiri in UWSGI_HARAKIRI in the environment")
    monkeypatch.setattr(workers, "_commands", lambda: iter([[*GUNICORN, "-t", "44"]]))
    assert worker_limit() == ("gunicorn", 44.0, "its command line")
    assert worker_limit(45) == ("the server", 45.0, "as given")
    assert worker_limit(0) == ("the server", None, "as given")
    (tmp_path / "uwsgi.ini").write_text("[uwsgi]\nharakiri = 46\n")
    monkeypatch.setattr(workers, "_commands", lambda: iter([["uwsgi", "--ini", str(tmp_path / "uwsgi.ini")]]))
    assert worker_limit() == ("uWSGI", 46.0, "harakiri in its file of configuration")


def test_the_limit_of_a_parent(tmp_path: Path) -> None:
    """A process that gunicorn has started finds the limit in the command line of its parents."""
    if not Path("/proc/self/cmdline").exists():
        pytest.skip("there is no /proc")
    script = tmp_path / "gunicorn"
    inner = "from ai_client.doctor.workers import worker_limit; print(worker_limit())"
    script.write_text(
        f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {inner!r}], check=True)\n"
    )
    done = subprocess.run(
        [sys.executable, str(script), "--timeout", "47"],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert done.stdout.strip() == str(workers.WorkerLimit("gunicorn", 47.0, "its command line"))


def test_the_longest_call() -> None:
    """What is compared with the limit is the deadline, else all attempts with their timeouts."""
    configs = {
        "short": ClientConfig(api_key=KEY, deadline=5),
        "long": ClientConfig(api_key=KEY, timeout=20, max_retries=1),
        "endless": ClientConfig(api_key=KEY, timeout={"connect": 1, "read": None, "write": 1, "pool": 1}),
    }
    found = {check.client: check for check in examine_process(configs, 30) if check.client}
    assert {alias: check.status for alias, check in found.items()} == {
        "short": "ok",
        "long": "warning",
        "endless": "warning",
    }
    assert "may take 40 s" in found["long"].message
    assert "may take for ever" in found["endless"].message
    (check,) = (check for check in examine_process(configs, 0) if check.name == "worker timeout")
    assert check.status == "ok"


def test_descriptors(monkeypatch: pytest.MonkeyPatch) -> None:
    """The connections of all clients together are compared with the descriptors of a process."""
    config = ClientConfig(api_key=KEY, max_connections=100)
    for limit, clients, status in (
        (124, 1, "ok"),
        (123, 1, "warning"),
        (200, 2, "warning"),
        (99, 1, "fault"),
        (None, 9, "ok"),
    ):
        monkeypatch.setattr("ai_client.doctor.process.descriptor_limit", lambda limit=limit: limit)
        configs = {str(number): config for number in range(clients)}
        (check,) = (check for check in examine_process(configs, 0) if check.name == "descriptors")
        assert (limit, clients, check.status) == (limit, clients, status)


class _Backend:
    """A backend that does as it is told."""

    instant = False

    def __init__(self, use: Callable[[], Any]) -> None:
        self._use = use

    def set(self, *_: Any) -> None:
        self._use()

    def get(self, *_: Any) -> None:
        return None


def failing(message: str, cause: Exception | None = None) -> Callable[[], Any]:
    """Return what fails as stores do."""

    def fail() -> Any:
        raise StoreError(message) from cause

    return fail


@pytest.mark.parametrize(
    ("use", "said"),
    [
        (
            failing("The store failed: attempt to write a readonly database (OperationalError)."),
            "it cannot be written",
        ),
        (failing("The store failed.", OSError(13, "Permission denied")), "it cannot be written"),
        (failing("The store failed.", ConnectionRefusedError(111, "Connection refused")), "it is down"),
        (failing("The store failed.", OSError(-2, "Name or service not known")), "its host is unknown"),
        (failing("The store failed.", TimeoutError("timed out")), "it does not answer in time"),
        (
            failing("The store failed: password authentication failed for user"),
            "does not accept the user or the password",
        ),
        (
            failing("The store failed.", LookupError('relation "ledgers" does not exist')),
            "its tables are missing",
        ),
        (
            failing("The store failed.", LookupError('database "x" does not exist')),
            "no such database or user",
        ),
        (failing("The store failed.", OSError(2, "No such file or directory")), "nothing at its path"),
        (failing("The store failed: database or disk is full"), "it is full"),
        (failing("The store failed.", LookupError("planted-secret")), "LookupError"),
        (failing("The store failed."), "StoreError"),
    ],
)
def test_why_a_store_fails(use: Callable[[], Any], said: str) -> None:
    """The cause of a store's failure is named in plain words, without what the backend says."""
    (check,) = examine_store({"store": _Backend(use)}, Bound())
    assert (check.status, said in check.message) == ("fault", True), check.message
    assert "planted" not in check.message


def test_missing_tables_are_to_be_made_in_the_database_of_the_store() -> None:
    """Advice to make the tables of a store names its database, which need not be the default one."""
    remedy = "Run: manage.py migrate ai_client_store --database=ai"
    use = failing(f"The store django-db://ai has no tables in its database. {remedy}")
    (check,) = examine_store({"store": _Backend(use)}, Bound())
    assert (check.status, check.hint) == ("fault", remedy)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("redis+cluster://planted:planted@127.0.0.1:{port}", "it is down"),
        ("redis+sentinel://:planted@127.0.0.1:{port}/service/0", "it is down"),
        ("unix://planted@{folder}/none.sock", "nothing at its path"),
        ("bogus://planted", "unknown scheme 'bogus'"),
        ("sqlite:///{folder}/damaged.db", "is no database"),
        ("django-cache://planted", "CACHES has no 'planted'"),
    ],
)
def test_stores_of_every_kind(tmp_path: Path, address: str, said: str) -> None:
    """Stores of every kind are named by their address without its login, with the cause of their failure."""
    (tmp_path / "damaged.db").write_bytes(b"This is no database." * 100)
    (check,) = examine_store({"store": address.format(port=free_port(), folder=tmp_path)}, Bound(60))
    assert check.status == "fault"
    assert said in check.message
    assert "planted" not in check.message.replace("'planted'", "").replace("://planted", "")


def test_a_store_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that does not answer is left behind."""
    import threading

    over = threading.Event()
    monkeypatch.setattr(stores, "STORING", 0.05)
    try:
        (check,) = examine_store({"store": _Backend(over.wait)}, Bound())
    finally:
        over.set()
    assert (check.status, "no answer within" in check.message) == ("fault", True)


def test_a_slow_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that answers slowly is a risk, as each call waits for it."""
    clock = iter([0.0, 0.0, 0.5])
    monkeypatch.setattr(stores, "monotonic", lambda: next(clock))
    (check,) = examine_store({"store": _Backend(lambda: None)}, Bound())
    assert (check.status, check.details) == ("warning", {"latency": 0.5})


def test_stores_that_work(tmp_path: Path) -> None:
    """A file that is not there yet is not made, as it would belong to another user; one that is there is tried."""
    address = f"sqlite:///{tmp_path}/store.db"
    (check,) = examine_store({"store": address}, Bound())
    assert (check.status, "there is no file yet" in check.message) == ("ok", True)
    assert not list(tmp_path.iterdir())
    from ai_client.stores import open_store

    store = open_store(address)
    store.backend.set("a", b"1", time.time() + 9, time.time())
    store.close()
    (check,) = examine_store({"store": address}, Bound(60))
    assert (check.status, "reads and writes" in check.message) == ("ok", True)
    assert [check.status for check in examine_store({"store": "memory://"}, Bound())] == ["ok"]


@pytest.mark.parametrize("kind", ["a file in its way", "no right to write"])
def test_a_file_that_cannot_be_made(kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where a file is not there yet and cannot be made, that is a fault, which names the directory."""
    if kind == "a file in its way":
        (tmp_path / "folder").write_text("")
    else:

        def access(*_: object) -> bool:
            return False

        monkeypatch.setattr(os, "access", access)
    (check,) = examine_store({"store": f"sqlite:///{tmp_path}/folder/store.db"}, Bound())
    assert (check.status, "none can be made" in check.message) == ("fault", True)


MOUNTS = """\
22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
30 22 0:26 / /srv/with\\040blank rw,relatime shared:15 - nfs4 server:/x rw
31 22 0:27 / /srv rw - tmpfs tmpfs rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/srv/with blank/a.db", "nfs4"), ("/srv/with", "tmpfs"), ("/srvx/a.db", "ext4"), ("/srv", "tmpfs")],
)
def test_file_systems(path: str, kind: str) -> None:
    """The file system of a path is the one mounted nearest to it."""
    assert stores._kind_of_mount(path, MOUNTS) == kind


def test_a_file_on_a_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A store's file on a file system of a network is a risk."""

    def kind(*_: str) -> str:
        return "nfs4"

    monkeypatch.setattr(stores, "_kind_of_mount", kind)
    found = list(examine_store({"store": f"sqlite:///{tmp_path}/store.db"}, Bound()))
    assert [(check.name, check.status) for check in found] == [("file system", "warning"), ("store", "ok")]


@pytest.mark.parametrize(
    ("found", "bound", "within"),
    [
        ("0.28.1", ">=0.28,<1", True),
        ("1.0", "<1,>=0.28", False),
        ("0.27.9", ">=0.28", False),
        ("1", "<1.0.0", False),
        ("2.0rc1", ">=2", True),
        ("5.2.19", ">=5.2", True),
        ("anything", "", True),
    ],
)
def test_versions_within_bounds(found: str, bound: str, within: bool) -> None:
    """Versions are compared part by part, as numbers."""
    assert is_within(found, bound) is within


def test_a_version_that_is_not_supported(monkeypatch: pytest.MonkeyPatch) -> None:
    """An old library is a risk, with what is supported."""

    def version(name: str) -> str:
        return "0.1" if name == "httpx" else "99"

    monkeypatch.setattr("ai_client.doctor.versions.version", version)
    (check,) = (check for check in examine_versions() if check.name == "httpx")
    assert check.status == "warning"
    assert "httpx 0.1 is not supported" in check.message


def test_names_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each name that nothing reads is told; a service of Kubernetes is none."""
    monkeypatch.setenv("AI_CLIENT_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("AI_CLIENT_PORT_80_TCP", "x")
    monkeypatch.setenv("AI_CLIENT_DEADLIN", "3")
    monkeypatch.setenv("AI_CLIENT_HTTP_CLIENT", "x")
    monkeypatch.setenv("AI_CLIENT_COLOUR", "x")
    monkeypatch.setenv("AI_CLIENT_TIMEOUT", "3")
    told = {check.message.split(" ")[0]: check for check in examine_environment() if check.name == "unknown"}
    assert {name: check.status for name, check in told.items()} == {
        "AI_CLIENT_DEADLIN": "fault",
        "AI_CLIENT_HTTP_CLIENT": "fault",
        "AI_CLIENT_COLOUR": "warning",
    }
    assert "AI_CLIENT_DEADLINE?" in told["AI_CLIENT_DEADLIN"].message


@given(arguments=st.lists(st.text(max_size=12), max_size=6))
def test_any_command_line(arguments: list[str]) -> None:
    """No command line of another process breaks the search."""
    workers._of_command(arguments)
    workers._of_command(["gunicorn", *arguments])
    workers._of_command(["uwsgi", *arguments])
