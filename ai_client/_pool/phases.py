"""How long the steps of one exchange took, taken down where somebody wants to know."""

import time


class Phases:
    """The steps of one attempt in seconds; `None` for a step that was not reached, or whose time is not known.

    Args:
        began: When the attempt began, in seconds of `time.monotonic`.

    Attributes:
        began: As given.
        queue: How long it waited for a connection that it may use.
        connect: How long it took to open one; 0 where one was kept.
        send: How long it took to send the request.
        first_byte: How long it took from there to the head of the answer.
    """

    __slots__ = ("_mark", "began", "connect", "first_byte", "queue", "send")

    def __init__(self, began: float) -> None:
        self.began = self._mark = began
        self.queue: float | None = None
        self.connect: float | None = None
        self.send: float | None = None
        self.first_byte: float | None = None

    def restart(self) -> None:
        """Begin with the first step: one exchange may follow another, as after a redirect."""
        self._mark = time.monotonic()

    def admitted(self) -> None:
        """Note that it may use a connection, where it had to wait or is to open one."""
        self.queue = (self.queue or 0.0) + self._lap()

    def connected(self) -> None:
        """Note that a connection was opened, or could not be."""
        self.connect = (self.connect or 0.0) + self._lap()

    def sent(self) -> None:
        """Note that the request was sent, or that it was answered before that."""
        self.queue, self.connect = self.queue or 0.0, self.connect or 0.0
        self.send = (self.send or 0.0) + self._lap()

    def answered(self) -> None:
        """Note that the head of the answer has arrived."""
        self.first_byte = (self.first_byte or 0.0) + self._lap()

    def _lap(self) -> float:
        before, self._mark = self._mark, time.monotonic()
        return self._mark - before
