"""The examination of an application: all of it at once, within a few seconds, whatever hangs."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from ..config import ClientConfig
from ..provider import ClientProvider
from .bounds import Bound, within
from .check import Check
from .configuration import configure, effective
from .environment import examine_environment
from .keys import examine_key
from .process import examine_process
from .reach import Reach
from .secrets import KnownSecrets
from .stores import examine_store
from .subject import Subject
from .threads import InThread, guarded
from .versions import examine_versions


def examine_all(
    application: "Subject | ClientProvider | None" = None,
    *,
    offline: bool = False,
    worker_timeout: float | None = None,
) -> Iterator[Check]:
    """Examine an application's clients and what they need; yield what is found, in a stable order.

    Nothing is sent but a request for the list of models, which costs nothing. Everything has ended after
    `bounds.SECONDS` and `bounds.COLLECTING`, also where a resolver, a server or a store hangs. Raises nothing.

    Args:
        application: What to examine; by default the client that the environment configures.
        offline: Whether to connect to nothing.
        worker_timeout: Seconds after which the server kills a busy worker, 0 for never; by default they are looked for.
    """
    bound = Bound()
    if isinstance(application, ClientProvider):
        subject = Subject.of(application)
    else:
        subject = application or Subject.of_environment()
    secrets = KnownSecrets.of(subject)
    told: set[tuple[str, str]] = set()
    for check in _examined(subject, bound, offline=offline, worker_timeout=worker_timeout):
        cleaned = secrets.clean(check)
        if cleaned.status == "fault":
            if (cleaned.client, cleaned.message) in told:
                continue
            # what a client's options are blamed for is not told of the environment once more
            told.update({(cleaned.client, cleaned.message), ("", cleaned.message)})
        yield cleaned


def _examined(
    subject: Subject, bound: Bound, *, offline: bool, worker_timeout: float | None
) -> Iterator[Check]:
    for fault in subject.faults:
        hint = "Correct it, then ask again: the clients are known only once the application loads."
        yield Check("configuration", "application", "fault", fault, hint)
    yield from guarded("versions", "", examine_versions)
    configs: dict[str, ClientConfig] = {}
    for alias in subject.clients:
        config, checks = _configured(subject, alias, bound)
        if config is not None:
            configs[alias] = config
            checks = [*guarded("configuration", alias, partial(effective, subject, alias, config)), *checks]
        yield from checks
        yield from guarded("key", alias, partial(examine_key, subject, alias, config))
    yield from guarded("environment", "", examine_environment)
    if not offline:
        yield from _connected(subject, configs, bound)
    yield from guarded("process", "", partial(examine_process, configs, worker_timeout))


def _connected(subject: Subject, configs: Mapping[str, ClientConfig], bound: Bound) -> Iterator[Check]:
    """Yield what is found by connecting: each client and each store in a thread of its own."""
    running: list[InThread] = []
    stores: dict[Any, Mapping[str, Any]] = {}
    if bound.is_over:
        message = "No time is left: reading the options took all of it."
        yield Check("network", "doctor", "skipped", message)
        return
    for alias, config in configs.items():
        reach = Reach(subject, alias, config, bound)
        running += [InThread(area, label, work) for area, label, work in reach.examinations()]
        if config.controls:
            place = config.controls.get("store")
            stores.setdefault(place if isinstance(place, str | None) else id(place), config.controls)
    running += [
        InThread("store", "", partial(examine_store, controls, bound)) for controls in stores.values()
    ]
    for one in running:
        yield from one.found(bound)


def _configured(subject: Subject, alias: str, bound: Bound) -> tuple[ClientConfig | None, list[Check]]:
    """Return the options of a client, `None` where no client can be built of them, and what is found."""
    try:
        return within(bound.left(), lambda: configure(subject, alias))
    except TimeoutError:
        message = "Reading the options takes too long: a function that they name hangs."
    except Exception as error:  # noqa: BLE001 - diagnosed, as everything
        message = f"Reading the options failed ({type(error).__name__})."
    hint = "Look at what the options import and call: credentials, workload_identity, client_class."
    return None, [Check("configuration", "options", "fault", message, hint, client=alias)]
