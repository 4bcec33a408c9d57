"""System checks of `settings.AI_CLIENT`.

ai_client_django.E001  The setting is not a dict of options, or mixes aliases and options.
ai_client_django.E002  An option is unknown.
ai_client_django.E003  The value of an option is invalid.
ai_client_django.W001  No API key is configured. (not where a command only loads the project, such as migrate)
ai_client_django.W002  The API key and the prompts are sent to another host unencrypted. (deploy)
ai_client_django.W003  A call may outlast gunicorn's worker timeout. (deploy)
ai_client_django.W004  A hard budget in USD has no prices.
ai_client_django.W005  The certificates of servers are not checked. (deploy)
ai_client_django.W006  Alerts are mailed to the admins, of whom there are none.
"""

from collections.abc import Mapping, Sequence
from traceback import walk_stack
from typing import Any, cast

from django.apps import AppConfig
from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, Tags, Warning as CheckWarning, register
from django.core.management.base import BaseCommand

from ai_client.adapter import Finding
from ai_client.errors import ConfigError

from ._current import handle

APP = "ai_client_django"
TAG = "ai_client"
_NO_KEY = "W001"


def register_all() -> None:
    """Register the checks. Idempotent."""
    register(check_options, TAG)
    register(check_deployment, TAG, Tags.security, deploy=True)


def check_options(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Validate the options."""
    del app_configs
    try:
        settings = handle().settings
    except ConfigError as error:
        hint = 'Write {"timeout": 30, ...} for one client, {"default": {...}, "azure": {...}} for several.'
        return [Error(str(error), hint=hint, id=f"{APP}.E001")]
    findings = [finding for finding in settings.examine() if not finding.deploy]
    if not django_settings.ADMINS and any(map(_mails_alerts, settings.clients.values())):
        hint = "Set ADMINS, or tell somebody else: the 'to' of the rules in 'alerts'."
        findings.append(
            Finding("W006", "Alerts are mailed to the ADMINS of this project, which has none.", hint)
        )
    return [_message(finding) for finding in findings if finding.id != _NO_KEY or _asks_for_risks()]


def _mails_alerts(options: Mapping[str, Any]) -> bool:
    """Return whether a client, whose options may be faulty, has alerts for the admins."""
    controls = options.get("controls")
    rules: object = cast("Mapping[str, Any]", controls).get("alerts") if isinstance(controls, Mapping) else ()
    if not isinstance(rules, list | tuple):
        return False
    each = cast("Sequence[object]", rules)
    return any(
        isinstance(one, Mapping) and cast("Mapping[str, Any]", one).get("to") == "mail_admins" for one in each
    )


def check_deployment(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Check the options for risks that matter in production only."""
    del app_configs
    try:
        settings = handle().settings
    except ConfigError:
        return []  # check_options reports it
    return [_message(finding) for finding in settings.examine() if finding.deploy]


def _asks_for_risks() -> bool:
    """Return whether the checks run for their own sake or for a server; other commands, as `migrate`, make no calls."""
    for frame, _ in walk_stack(None):
        command = frame.f_locals.get("self")
        if isinstance(command, BaseCommand):
            name = type(command).__module__.rpartition(".")[2]
            return name == "check" or name.startswith("runserver")
    return True


def _message(finding: Finding) -> CheckMessage:
    kind = Error if finding.id.startswith("E") else CheckWarning
    return kind(finding.message, hint=finding.hint, id=f"{APP}.{finding.id}")
