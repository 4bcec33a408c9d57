"""System checks of `settings.AI_CLIENT`.

ai_client.E001  The setting is not a dict of options, or mixes aliases and options.
ai_client.E002  An option is unknown.
ai_client.E003  The value of an option is invalid.
ai_client.W001  No API key is configured.
ai_client.W002  The API key and the prompts are sent to another host unencrypted. (deploy)
ai_client.W003  A call may outlast gunicorn's worker timeout. (deploy)
"""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, Tags, Warning as CheckWarning, register

from ai_client.adapter import Finding
from ai_client.errors import ConfigError

from ._current import handle

TAG = "ai_client"


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
        return [Error(str(error), hint=hint, id=f"{TAG}.E001")]
    return [_message(finding) for finding in settings.examine() if not finding.deploy]


def check_deployment(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Check the options for risks that matter in production only."""
    del app_configs
    try:
        settings = handle().settings
    except ConfigError:
        return []  # check_options reports it
    return [_message(finding) for finding in settings.examine() if finding.deploy]


def _message(finding: Finding) -> CheckMessage:
    kind = Error if finding.id.startswith("E") else CheckWarning
    return kind(finding.message, hint=finding.hint, id=f"{TAG}.{finding.id}")
