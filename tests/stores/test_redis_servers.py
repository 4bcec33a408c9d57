"""State in several Redis servers: clusters and their slots, services behind sentinels, TLS and sockets of files."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
import trustme
from redis.crc import key_slot

from ai_client import ConfigError, StoreError
from ai_client.stores import Hold, Ledger, Spend, Take, open_store
from ai_client.stores.redis_address import route_to
from ai_client.stores.redis_nodes import Address
from ai_client.stores.redis_routes import Cluster, Sentinel
from ai_client.stores.shared import SharedStore
from tests.support.policies import Redis
from tests.support.ports import free_port
from tests.support.redis_cluster import (
    SERVICE,
    RedisCluster,
    RedisService,
    running,
    wait_until,
    wait_until_replicated,
)

NOW = 1_800_000_000.0
DAY = NOW + 86_400
SLOT = key_slot(b"{ai_client}:")


def until_up(operation: Callable[[], object]) -> object:
    """Return what an operation of a store returns once the servers have agreed on who serves it."""
    give_up = time.monotonic() + 60
    while True:
        try:
            return operation()
        except StoreError:
            assert time.monotonic() < give_up
            time.sleep(0.05)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("redis+cluster://", "redis\\+cluster:"),
        ("redis+cluster://:s3cret@,b:1", "redis\\+cluster://host"),
        ("redis+cluster://:s3cret@a:port", "redis\\+cluster://host"),
        ("redis+cluster://:s3cret@a:1/1", "redis\\+cluster://host"),
        ("redis+cluster://:s3cret@a:1?no_such=s3cret", "redis\\+cluster://host"),
        ("redis+sentinel://:s3cret@a:1", "redis\\+sentinel://host"),
        ("redis+sentinel://:s3cret@a:1/service/s3cret", "redis\\+sentinel://host"),
        ("redis+sentinel://:s3cret@a:1/service?sentinel_port=1", "redis\\+sentinel://host"),
        ("rediss+sentinel://:s3cret@a:99999/service", "rediss\\+sentinel://host"),
        ("redis+ring://:s3cret@a:1", "valid addresses"),
    ],
)
def test_an_impossible_address_fails_at_once(url: str, says: str) -> None:
    """An address of a cluster or of sentinels that cannot be is an error with an example, and without its secrets."""
    with pytest.raises(ConfigError, match=says) as raised:
        open_store(url)
    assert "s3cret" not in str(raised.value)


def test_no_password_is_shown(redis_server: Redis) -> None:
    """A password in an address is in no repr of a store and in no error, down to its causes."""
    dead = free_port()
    for url in (
        f"redis://user:s3cret@127.0.0.1:{dead}/0",
        f"redis+cluster://user:s3cret@127.0.0.1:{dead}",
        f"redis+sentinel://user:s3cret@127.0.0.1:{dead}/{SERVICE}/0?sentinel_password=s3cret",
        redis_server.url.replace("//", "//user:s3cret@"),
    ):
        store = open_store(url)
        with pytest.raises(StoreError) as raised:
            store.backend.ledger("a", NOW)
        texts = [repr(store), repr(store.backend), repr(vars(store.backend))]
        error: BaseException | None = raised.value
        while error is not None:
            texts += [repr(error), str(error)]
            error = error.__cause__ or error.__context__
        assert not [text for text in texts if "s3cret" in text]
        store.close()


def test_the_credentials_of_redis_are_not_sent_to_sentinels() -> None:
    """Sentinels get a user name and a password of their own, and TLS as Redis has it."""
    route = route_to(
        "rediss+sentinel://u:p@[::1]:1,b/my%20service/3?sentinel_username=su&sentinel_password=sp"
    )()
    assert isinstance(route, Sentinel)
    sentinels = route._sentinels.at(Address("b", 26379)).connection_pool
    servers = route._nodes.at(Address("c", 1)).connection_pool
    assert route._addresses == [Address("::1", 1), Address("b", 26379)]
    assert route._service == "my service"
    shown = [
        {name: pool.connection_kwargs.get(name) for name in ("username", "password", "db", "host", "port")}
        for pool in (sentinels, servers)
    ]
    assert shown == [
        {"username": "su", "password": "sp", "db": None, "host": "b", "port": 26379},
        {"username": "u", "password": "p", "db": 3, "host": "c", "port": 1},
    ]
    assert [pool.connection_class.__name__ for pool in (sentinels, servers)] == ["SSLConnection"] * 2


def test_cached_values_spread_over_a_cluster(redis_cluster: RedisCluster) -> None:
    """The values of a cache lie on all nodes, and what scripts use together on one."""
    redis_cluster.flush()
    backend = open_store(redis_cluster.url).backend
    now = time.time()
    for number in range(60):
        backend.set(f"value {number}", b"x", now + 60, now)
        backend.admit(f"t{number}", [Hold(f"ledger {number}", 1, 5, DAY)], (), NOW, NOW + 60)
    assert all(backend.get(f"value {number}", now) == b"x" for number in range(60))
    sizes = [int(server.ask("DBSIZE")) for server in redis_cluster.servers]
    ours = int(redis_cluster.owner(SLOT).ask("CLUSTER", "COUNTKEYSINSLOT", str(SLOT)))
    assert ours == 60 * 3 + 1  # a ledger, its reservations and a ticket of each, and the list of ledgers
    assert min(sizes) > 5
    assert sum(sizes) == ours + 60
    backend.close()


class Move:
    """The move of a slot to another node, in steps."""

    def __init__(self, cluster: RedisCluster, slot: int) -> None:
        self._slot = str(slot)
        self._source = cluster.owner(slot)
        self.target = next(server for server in cluster.servers if server is not self._source)
        self._ids = {server: server.ask("CLUSTER", "MYID") for server in (self._source, self.target)}

    def begin(self) -> None:
        """Announce it to both nodes."""
        self.target.ask("CLUSTER", "SETSLOT", self._slot, "IMPORTING", self._ids[self._source])
        self._source.ask("CLUSTER", "SETSLOT", self._slot, "MIGRATING", self._ids[self.target])

    def keys(self) -> None:
        """Move the keys."""
        keys = self._source.ask("CLUSTER", "GETKEYSINSLOT", self._slot, "1000")
        for key in re.findall(r"'([^']*)'", keys):
            self._source.ask("MIGRATE", "127.0.0.1", str(self.target.port), key, "0", "5000")

    def end(self) -> None:
        """Have both nodes agree on the new owner."""
        for server in (self.target, self._source):
            server.ask("CLUSTER", "SETSLOT", self._slot, "NODE", self._ids[self.target])


def test_a_slot_is_followed_where_it_moves(redis_cluster: RedisCluster) -> None:
    """While the budgets move to another node they are down as a whole, and afterwards nothing of them is lost."""
    redis_cluster.flush()
    backend = open_store(redis_cluster.url).backend
    for number in range(20):
        backend.settle(f"s{number}", [Spend(f"a{number % 4}", 1, DAY)], NOW)
    move = Move(redis_cluster, SLOT)
    move.begin()
    with pytest.raises(StoreError, match=r"TryAgain|ResponseError"):
        backend.settle("meanwhile", [Spend("a1", 3, DAY), Spend("new", 3, DAY)], NOW)
    move.keys()
    move.end()
    assert backend.settle("meanwhile", [Spend("a1", 3, DAY), Spend("new", 3, DAY)], NOW) == [
        Ledger(8, 0),
        Ledger(3, 0),
    ]
    assert [backend.ledger(f"a{number}", NOW).used for number in range(4)] == [5, 8, 5, 5]
    route = backend._route()  # type: ignore[attr-defined]
    assert isinstance(route, Cluster)
    assert route._owners[SLOT].port == move.target.port
    backend.close()


def test_a_cached_value_is_found_while_its_slot_moves(redis_cluster: RedisCluster) -> None:
    """A value is read and set on whichever node has it while its slot moves."""
    redis_cluster.flush()
    backend = open_store(redis_cluster.url).backend
    now = time.time()
    backend.set("value", b"1", now + 60, now)
    move = Move(redis_cluster, key_slot(b"ai_client:kept:value"))
    move.begin()
    assert backend.get("value", now) == b"1"
    move.keys()
    assert backend.get("value", now) == b"1"
    backend.set("value", b"2", now + 60, now)
    move.end()
    assert backend.get("value", now) == b"2"
    backend.close()


def accepts(server: Redis, *command: str) -> bool:
    """Return whether a server runs a command."""
    try:
        server.ask(*command)
    except redis.ResponseError:
        return False
    return True


def count_through(url: str, fail_over: Callable[[], None]) -> SharedStore:
    """Count on a ledger before and after the servers fail over, within a limit."""
    store = open_store(url)
    backend = store.backend
    assert backend.admit("held", [Hold("a", 5, 10, DAY)], [Take("w", 3, 5, 60.0)], NOW, DAY) is None
    assert backend.settle("t1", [Spend("a", 2, DAY)], NOW) == [Ledger(2, 5)]
    fail_over()
    assert until_up(lambda: backend.settle("t2", [Spend("a", 1, DAY)], NOW)) == [Ledger(3, 5)]
    assert backend.admit("more", [Hold("a", 3, 10, DAY)], (), NOW, DAY) is not None
    assert backend.admit("window", (), [Take("w", 3, 5, 60.0)], NOW, NOW) is not None
    assert backend.settle("held", [Spend("a", 4, DAY)], NOW) == [Ledger(7, 0)]
    return store


@pytest.mark.slow
def test_a_cluster_fails_over(tmp_path: Path) -> None:
    """When the primary that holds the budgets dies, its replica takes over, and what was counted counts on."""
    cluster = RedisCluster(tmp_path, replicas=1)
    with running(cluster):

        def fail_over() -> None:
            primary = cluster.owner(SLOT)
            wait_until_replicated(primary)
            primary.stop()

        count_through(cluster.url, fail_over).close()


@pytest.mark.slow
def test_a_service_fails_over(tmp_path: Path) -> None:
    """When the primary of a service dies, its sentinels name another, and what was counted counts on."""
    service = RedisService(tmp_path, down_after=1000)
    with running(service):

        def fail_over() -> None:
            wait_until_replicated(service.primary)
            service.primary.stop()

        store = count_through(service.url, fail_over)
        service.primary.start()  # as a primary, until the sentinel makes it a replica
        wait_until(lambda: "role:slave" in service.primary.ask("INFO", "replication"))
        assert store.backend.ledger("a", NOW) == Ledger(7, 0)
        store.close()


@pytest.mark.slow
def test_a_primary_that_became_a_replica_is_left(tmp_path: Path) -> None:
    """A service whose primary was exchanged on purpose is followed, although the old one still answers."""
    service = RedisService(tmp_path)
    with running(service):

        def exchange() -> None:
            wait_until_replicated(service.primary)
            wait_until(lambda: accepts(service.sentinel, "SENTINEL", "FAILOVER", SERVICE))
            wait_until(lambda: "role:slave" in service.primary.ask("INFO", "replication"))

        store = count_through(service.url, exchange)
        assert until_up(lambda: store.backend.settle("t3", [Spend("a", 1, DAY)], NOW)) == [Ledger(8, 0)]
        store.close()


@pytest.fixture
def tls_server(tmp_path: Path) -> Iterator[str]:
    """Yield the end of an address of a server that speaks TLS, asks for a certificate and listens on a file."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    for name in ("server", "client"):
        certificate = authority.issue_cert("127.0.0.1", common_name=name)
        certificate.private_key_and_cert_chain_pem.write_to_path(tmp_path / f"{name}.pem")
    port = free_port()
    tls = ("--tls-cert-file", f"{tmp_path}/server.pem", "--tls-key-file", f"{tmp_path}/server.pem")
    options = (*tls, "--tls-ca-cert-file", f"{tmp_path}/ca.pem", "--tls-port", str(port))
    server = Redis(tmp_path, options=(*options, "--unixsocket", f"{tmp_path}/redis.sock"))
    try:
        server.start()
    except AssertionError:
        pytest.skip("redis-server was built without TLS")
    yield f"127.0.0.1:{port}/0?ssl_ca_certs={tmp_path}/ca.pem"
    server.stop()


def test_tls_and_sockets_of_files(tls_server: str, tmp_path: Path) -> None:
    """A server is reached over TLS with a certificate of the client's, and over a socket in the file system."""
    pem = f"{tmp_path}/client.pem"
    for url in (
        f"rediss://{tls_server}&ssl_certfile={pem}&ssl_keyfile={pem}",
        f"unix://{tmp_path}/redis.sock?db=0",
    ):
        backend = open_store(url).backend
        backend.settle(url, [Spend("a", 1, DAY)], NOW)
        backend.close()
    assert backend.ledger("a", NOW) == Ledger(2, 0)
    backend.close()
    without = open_store(f"rediss://{tls_server}").backend
    with pytest.raises(StoreError):
        without.ledger("a", NOW)
    without.close()
