"""The connections of a client."""

import httpx

from ._http import PoolOptions


def _limits(options: PoolOptions) -> httpx.Limits:
    return httpx.Limits(
        max_connections=options.max_connections,
        max_keepalive_connections=options.max_connections,
        keepalive_expiry=options.keepalive_expiry,
    )


class BlockingPool(httpx.HTTPTransport):
    """Connections for threads."""

    def __init__(self, options: PoolOptions) -> None:
        super().__init__(limits=_limits(options))

    def abandon(self) -> None:
        """Leave the connections to the process or the loop they belong to."""


class AwaitablePool(httpx.AsyncHTTPTransport):
    """Connections for the tasks of one event loop."""

    def __init__(self, options: PoolOptions) -> None:
        super().__init__(limits=_limits(options))

    def abandon(self) -> None:
        """Leave the connections to the process or the loop they belong to."""
