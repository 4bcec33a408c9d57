"""A cluster of Redis servers, and a service of two behind a sentinel, on free ports of loopback."""

import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import redis

from tests.support.policies import REDIS, Redis
from tests.support.ports import free_port

CLI = shutil.which("redis-cli")
SERVICE = "budgets"


def wait_until(met: Callable[[], object], seconds: float = 180.0) -> None:
    """Return once a condition is met, or fail after many seconds; servers that change roles close connections."""

    def is_met() -> bool:
        try:
            return bool(met())
        except redis.ConnectionError:
            return False

    give_up = time.monotonic() + seconds
    while not is_met():
        assert time.monotonic() < give_up, "the servers took too long"
        time.sleep(0.02)


def wait_until_replicated(primary: Redis) -> None:
    """Return once a replica has acknowledged all that its primary wrote."""

    def is_replicated() -> bool:
        state = primary.ask("INFO", "replication")
        written = re.search(r"master_repl_offset:(\d+)", state)
        acknowledged = re.findall(r"slave\d+:[^\r\n]*offset=(\d+)", state)
        return written is not None and written[1] in acknowledged

    wait_until(is_replicated)


class RedisCluster:
    """Three primaries, each with as many replicas as wanted.

    Without replicas none is to fail: a node that a busy machine delays is not given up.
    """

    def __init__(self, directory: Path, *, replicas: int = 0) -> None:
        self.servers: list[Redis] = []
        patience = "2000" if replicas else "60000"
        for number in range(3 * (1 + replicas)):
            place = directory / str(number)
            place.mkdir()
            options = ("--cluster-enabled", "yes", "--cluster-node-timeout", patience)
            self.servers.append(Redis(place, options=(*options, "--cluster-port", str(free_port()))))
        self._replicas = replicas

    @property
    def url(self) -> str:
        """The address for `open_store`."""
        return "redis+cluster://" + ",".join(f"127.0.0.1:{server.port}" for server in self.servers[:3])

    def start(self) -> None:
        """Start the servers and join them; return when each serves all slots."""
        assert CLI is not None
        for server in self.servers:
            server.start()
        addresses = [f"127.0.0.1:{server.port}" for server in self.servers]
        create = [CLI, "--cluster", "create", *addresses, "--cluster-replicas", str(self._replicas)]
        subprocess.run([*create, "--cluster-yes"], check=True, stdout=subprocess.PIPE, timeout=120)
        for server in self.servers:
            wait_until(lambda server=server: "cluster_state:ok" in server.ask("CLUSTER", "INFO"))
            wait_until(
                lambda server=server: server.ask("CLUSTER", "NODES").count("connected") == len(self.servers)
            )

    def owner(self, slot: int) -> Redis:
        """Return the primary of a slot."""
        for server in self.servers:
            if server.runs and "role:master" in server.ask("INFO", "replication"):
                mine = next(
                    line for line in server.ask("CLUSTER", "NODES").splitlines() if "myself" in line
                ).split()[8:]
                ranges = [tuple(map(int, part.split("-"))) for part in mine if "[" not in part]
                if any(part[0] <= slot <= part[-1] for part in ranges):
                    return server
        raise AssertionError("nobody owns the slot")

    def stop(self) -> None:
        """Stop the servers."""
        for server in self.servers:
            server.stop()

    def flush(self) -> None:
        """Delete all keys."""
        for server in self.servers:
            if "role:master" in server.ask("INFO", "replication"):
                server.ask("FLUSHALL")


class RedisService:
    """A primary, a replica, and a sentinel that takes the primary for dead after so many ms without a reply."""

    def __init__(self, directory: Path, *, down_after: int = 60_000) -> None:
        for name in ("primary", "replica", "sentinel"):
            directory.joinpath(name).mkdir()
        self.primary = Redis(directory / "primary", options=("--repl-diskless-sync-delay", "0"))
        replica_of = ("--replicaof", f"127.0.0.1 {self.primary.port}")
        self.replica = Redis(directory / "replica", options=replica_of)
        config = directory / "sentinel" / "sentinel.conf"
        config.write_text(
            f"sentinel monitor {SERVICE} 127.0.0.1 {self.primary.port} 1\n"
            f"sentinel down-after-milliseconds {SERVICE} {down_after}\n"
            f"sentinel failover-timeout {SERVICE} 3000\n"
        )
        self.sentinel = Redis(directory / "sentinel", config=config)
        self._nobody = free_port()

    @property
    def url(self) -> str:
        """The address for `open_store`."""
        return f"redis+sentinel://127.0.0.1:{self._nobody},127.0.0.1:{self.sentinel.port}/{SERVICE}/0"

    def start(self) -> None:
        """Start the servers; return when the sentinel knows both."""
        for server in (self.primary, self.replica):
            server.start()
        wait_until(lambda: "master_link_status:up" in self.replica.ask("INFO", "replication"))
        self.sentinel.start()
        wait_until(lambda: "slaves=1" in self.sentinel.ask("INFO", "sentinel"))

    def stop(self) -> None:
        """Stop the servers."""
        for server in (self.sentinel, self.replica, self.primary):
            server.stop()


@contextmanager
def running(servers: RedisCluster | RedisService) -> Iterator[None]:
    """Run servers, or skip where the programs are missing."""
    if REDIS is None or CLI is None:
        pytest.skip("redis-server or redis-cli is not installed")
    with ExitStack() as end:
        end.callback(servers.stop)
        servers.start()
        yield
