"""State that is in the memory of other processes, where a command cannot see it."""

from typing import TYPE_CHECKING, Any, Literal

from .command import CommandError

if TYPE_CHECKING:
    from ..provider import ClientProvider


def check_shared(
    provider: "ClientProvider", control: Literal["cost", "budgets", "cache"], alias: str | None = None
) -> None:
    """Make sure that what a control keeps can be seen from this process.

    Raises:
        CommandError: All of it is in the memory of processes that serve, of which this one, without a client, is none.
        ConfigError: The control is not configured, or there is no such alias.
    """
    from ..control import Budgets, Cache, Cost  # noqa: PLC0415 - not needed for `--help`
    from ..operations.configured import policies_of  # noqa: PLC0415
    from ..stores.memory import MemoryBackend  # noqa: PLC0415

    kinds: dict[str, type[Any]] = {"cost": Cost, "budgets": Budgets, "cache": Cache}
    names = list(provider) if alias is None else [alias]
    policies = policies_of({name: provider[name] for name in names}, kinds[control], control)
    stores = [policy.store for _, policy in policies if policy.store is not None]
    if (
        stores
        and not provider.process.built
        and all(isinstance(one.backend, MemoryBackend) for one in stores)
    ):
        raise CommandError(unseen(control))


def unseen(control: str) -> str:
    """Return the message for a control whose state no other process can see."""
    return (
        f"{control}: its state is in the memory of each process that serves, where this command cannot see it. Set a"
        " shared store in the controls, such as sqlite:///ai.db or redis://."
    )
