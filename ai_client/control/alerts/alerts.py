"""The alerts of a client: takes what policies and the detector find, and hands it to the rules that are about it."""

import time
from collections.abc import Awaitable, Sequence
from functools import partial
from typing import Any

from ..._call.call import Call, Reply
from ..._call.pipeline import Next, Policy
from ..._call.record import Record
from ...detector import ExtraClients
from ...stores import Ledger, Store
from ..accounting.budget import Budget
from ..accounting.parts import Place
from ..scope import values_in
from ..windows import window
from . import texts
from .alert import AlertKind
from .claims import AlertClaims, digest
from .errors import ErrorShare, Failures
from .outbox import AlertOutbox
from .receivers import receiver_of
from .rule import AlertRule
from .webhook import Network

_DAY = 86_400.0
_FLUSH = 5.0
"""Seconds that the end of an application waits for alerts under way."""


class WatchedRule:
    """A rule and the outbox of its alerts.

    Attributes:
        rule: The rule.
        name: What tells it apart from the others of all clients that share a store.
        outbox: Where its alerts go.
    """

    def __init__(self, rule: AlertRule, name: str, outbox: AlertOutbox) -> None:
        self.rule = rule
        self.name = name
        self.outbox = outbox


class Alerts:
    """The alerts of one client: no policy itself, but kept among them.

    Args:
        rules: What to alert of.
        store: Where processes agree on who alerts.
        client: The alias of the client.
        network: Options of the pool that webhooks are sent by.

    Attributes:
        least: The smallest share of a budget that a rule is about.

    Raises:
        ConfigError: A rule names no receiver.
    """

    def __init__(self, rules: Sequence[AlertRule], store: Store, client: str, network: Network) -> None:
        self._client = client
        self._rules: list[WatchedRule] = []
        names: dict[str, int] = {}
        for rule in rules:
            receiver = receiver_of(rule, network)
            told = f"{rule.on}|{rule.shares}|{rule.failing}|{rule.least}|{rule.minutes}|{receiver.name}|{rule.to}"
            number = names[told] = names.get(told, 0) + 1
            name = digest(f"{told}|{number}")
            self._rules.append(WatchedRule(rule, name, AlertOutbox(receiver, AlertClaims(store, name))))
        self._errors = [self._error_share(one, store) for one in self._of("errors")]
        self._marks = [(share, one.outbox) for one in self._of("budget") for share in one.rule.shares]
        self.least = min((share for share, _ in self._marks), default=1.0)

    def __call__(self, call: Call, proceed: Next) -> Awaitable[Reply]:
        """Send a call, as there is nothing to do about it here."""
        return proceed(call)

    def _joined(self, outer: Sequence[Policy]) -> list[Policy]:
        """Return the policies next outside, without this one, which stands among them to be found."""
        return [*outer]

    @property
    def policies(self) -> list[ErrorShare]:
        """The policies that count how calls end."""
        return self._errors

    def watches(self, kind: AlertKind) -> bool:
        """Return whether a rule is of this kind."""
        return bool(self._of(kind))

    def _of(self, kind: AlertKind) -> list[WatchedRule]:
        return [one for one in self._rules if one.rule.on == kind]

    def balance(self, budget: Any, record: Record, place: Place, ledger: Ledger) -> None:
        """Take the balance of a budget after a call, and alert of each share that it has reached."""
        whole = budget.limit + ledger.granted
        for share, outbox in self._marks:
            if ledger.used < share * whole:
                continue
            key = f"{place.key}|{share}|{ledger.granted}|{ledger.resets}"
            if outbox.is_known(key):
                continue
            at = window(budget.per, budget.timezone, time.time())
            reached = texts.ReachedShare(
                budget,
                self._labels_of(budget, record),
                share,
                budget.shown(ledger.used),
                budget.shown(whole),
                key,
                at.start,
                at.end,
            )
            outbox.offer(key, place.until, partial(texts.of_budget, reached))

    def _labels_of(self, budget: Budget, record: Record) -> dict[str, str]:
        values = zip(budget.scopes, values_in(budget.scopes, record), strict=True)
        found = {"client": self._client}
        if budget.name:
            found["budget"] = texts.clean(budget.name)
        found.update((name, texts.clean(value or "")) for name, value in values if name != "all")
        return found

    def opened(self, target: str, opened: float, until: float, cool_down: float) -> None:
        """Take that the circuit of a target opened.

        Args:
            target: The name of the circuit.
            opened: When it opened, in seconds since 1970.
            until: Until when no call is sent.
            cool_down: The cooldown of the breaker in seconds.
        """
        labels = {"client": self._client}
        for one in self._of("breaker"):
            quiet = cool_down if one.rule.minutes is None else one.rule.seconds
            make = partial(texts.of_breaker, target, labels, opened, until, quiet)
            one.outbox.offer(f"{self._client}|{target}", max(until, opened + quiet), make)

    def extra_clients(self, line: ExtraClients) -> None:
        """Take a line of code that builds clients while requests are served."""
        for one in self._of("extra_clients"):
            key = f"{line.file}|{line.line}|{line.client}"
            one.outbox.offer(key, time.time() + _DAY, partial(texts.of_extra_clients, line))

    def _error_share(self, one: WatchedRule, store: Store) -> ErrorShare:
        rule, name = one.rule, digest(f"{one.name}|{self._client}")
        labels = {"client": self._client}

        def tell(found: Failures) -> None:
            if found.calls >= rule.least and found.failed >= rule.failing * found.calls:
                make = partial(texts.of_errors, found, labels, rule.failing, rule.seconds)
                one.outbox.offer(self._client, time.time() + rule.seconds, make)

        return ErrorShare(store, name, rule.seconds, tell, lambda: one.outbox.is_known(self._client))

    def close(self) -> None:
        """Deliver what is under way, within some seconds, and end the threads; a later alert starts them again."""
        for share in self._errors:
            share.look()
        deadline = time.monotonic() + _FLUSH
        for one in self._rules:
            one.outbox.end()
        for one in self._rules:
            one.outbox.join(deadline)
