"""How long the steps of a request may take."""

from .._libraries import httpx
from .._params.defaults import LONGEST_SECONDS
from ..errors import ConfigError


def timeouts(timeout: "float | httpx.Timeout | None") -> dict[str, float | None]:
    """Return the limits of a request in seconds: connect, read, write, and waiting for a connection.

    Raises:
        TypeError: *timeout* is neither a number, nor `None`, nor a `Timeout` of the HTTP library.
        ConfigError: A limit is negative, or longer than any clock can tell.
    """
    if timeout is None or isinstance(timeout, int | float):
        limits: dict[str, float | None] = dict.fromkeys(("connect", "read", "write", "pool"), timeout)
    else:
        try:
            limits = timeout.as_dict()
        except AttributeError:
            raise TypeError(
                "timeout must be a number of seconds, a Timeout of the HTTP library or None,"
                f" not {type(timeout).__name__}."
            ) from None
    for limit in limits.values():
        if limit is not None and not 0 <= limit <= LONGEST_SECONDS:
            raise ConfigError(
                "timeout must be a number of seconds that is not negative, or None for no bound."
            )
    return limits
