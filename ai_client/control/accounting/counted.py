"""What policies have in common that count calls in a store."""

from collections.abc import Awaitable, Sequence
from typing import ClassVar

from ..._call.call import Call, Reply
from ..._call.pipeline import Layer, Next
from .accounting import Accounting
from .parts import Part


class Counted:
    """A policy that counts calls in a store: alone, or as one with those next to it that count in the same."""

    part: ClassVar[Part]

    def __call__(self, call: Call, proceed: Next) -> Awaitable[Reply]:
        """Send a call and count it; see `Accounting`."""
        return Accounting({self.part: self})(call, proceed)

    def joined(self, outer: Sequence[Layer]) -> list[Layer]:
        """Give what acts for this policy and for that next further out, if there is one, in one step or two."""
        for layer in outer:
            if isinstance(layer, Accounting) and layer.may_include(self):
                return [Accounting({**layer.parts, self.part: self})]
        return [*outer, Accounting({self.part: self})]
