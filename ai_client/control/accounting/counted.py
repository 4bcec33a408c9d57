"""The base of policies that count calls in a store."""

from collections.abc import Awaitable, Sequence
from typing import ClassVar

from ..._call.call import Call, Reply
from ..._call.pipeline import Next, Policy
from .accounting import Accounting
from .parts import Part


class Counted:
    """A policy that counts calls in a store, on its own or merged with adjacent policies that use the same store."""

    part: ClassVar[Part]

    def __call__(self, call: Call, proceed: Next) -> Awaitable[Reply]:
        """Send a call and count it; see `Accounting`."""
        return Accounting({self.part: self})(call, proceed)

    def _joined(self, outer: Sequence[Policy]) -> list[Policy]:
        """Return the policies that replace this one and the policy next outside, if there is one.

        Returns:
            One `Accounting` for both where they can be merged, else both.
        """
        for layer in outer:
            if isinstance(layer, Accounting) and layer.may_include(self):
                return [Accounting({**layer.parts, self.part: self})]
        return [*outer, Accounting({self.part: self})]
