"""The forms that this process has taken, each of which sends one call at most."""

import threading
from collections import OrderedDict
from typing import NamedTuple

from ..._fork import PerProcess

_MOST = 1000


class SentForm(NamedTuple):
    """A form that was taken.

    Attributes:
        text: What came of it, as a sentence.
        id: The id of the call that it sent, `None` where that is not known.
    """

    text: str
    id: str | None = None


class SentForms:
    """The forms that were taken, by the random number that each has."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._forms: OrderedDict[str, SentForm] = OrderedDict()

    def take(self, number: str) -> bool:
        """Return whether a form is taken for the first time."""
        with self._lock:
            if number in self._forms:
                return False
            self._forms[number] = SentForm("It was sent, and has not ended yet.")
            while len(self._forms) > _MOST:
                self._forms.popitem(last=False)
            return True

    def note(self, number: str, form: SentForm) -> None:
        """Keep what came of a form."""
        with self._lock:
            self._forms[number] = form

    def get(self, number: str) -> SentForm | None:
        """Return what came of a form; `None` where this process does not know it."""
        with self._lock:
            return self._forms.get(number)


sent_forms: PerProcess[SentForms] = PerProcess(SentForms)
"""Those of this process."""
