"""Ports for servers that are told where to listen."""

import random
import socket
import sys

PORTS = range(10_000, 32_000)
"""Below what Linux gives to whoever asks for any port: in between, nobody else is given one of these."""
_claims: list[socket.socket] = []


def free_port() -> int:
    """Return a port of 127.0.0.1 that nothing listens on, each to one process of tests alone."""
    chance = random.SystemRandom()
    while True:
        port = chance.choice(PORTS)
        if _is_claimed(port):
            continue
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return port


def _is_claimed(port: int) -> bool:
    """Claim a port until this process ends, by a name that only one process can hold."""
    if sys.platform != "linux":
        return False
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"\0ai-client-tests-{port}")
    except OSError:
        claim.close()
        return True
    _claims.append(claim)
    return False
