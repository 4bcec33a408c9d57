"""Alerts as mail to the admins of a Django project, and the checks of its setting."""

from typing import Any

import pytest
from django.core import mail
from django.core.checks import CheckMessage, run_checks

from ai_client import labels
from ai_client.testing import Upstream
from ai_client_django._handle import SettingsHandle
from tests.support import django_databases
from tests.support.alerting import alerting, ask, soft

django_databases.load_site()
RULE = {"on": "budget", "to": "mail_admins"}
ADMINS = [("Ada", "ada@example.com")]


def checked(alerts: Any) -> list[CheckMessage]:
    """Return what the checks say of a setting with these alerts."""
    setting = {"api_key": "k", "controls": {"budgets": soft(50), "alerts": alerts}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ai_client_django.checks.handle", lambda: SettingsHandle(setting))
        return [one for one in run_checks() if str(one.id).startswith("ai_client_django.")]


def test_the_admins_get_a_mail(
    upstream: Upstream, settings: Any, mailoutbox: list[mail.EmailMessage]
) -> None:
    """An alert is a mail to `ADMINS` by Django, whose subject is the title, without line breaks."""
    settings.ADMINS = ADMINS
    settings.EMAIL_SUBJECT_PREFIX = "[Shop] "
    provider = alerting(upstream, [RULE], budgets=soft(50, scope="tenant"))
    with labels(tenant="a\r\nBcc: eve@example.com"):
        ask(provider, 2)
    provider.close()
    (sent,) = mailoutbox
    assert sent.to == ["ada@example.com"]
    assert sent.subject == ("[Shop] Budget at 100 %: 50 of 50 tokens per day, tenant=a  Bcc: eve@example.com")
    assert "provider.usage.report(...)" in str(sent.body)


def test_mail_that_fails_fails_no_call(
    upstream: Upstream, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """A mail server that is not there is logged."""
    settings.ADMINS = ADMINS
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    provider = alerting(upstream, [RULE], budgets=soft(50))
    ask(provider, 2)
    provider.close()
    assert "An alert was not delivered to the admins." in caplog.text


def test_checks_say_what_is_wrong(settings: Any) -> None:
    """The system checks find invalid rules, and alerts for admins where there are none."""
    settings.ADMINS = []
    (warning,) = checked([RULE])
    assert warning.id == "ai_client_django.W006"
    assert "ADMINS" in str(warning.hint)
    settings.ADMINS = ADMINS
    assert checked([RULE]) == []
    (error,) = checked([{"on": "budget", "to": "mail_admin"}])
    assert error.id == "ai_client_django.E003"
    assert "Did you mean 'mail_admins'?" in error.msg
    for faulty in ("mail_admins", [5], {"to": "mail_admins"}):
        assert [one.id for one in checked(faulty)] == ["ai_client_django.E003"]
