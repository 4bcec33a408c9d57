"""The detector of a provider, which tells the alerts of its clients of lines that build others."""

from collections.abc import Mapping, Sequence
from functools import partial

from ..detector import Detector, ExtraClients, Remedy
from .assembly import Assembly
from .clients import DEFAULT_ALIAS, Clients


def detector_of(
    aliases: Mapping[str, Clients], *, debug: bool = False, remedy: Remedy | None = None
) -> Detector:
    """Return the detector of a provider's clients; alerts that need it turn it on where nobody turned it off.

    Args:
        aliases: The clients.
        debug: Whether to detect where the option of the default client is not set.
        remedy: What warnings advise.
    """
    told = [one._assembly for one in aliases.values() if one.config.alerts_of_extra_clients]
    asked = aliases[DEFAULT_ALIAS].config.warn_on_extra_clients
    tell = partial(_tell, told) if told else None
    return Detector(asked, debug=debug or bool(told), remedy=remedy, tell=tell)


def _tell(assemblies: Sequence[Assembly], line: ExtraClients) -> None:
    for assembly in assemblies:
        assembly.alerts().extra_clients(line)
