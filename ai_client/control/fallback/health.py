"""The circuits of targets: which targets are asked, and what their circuits learn from the outcome."""

from collections.abc import Awaitable

from ..._call.call import Call, Reply, StreamEnd
from ..._call.retry import retry_after
from ..._io import IO
from ...errors import APIStatusError
from ..breaker import Breaker, Permission, circuit_of
from ..circuits import Circuits, OnOpen
from .failures import Choice


class TargetCircuits:
    """The circuits of a policy's targets.

    Attributes:
        circuits: The circuits, as calls use them.

    Args:
        breaker: Keeps the circuits.
        choice: The failures that lead to the next target, of which those of the target count.
        on_open: Called when a call opens a circuit that was closed.
    """

    __slots__ = ("_choice", "circuits")

    def __init__(self, breaker: Breaker, choice: Choice, on_open: OnOpen | None = None) -> None:
        self.circuits = Circuits(breaker, on_open)
        self._choice = choice

    def admit(self, io: IO, name: str, account: str | None) -> Awaitable[Permission]:
        """Return the permission to send a call to a target, whose outcome is reported with `failed` or `answered`.

        Raises:
            CircuitOpen: The circuit of the target is open, or a trial call is under way.
        """
        return self.circuits.admit(io, name if account is None else circuit_of(name, account))

    async def failed(self, io: IO, permission: Permission, error: BaseException) -> None:
        """Report a call that raised an error, which may say nothing of the target."""
        await self._report(io, permission, error, answered=isinstance(error, APIStatusError))

    async def answered(self, call: Call, permission: Permission, reply: Reply) -> None:
        """Report a call that was answered; a stream is reported at its end, until which others may try the target."""
        io = call.io
        self.circuits.answered(permission, io.now())
        if call.stream is None:
            await self.circuits.succeeded(io, permission)
            return
        await self.circuits.left(io, permission)

        async def at_end(end: StreamEnd) -> None:
            await self._report(io, permission, end.error, answered=end.complete)

        reply.on_end.append(at_end)

    async def _report(
        self, io: IO, permission: Permission, error: BaseException | None, *, answered: bool
    ) -> None:
        """Report an outcome: a failure of the target, an answer, or neither."""
        if error is not None and self._choice.is_of_the_target(error):
            response = error.response if isinstance(error, APIStatusError) else None
            after = None if response is None else retry_after(response.headers)
            await self.circuits.failed(io, permission, after)
        elif answered:
            await self.circuits.succeeded(io, permission)
        else:
            await self.circuits.left(io, permission)
