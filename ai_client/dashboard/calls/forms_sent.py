"""The forms that this process has taken, each of which sends one call at most."""

import threading
from collections import OrderedDict

from ..._fork import PerProcess

_MOST = 1000


class SentForms:
    """The forms that were taken, by the random number that each has, with what came of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._notes: OrderedDict[str, str] = OrderedDict()

    def take(self, number: str) -> bool:
        """Return whether a form is taken for the first time."""
        with self._lock:
            if number in self._notes:
                return False
            self._notes[number] = "It was sent, and has not ended yet."
            while len(self._notes) > _MOST:
                self._notes.popitem(last=False)
            return True

    def note(self, number: str, text: str) -> None:
        """Keep what came of a form."""
        with self._lock:
            self._notes[number] = text

    def said(self, number: str) -> str | None:
        """Return what came of a form; `None` where this process does not know it."""
        with self._lock:
            return self._notes.get(number)


sent_forms: PerProcess[SentForms] = PerProcess(SentForms)
"""Those of this process."""
