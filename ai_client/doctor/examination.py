"""The examination of an application: all of it at once, within a few seconds, whatever hangs."""

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from contextvars import copy_context
from dataclasses import replace
from time import monotonic
from typing import Any, TypeAlias

from .._process.factory import client_of
from ..config import ClientConfig
from ..provider import ClientProvider
from .api import examine_api
from .bounds import COLLECTING, Bound, within
from .check import Check
from .configuration import configure, effective, origin_of
from .network import examine_network
from .subject import Subject
from .way import Way

Examination: TypeAlias = Callable[[], Iterator[Check]]
_STOPPED = "The check itself failed: {}."


def examine_all(
    application: "Subject | ClientProvider | None" = None, *, offline: bool = False
) -> Iterator[Check]:
    """Examine an application's clients and what they need; yield what is found, in a stable order.

    Nothing is sent but a request for the list of models, which costs nothing. Everything has ended after
    `SECONDS` and `COLLECTING`, also where a resolver, a server or a store hangs. Raises nothing.

    Args:
        application: What to examine; by default the client that the environment configures.
        offline: Whether to connect to nothing.
    """
    bound = Bound()
    if isinstance(application, ClientProvider):
        subject = Subject.of(application)
    else:
        subject = application or Subject.of_environment()
    for fault in subject.faults:
        yield Check(
            "configuration",
            "application",
            "fault",
            fault,
            "Correct it, then ask again: the clients are known only once the application loads.",
        )
    configs: dict[str, ClientConfig] = {}
    for alias in subject.clients:
        config, checks = _configured(subject, alias, bound)
        yield from checks
        if config is not None:
            configs[alias] = config
            yield from _guarded("configuration", alias, lambda a=alias, c=config: effective(subject, a, c))  # type: ignore[misc]
    if offline:
        return
    running = [
        _Examining("network", alias, lambda a=alias, c=config: _reach(subject, a, c, bound))  # type: ignore[misc]
        for alias, config in configs.items()
    ]
    for one in running:
        yield from one.collected(bound)


def _configured(subject: Subject, alias: str, bound: Bound) -> tuple[ClientConfig | None, list[Check]]:
    try:
        return within(bound.left(), lambda: configure(subject, alias))
    except TimeoutError:
        message = "Reading the options takes too long: a function that they name hangs."
    except Exception as error:  # noqa: BLE001 - diagnosed, as everything
        message = f"Reading the options failed ({type(error).__name__})."
    hint = "Look at what the options import and call: credentials, workload_identity, client_class."
    return None, [Check("configuration", "options", "fault", message, hint, client=alias)]


def _reach(subject: Subject, alias: str, config: ClientConfig, bound: Bound) -> Iterator[Check]:
    """Yield what is found on the way to a client's server, and what that answers."""
    client = client_of(
        config, sync=True, warm=None, credentials=None, max_retries=0, on_blocking_call="ignore"
    )
    try:
        way = None
        if config.http_client is None:
            way = Way(client, bound)
            origin = "" if config.proxy is None else str(origin_of(subject, alias, "proxy", config))
            is_reached = yield from examine_network(way, origin)
            if not is_reached:
                return
        for check, _ in examine_api(client, way, bound):
            yield check
    finally:
        client.close()


def _guarded(area: str, alias: str, examination: Examination) -> Iterator[Check]:
    """Yield the checks of an examination; its crash is a check too."""
    try:
        for check in examination():
            yield replace(check, client=alias)
    except Exception as error:  # noqa: BLE001 - diagnosed, as everything; its message may hold a secret
        yield Check(area, "doctor", "fault", _STOPPED.format(type(error).__name__), client=alias)


class _Examining:
    """An examination in a thread of its own."""

    def __init__(self, area: str, alias: str, examination: Examination) -> None:
        self._area = area
        self._alias = alias
        self._found: queue.SimpleQueue[Check | None] = queue.SimpleQueue()
        self._context = copy_context()
        work = (area, alias, examination)
        threading.Thread(target=self._context.run, args=(self._run, *work), daemon=True).start()

    def _run(self, *work: Any) -> None:
        for check in _guarded(*work):
            self._found.put(check)
        self._found.put(None)

    def collected(self, bound: Bound) -> Iterator[Check]:
        """Yield what is found as it comes, up to the end of the time for all."""
        with suppress(queue.Empty):
            while (
                check := self._found.get(timeout=max(0.001, bound.end + COLLECTING - monotonic()))
            ) is not None:
                yield check
            return
        message = "This was not finished in time: something hangs without a bound of its own."
        yield Check(self._area, "doctor", "fault", message, client=self._alias)
