"""The process that serves: its descriptors for connections, and the time that its server grants calls."""

from collections.abc import Iterator, Mapping

from ..checks import longest_call
from ..config import ClientConfig
from .check import Check, Status
from .workers import worker_limit

_OTHERS = 24
"""Descriptors for standard streams, listening sockets, logs, stores and databases."""


def examine_process(configs: Mapping[str, ClientConfig], given: float | None) -> Iterator[Check]:
    """Yield what is found about the process.

    Args:
        configs: The options of each client.
        given: Seconds that the server grants a worker, where the caller knows it.
    """
    if configs:
        yield _descriptors(configs)
    yield from _time(configs, given)


def descriptor_limit() -> int | None:
    """Return how many descriptors a process may have; `None` where there is no limit."""
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ImportError:
        return None
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else soft


def _descriptors(configs: Mapping[str, ClientConfig]) -> Check:
    """Compare the bounds of pools with the limit: each client may open that many connections."""
    limit = descriptor_limit()
    several = sum(config.max_connections for config in configs.values() if config.http_client is None)
    details = {"max_connections": several, "limit": limit}
    if limit is None or several + _OTHERS <= limit:
        message = (
            f"{several} connections at most, of {'any number of' if limit is None else limit} descriptors."
        )
        return Check("process", "descriptors", "ok", message, details=details)
    message = (
        f"The clients may open {several} connections (max_connections), but a process has {limit} descriptors here:"
        " under load, connections fail with 'Too many open files'."
    )
    hint = f"Raise the limit (ulimit -n, LimitNOFILE, nofile) above {several + _OTHERS}, or lower max_connections."
    status: Status = "fault" if any(one.max_connections > limit for one in configs.values()) else "warning"
    return Check("process", "descriptors", status, message, hint, details=details)


def _time(configs: Mapping[str, ClientConfig], given: float | None) -> Iterator[Check]:
    """Compare how long a call may take with how long a worker may be busy."""
    limit = worker_limit(given)
    if limit is None:
        message = "No gunicorn and no uWSGI was found: tell the limit with --worker-timeout, if there is one."
        yield Check("process", "worker timeout", "skipped", message)
        return
    if limit.seconds is None:
        yield Check("process", "worker timeout", "ok", f"{limit.server} has none: {limit.source}.")
        return
    for alias, config in configs.items():
        longest = longest_call(config)
        details = {"server": limit.server, "seconds": limit.seconds, "longest_call": longest}
        length = "for ever" if longest is None else f"{longest:g} s"
        text = f"{limit.server} kills a busy worker after {limit.seconds:g} s ({limit.source})"
        if longest is None or longest > limit.seconds:
            message = f"A call may take {length}, but {text}: the request dies without an error that can be handled."
            hint = "Set deadline to fewer seconds, or raise the server's timeout."
            yield Check("process", "worker timeout", "warning", message, hint, client=alias, details=details)
        else:
            message = f"A call takes {length} at most; {text}."
            yield Check("process", "worker timeout", "ok", message, client=alias, details=details)
