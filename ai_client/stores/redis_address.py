"""Addresses of Redis: one server, a cluster, or a service behind sentinels."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from .redis_nodes import TIMEOUT, Address, Nodes
from .redis_routes import Cluster, RedisRoute, Sentinel, Single

_PORTS = {"cluster": 6379, "sentinel": 26379}
_OF_SENTINELS = "sentinel_"
_BOUNDS = {"socket_timeout": TIMEOUT, "socket_connect_timeout": TIMEOUT}


def route_to(url: str) -> Callable[[], RedisRoute]:
    """Return what makes a process's way to the servers of an address; nothing is connected.

    Raises:
        ValueError, TypeError: The address or an option is invalid.
        ImportError: The redis library is not installed.
    """
    from redis.connection import parse_url  # noqa: PLC0415 - an extra

    scheme, _, rest = url.partition("://")
    base, _, kind = scheme.partition("+")
    if not kind:
        options = {**_BOUNDS, **parse_url(url)}
        Nodes(options).validate()
        return lambda: Single(Nodes(options))
    place, mark, query = rest.partition("?")
    hosts, _, path = place.partition("/")
    user, at, hosts = hosts.rpartition("@")
    addresses = [_address(host, _PORTS[kind]) for host in hosts.split(",")]
    if kind == "cluster":
        options = {**_BOUNDS, **parse_url(f"{base}://{user}{at}host/{path}{mark}{query}")}
        if options.pop("db", 0):
            raise ValueError("A cluster has the database 0 only.")
        options = _without_address(options)
        Nodes(options).validate()
        return lambda: Cluster(Nodes(options), addresses)
    service, _, db = path.partition("/")
    if not service:
        raise ValueError("The name of the service is missing.")
    given = parse_qsl(query, keep_blank_values=True)
    own = {name.removeprefix(_OF_SENTINELS): value for name, value in given if name.startswith(_OF_SENTINELS)}
    if own.keys() - {"username", "password"}:
        raise ValueError("Sentinels have a user name and a password only.")
    query = urlencode([(name, value) for name, value in given if not name.startswith(_OF_SENTINELS)])
    options = _without_address({**_BOUNDS, **parse_url(f"{base}://{user}{at}host/{db}?{query}")})
    if db and "db" not in options:
        raise ValueError("A database is a number.")
    # the credentials of Redis are not the sentinels', and are not sent to them
    of_sentinels = {
        name: value
        for name, value in options.items()
        if name == "connection_class" or name.startswith(("socket_", "ssl_"))
    } | own
    for each in (options, of_sentinels):
        Nodes(each).validate()
    return lambda: Sentinel(Nodes(options), Nodes(of_sentinels), addresses, unquote(service))


def place_in(url: str) -> tuple[object, ...]:
    """Return what addresses of the same database have in common, without user names and passwords."""
    from redis.connection import parse_url  # noqa: PLC0415 - an extra

    scheme, _, rest = url.partition("://")
    _, _, kind = scheme.partition("+")
    if not kind:
        found: dict[str, Any] = dict(parse_url(url))
        where = found.get("path") or (str(found.get("host", "localhost")).lower(), found.get("port", 6379))
        return "redis", where, found.get("db", 0)
    hosts, _, path = rest.partition("?")[0].partition("/")
    addresses = {_address(host, _PORTS[kind]) for host in hosts.rpartition("@")[2].split(",")}
    service, _, db = path.partition("/")
    return kind, frozenset(addresses), service, db or "0"


def _address(host: str, port: int) -> Address:
    """Split `host:port`; the port may be missing."""
    parts = urlsplit(f"//{host}")
    if not parts.hostname:
        raise ValueError("A host is missing.")
    return Address(parts.hostname, parts.port or port)


def _without_address(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name not in {"host", "port"}}
