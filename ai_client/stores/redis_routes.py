"""Which Redis server runs a command: the only one, the owner of a key's slot, or the primary of a service."""

import time
from collections.abc import Sequence
from typing import Any, Protocol

from .._io.deadline import at_most
from .redis_nodes import TIMEOUT, Address, Nodes

_REDIRECTIONS = 5
_PAUSE = 0.01


class RedisRoute(Protocol):
    """The servers that hold the keys of a store, as one process sees them."""

    def run(self, key: str, *command: Any) -> Any:
        """Run a command, all of whose keys are in the slot of *key*, and return the reply.

        The command may run twice, where the reply to the first was lost.
        """
        ...

    def close(self) -> None:
        """Close the connections that no other thread is using; later use opens new ones."""
        ...


class Single:
    """One server, or a proxy that stands for others."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes

    def run(self, key: str, *command: Any) -> Any:
        """Run a command."""
        del key
        return self._nodes.at(None).execute_command(*command)

    def close(self) -> None:
        """Close idle connections."""
        self._nodes.close()


class Cluster:
    """A cluster: any of its nodes names the owner of a slot.

    Args:
        nodes: Makes the clients.
        addresses: Nodes of the cluster, of which one must answer.
    """

    def __init__(self, nodes: Nodes, addresses: Sequence[Address]) -> None:
        from redis import exceptions  # noqa: PLC0415 - an extra
        from redis.crc import key_slot  # noqa: PLC0415

        self._nodes = nodes
        self._known = dict.fromkeys(addresses)
        self._owners: dict[int, Address] = {}
        self._slot_of = key_slot
        self._unreachable = exceptions.ConnectionError, exceptions.TimeoutError
        self._answered = exceptions.ResponseError

    def run(self, key: str, *command: Any) -> Any:
        """Run a command on the owner of a key's slot; follow a slot that has moved."""
        slot = self._slot_of(key.encode())
        address, asking = self._owners.get(slot) or next(iter(self._known)), False
        give_up = time.monotonic() + at_most(TIMEOUT)
        tried: set[Address] = set()
        redirections = 0
        while True:
            try:
                reply = self._send(address, command, asking=asking)
            except self._unreachable:
                self._owners.pop(slot, None)
                tried.add(address)
                self._known.pop(address, None)  # to the end: others are asked first from now on
                self._known[address] = None
                other = next((node for node in list(self._known) if node not in tried), None)
                if other is None:
                    raise
                address, asking = other, False
            except self._answered as error:
                word, place = _said(error)
                if word == "TRYAGAIN" and time.monotonic() < give_up:  # a part of the slot's keys has moved
                    time.sleep(_PAUSE)
                    continue
                redirections += 1
                if word not in {"MOVED", "ASK"} or redirections > _REDIRECTIONS:
                    raise
                address, asking = _named(place, address), word == "ASK"
                if address in tried:  # the owner is down, and no other has taken its place yet
                    raise
                self._known.setdefault(address)
            else:
                if not asking:
                    self._owners[slot] = address
                return reply

    def close(self) -> None:
        """Close idle connections."""
        self._nodes.close()

    def _send(self, address: Address, command: Sequence[Any], *, asking: bool) -> Any:
        """Run a command on a node; *asking* where the slot is moving to it and the node does not own it yet."""
        node = self._nodes.at(address)
        if not asking:
            return node.execute_command(*command)
        both = node.pipeline(transaction=False)
        both.execute_command("ASKING")
        both.execute_command(*command)
        reply = both.execute(raise_on_error=False)[-1]
        if isinstance(reply, Exception):
            raise reply
        return reply


def _said(error: Exception) -> tuple[str, str]:
    """Return the first and the last word of a reply; newer versions of redis-py make the first a class."""
    words = str(error).split(" ")
    kinds = {"MovedError": "MOVED", "AskError": "ASK", "TryAgainError": "TRYAGAIN"}
    return kinds.get(type(error).__name__, words[0]), words[-1]


def _named(place: str, by: Address) -> Address:
    """Return the address in a redirection: without a host, it is on that of the node that sent it."""
    host, _, port = place.rpartition(":")
    return Address(by.host if host in {"", "?"} else host, int(port))


class Sentinel:
    """The primary of a service, as sentinels name it.

    Args:
        nodes: Makes the clients of Redis.
        sentinels: Makes those of the sentinels.
        addresses: The sentinels, of which one must answer.
        service: The name of the service.
    """

    def __init__(self, nodes: Nodes, sentinels: Nodes, addresses: Sequence[Address], service: str) -> None:
        from redis import exceptions  # noqa: PLC0415 - an extra

        self._nodes = nodes
        self._sentinels = sentinels
        self._addresses = addresses
        self._service = service
        self._primary: Address | None = None
        self._unreachable = exceptions.ConnectionError, exceptions.TimeoutError
        self._answered = exceptions.ResponseError

    def run(self, key: str, *command: Any) -> Any:
        """Run a command on the primary, and on the next one where that is down or has become a replica."""
        del key
        address = self._primary
        if address is not None:
            try:
                return self._nodes.at(address).execute_command(*command)
            except self._unreachable:
                self._primary = None
            except self._answered as error:
                if "READONLY" not in str(error) and type(error).__name__ != "ReadOnlyError":
                    raise
                self._primary = None
        address = self._find()
        reply = self._nodes.at(address).execute_command(*command)
        self._primary = address
        return reply

    def close(self) -> None:
        """Close idle connections."""
        self._nodes.close()
        self._sentinels.close()

    def _find(self) -> Address:
        """Return the address of the primary."""
        failure: Exception = ConnectionError(f"No sentinel knows the service {self._service!r}.")
        for address in self._addresses:
            try:
                sentinel = self._sentinels.at(address)
                found = sentinel.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._service)
            except (*self._unreachable, self._answered) as error:
                failure = error
                continue
            if found:
                host, port = found
                return Address(host.decode(), int(port))
        raise failure
