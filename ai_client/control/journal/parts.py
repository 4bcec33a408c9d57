"""The two parts of the journal: around all other policies, and around each target."""

from collections.abc import Awaitable

from ..._call.call import Call, Reply
from ..._call.pipeline import Next
from ...stores import Store
from .policy import Journal


class CallJournal:
    """The part of `Journal` that stands outside of a cache and a fallback: how calls ended.

    Args:
        journal: The policy.
    """

    def __init__(self, journal: Journal) -> None:
        self.journal = journal

    @property
    def store(self) -> Store:
        """Where the journal is kept, which is closed with the clients."""
        return self.journal.log_store

    def __call__(self, call: Call, proceed: Next) -> Awaitable[Reply]:
        """Send a call and take down how it ended."""
        return self.journal.whole(call, proceed)


class TargetJournal:
    """The part of `Journal` that stands inside of a cache and a fallback: each time that a target is asked.

    Args:
        journal: The policy.
    """

    def __init__(self, journal: Journal) -> None:
        self.journal = journal

    def __call__(self, call: Call, proceed: Next) -> Awaitable[Reply]:
        """Send a call to one target and take down its attempts."""
        return self.journal.at_target(call, proceed)
