"""The circuits of targets, as operators see them."""

from ..control.fallback.policy import Fallback


def all_open(fallback: Fallback, now: float) -> bool:
    """Return whether no target of any model may be asked now.

    A circuit whose time is over counts as closed, as the next call tries it. The models are those of `models`; where
    none is configured, those that were asked.
    """
    breaker = fallback.breaker
    if breaker is None:
        return False
    chains = fallback._chains.configured or [(name,) for name in breaker.targets()]
    return bool(chains) and all(breaker.state(name, now) == "open" for chain in chains for name in chain)
