"""The policies that count the calls of some clients, as statistics and workers need them."""

from ..control.observability.metrics import Metrics, metrics_in
from ..errors import ConfigError
from .configured import Aliases


def counting_in(aliases: Aliases, *, with_statistics: bool) -> list[tuple[str, Metrics]]:
    """Return the policies that count calls, each once, with the first alias that has it.

    Args:
        aliases: The clients.
        with_statistics: Whether only those are meant that feed statistics.

    Raises:
        ConfigError: There is none.
    """
    found: dict[int, tuple[str, Metrics]] = {}
    for alias, clients in aliases.items():
        for metrics in metrics_in(clients._policies()):
            if metrics.statistics is not None or not with_statistics:
                found.setdefault(id(metrics), (alias, metrics))
    if not found:
        where = f" of {next(iter(aliases))!r}" if len(aliases) == 1 else ""
        raise ConfigError(f"The controls{where} have no 'statistics': add it to 'controls' to have this.")
    return list(found.values())
