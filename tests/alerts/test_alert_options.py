"""The option `alerts`: what is refused, and how."""

from pathlib import Path
from typing import Any

import pytest

from ai_client import ClientProvider
from ai_client.control.assembly import make_layers
from ai_client.errors import ConfigError
from tests.support.alert_receiver import SECRET

BUDGETS = {"budgets": [{"usd": 1, "hard": False}]}
URL = "https://alerts.test/hook/a-secret-in-the-path"
heard: list[Any] = []


def hear(alert: object) -> None:
    """Take down an alert."""
    heard.append(alert)


def hear_nothing() -> None:
    """Take no argument."""


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"on": "budgets", "to": "logging"}, r"alerts\[0\]\.on: .*Did you mean 'budget'\?"),
        ({"on": "budget"}, r"alerts\[0\]\.to: this option is required"),
        ({"on": "budget", "to": "loging"}, r"alerts\[0\]\.to: expected .*Did you mean 'logging'\?"),
        (
            {"on": "budget", "to": "no.such.thing"},
            r"alerts\[0\]\.to: cannot import the dotted path 'no\.such\.thing'",
        ),
        (
            {"on": "budget", "to": f"{__name__}.hear_nothing"},
            "hear_nothing must take one argument, the alert",
        ),
        ({"on": "budget", "to": 5}, r"alerts\[0\]\.to"),
        ({"on": "budget", "to": URL}, "needs exactly one of 'secret' and 'secret_file'"),
        ({"on": "budget", "to": URL, "secret": SECRET, "secret_file": "/x/y"}, "needs exactly one of"),
        ({"on": "budget", "to": URL, "secret": "***"}, "secret is masked"),
        ({"on": "budget", "to": URL, "secret": "whsec_a%b%c"}, "is not base64"),
        (
            {"on": "budget", "to": URL, "secret_file": "/no/such/file"},
            r"the file '/no/such/file' cannot be read \(No",
        ),
        ({"on": "budget", "to": URL.replace("https", "http"), "secret": SECRET}, "sent unencrypted"),
        ({"on": "budget", "to": "ftp://x.test", "secret": SECRET}, "must begin with https://"),
        ({"on": "budget", "to": "https://[", "secret": SECRET}, "malformed"),
        ({"on": "budget", "to": "logging", "secret": SECRET}, "are for an address"),
        (
            {"on": "budget", "to": "logging", "share": 0.5},
            "share is an option of rules on 'errors', not of one on",
        ),
        ({"on": "budget", "to": "logging", "at": []}, "at least one percentage"),
        ({"on": "budget", "to": "logging", "at": 0}, "at must be more than 0"),
        ({"on": "errors", "to": "logging", "at": 80}, "at is an option of rules on 'budget'"),
        ({"on": "errors", "to": "logging", "share": 20}, "share must be at most 1"),
        ({"on": "errors", "to": "logging", "minutes": 0}, "minutes must be more than 0"),
        ({"on": "errors", "to": "logging", "minutes": 10_000}, "minutes must be at most 1440"),
        ({"on": "breaker", "to": "logging"}, r"alerts\[0\]\.on: there is no breaker: add 'models'"),
        ({"on": "errors", "too": "logging"}, r"alerts\[0\]\.too: unknown option\. Did you mean 'to'\?"),
        ("logging", r"alerts\[0\]: expected a mapping of options, not str"),
    ],
)
def test_invalid_rules_are_refused(rule: Any, message: str) -> None:
    """A rule that cannot work is refused by a message that names it and shows no secret."""
    with pytest.raises(ConfigError, match=message) as raised:
        make_layers({"alerts": [rule], **BUDGETS})
    assert SECRET.removeprefix("whsec_") not in str(raised.value)
    assert "a-secret-in-the-path" not in str(raised.value)


@pytest.mark.parametrize(
    ("controls", "message"),
    [
        (
            {"alerts": [{"on": "budget", "to": "logging"}]},
            r"alerts\[0\]\.on: there are no 'budgets' to alert of",
        ),
        ({"alerts": {"on": "errors"}}, "alerts: expected a list, not dict"),
        (
            {"alerts": [{"on": "breaker", "to": "logging"}], "breaker": False, "models": {"a": "b"}},
            r"alerts\[0\]\.on: the breaker is turned off",
        ),
    ],
)
def test_rules_need_what_they_watch(controls: Any, message: str) -> None:
    """A rule about what is not configured is refused."""
    with pytest.raises(ConfigError, match=message):
        make_layers(controls)


def test_the_detector_is_not_turned_off_for_a_rule_about_it() -> None:
    """A rule about the detector's findings contradicts `warn_on_extra_clients=False`."""
    rule = {"on": "extra_clients", "to": "logging"}
    with pytest.raises(ConfigError, match="turned off by warn_on_extra_clients"):
        ClientProvider(api_key="any", warn_on_extra_clients=False, controls={"alerts": [rule]})


def test_valid_rules(tmp_path: Path) -> None:
    """Each receiver and each kind is accepted, as an object and as a dotted path."""
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    rules = [
        {"on": "budget", "to": "logging", "at": [50, 80.5, 120]},
        {"on": "breaker", "to": "mail_admins", "minutes": 10},
        {
            "on": "errors",
            "to": URL,
            "secret_file": tmp_path / "secret",
            "share": 0.1,
            "minimum": 5,
            "minutes": 1,
        },
        {"on": "errors", "to": "http://localhost:1/x", "secret": "a secret that is no base64"},
        {"on": "extra_clients", "to": f"{__name__}.hear"},
        {"on": "extra_clients", "to": hear},
    ]
    layers = make_layers({"alerts": rules, "breaker": True, **BUDGETS})
    assert [type(one).__name__ for one in layers] == [
        "Alerts",
        "ErrorShare",
        "ErrorShare",
        "Fallback",
        "Budgets",
    ]
    assert SECRET not in repr(layers)
    assert make_layers({"alerts": []}) != ()
