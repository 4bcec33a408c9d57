"""A PostgreSQL server with a cluster of its own, which listens on a socket in its directory only."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

_PLACES = [*sorted(Path("/usr/lib/postgresql").glob("*/bin")), *sorted(Path("/usr/pgsql").glob("*/bin"))]


def _program(name: str) -> str | None:
    return shutil.which(name) or next(
        (str(place / name) for place in reversed(_PLACES) if (place / name).exists()), None
    )


class Postgres:
    """A server that is started, stopped and asked."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._data = directory / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self._as: dict[str, Any] = {}
        if os.getuid() == 0:  # it refuses to run as root
            user = next(
                name for name in ("postgres", "nobody") if name in {entry.pw_name for entry in pwd.getpwall()}
            )
            self._as = {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}
            shutil.chown(directory, user)

    @property
    def settings(self) -> dict[str, Any]:
        """The entry of `DATABASES`."""
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": "postgres",
            "USER": "tester",
            "HOST": str(self.directory),
        }

    @property
    def pid(self) -> int:
        """The id of the server's main process."""
        assert self._process is not None
        return self._process.pid

    def create(self) -> None:
        """Create the cluster."""
        command = [str(_program("initdb")), "--auth", "trust", "--username", "tester", "--no-sync"]
        subprocess.run(
            [*command, "--encoding", "UTF8", "--pgdata", str(self._data)],
            check=True,
            stdout=subprocess.PIPE,
            cwd=self.directory,
            timeout=120,
            **self._as,
        )

    def start(self) -> None:
        """Start the server, and return when it answers."""
        options = {"listen_addresses": "", "unix_socket_directories": str(self.directory), "fsync": "off"}
        command = [str(_program("postgres")), "-D", str(self._data)]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stderr=log, cwd=self.directory, **self._as)
        give_up = time.monotonic() + 60
        while not self._answers():
            assert self._process.poll() is None, (self.directory / "log").read_text()
            assert time.monotonic() < give_up
            time.sleep(0.05)

    def ask(self, statement: str) -> list[Any]:
        """Run a statement, and return its rows."""
        import psycopg

        address = f"host={self.directory} user=tester dbname=postgres"
        with psycopg.connect(address, autocommit=True) as connection:
            cursor = connection.execute(statement)  # type: ignore[call-overload]
            return cursor.fetchall() if cursor.description else []

    def stop(self) -> None:
        """Stop the server; connections are closed."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(60)
            self._process = None

    def _answers(self) -> bool:
        import psycopg

        try:
            self.ask("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """Run a server, or skip where the programs or the driver are missing."""
    for name in ("initdb", "postgres"):
        if _program(name) is None:
            pytest.skip(f"{name} of PostgreSQL is not installed")
    if find_spec("psycopg") is None:
        pytest.skip("psycopg is not installed")
    directory = Path(tempfile.mkdtemp(prefix="ai-client-pg-"))  # short, as it is that of a socket
    server = Postgres(directory)
    try:
        server.create()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(directory, ignore_errors=True)
