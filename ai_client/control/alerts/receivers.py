"""Receivers of alerts: a function, a webhook, Django's mail to the admins, or the log."""

import inspect
import logging
from collections.abc import Callable
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple

from ..._call.own_policy import name_of
from ..._io.reading import complete
from ..._params.dotted import is_dotted_path
from ..._params.nearest import nearest
from ...errors import ConfigError
from ..options.checking import resolved
from .alert import Alert
from .rule import AlertRule
from .webhook import AlertWebhook, Network

logger = logging.getLogger("ai_client.alerts")
LOGGING, MAIL = "logging", "mail_admins"
_PATIENCE = 15.0
"""Seconds that a coroutine function has."""


class Receiver(NamedTuple):
    """Where alerts go: a name for logs, and a function that blocks until one is delivered."""

    name: str
    send: Callable[[Alert], object]


def receiver_of(rule: AlertRule, network: Network) -> Receiver:
    """Return the receiver that a rule names.

    Raises:
        ConfigError: There is no such receiver, or it lacks what it needs.
    """
    to = rule.to
    if isinstance(to, str) and "://" in to:
        webhook = AlertWebhook(to, rule.secret, rule.secret_file, network)
        return Receiver(webhook.name, webhook)
    if rule.secret is not None or rule.secret_file is not None:
        raise ConfigError("secret and secret_file are for an address, to sign requests with.")
    if to == LOGGING:
        return Receiver("the log", _log)
    if to == MAIL:
        if find_spec("django") is None:
            raise ConfigError("to: 'mail_admins' sends mail by Django, which is not installed.")
        return Receiver("the admins", _mail)
    if isinstance(to, str):
        if not is_dotted_path(to):
            near = nearest(to, (LOGGING, MAIL))
            hint = f" Did you mean {near!r}?" if near else ""
            raise ConfigError(
                "to: expected 'logging', 'mail_admins', an https address, a function, or its dotted path."
                f"{hint}"
            )
        to = resolved(to, "to")
    return Receiver(f"the function {name_of(to)}", partial(_call, _function(to)))


def _function(given: object) -> Callable[[Alert], Any]:
    if not callable(given):
        raise ConfigError(f"to: {name_of(given)} is no function.")
    to: Callable[[Any], Any] = given
    try:
        inspect.signature(to).bind(None)
    except TypeError:
        raise ConfigError(f"to: {name_of(to)} must take one argument, the alert.") from None
    except ValueError:  # a C function without a signature
        pass
    return to


def _call(function: Callable[[Alert], Any], alert: Alert) -> None:
    complete(function, _PATIENCE, alert)


def _log(alert: Alert) -> None:
    fields = {"ai_alert": alert.kind, **{f"ai_{name}": value for name, value in alert.labels.items()}}
    logger.warning("%s", alert.message, extra=fields)


def _mail(alert: Alert) -> None:
    mail: Any = import_module("django.core.mail")
    mail.mail_admins(alert.title, alert.message)
