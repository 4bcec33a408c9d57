"""The client of one kind that a provider owns: of this package's class, or of the one that its options name."""

from collections.abc import Callable

from .._config.values import class_of
from .assembly import Assembly
from .built import Kind
from .gate import DrainGate
from .managed import Managed, manage, under_gate


def build(assembly: Assembly, kind: Kind, gate: DrainGate, keep_open: Callable[[], None]) -> Managed:
    """Build a client of a process.

    Args:
        assembly: Its options and policies.
        kind: Whether it is the sync or the async one.
        gate: What its calls go through.
        keep_open: What it calls where something else than the provider closes it.

    Raises:
        ConfigError: The configured class cannot be found, or does not take an option that was given.
    """
    sync = kind == "sync"
    given = assembly.config.client_class if sync else assembly.config.async_client_class
    if given is None:
        return manage(under_gate(assembly.client(sync=sync), gate, keep_open))
    from .client_classes import build_of_class  # noqa: PLC0415 - most applications name no class

    return build_of_class(class_of(given), assembly, gate, keep_open, sync=sync)
