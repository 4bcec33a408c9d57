"""An application's settings of its clients, in both notations."""

import logging
import re
from typing import Any

import pytest

from ai_client import ConfigError
from ai_client.adapter import Settings
from ai_client.control import Budget, Prices

KEY = "sk-verysecret"


def test_keys_of_one_client() -> None:
    """Keys with the prefix are options of the default client, and all others are ignored."""
    settings = Settings.from_keys(
        {"AI_CLIENT_API_KEY": KEY, "AI_CLIENT_TIMEOUT": 7, "TIMEOUT": 8, "DEBUG": True}
    )
    assert settings.clients == {"default": {"api_key": KEY, "timeout": 7}}
    assert settings.make_provider().config.timeout == 7


def test_keys_of_several_clients() -> None:
    """Further clients stand in a key of their own, by alias."""
    settings = Settings.from_keys({"LLM_API_KEY": KEY, "LLM_CLIENTS": {"eu": {"timeout": 3}}}, prefix="LLM_")
    assert settings.clients == {"default": {"api_key": KEY}, "eu": {"timeout": 3}}
    assert list(settings.make_provider(warn=False)) == ["default", "eu"]


def test_mapping_of_one_client() -> None:
    """A mapping without aliases holds the options of the default client."""
    settings = Settings.from_mapping({"timeout": 7, "default_headers": {"x-a": "b"}})
    assert settings.clients == {"default": {"timeout": 7, "default_headers": {"x-a": "b"}}}


def test_mapping_of_several_clients() -> None:
    """A mapping with a default maps aliases to options."""
    settings = Settings.from_mapping({"default": {"timeout": 7}, "eu": {}})
    assert settings.clients == {"default": {"timeout": 7}, "eu": {}}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (None, "LLM must be a dict of options, not of type NoneType."),
        ([("timeout", 3)], "LLM must be a dict of options, not of type list."),
        (
            {"azure": {"timeout": 3}},
            "LLM defines several clients, such as 'azure'; one of them must be 'default'.",
        ),
        ({5: {"timeout": 3}}, "LLM defines several clients, such as 5; one of them must be 'default'."),
        ({"default": {}, "timeout": 3}, r"LLM\['timeout'\] is next to 'default'"),
        ({"default": {}, "timeout": {}}, r"LLM\['timeout'\] is next to 'default'"),
        ({"default": 3}, r"LLM\['default'\] must be a dict of options, not of type int."),
        ({"default": None, "eu": {}}, r"LLM\['default'\] must be a dict of options, not of type NoneType."),
        ({"timeoutt": 3}, r"LLM\['timeoutt'\]: unknown option. Did you mean LLM\['timeout'\]?"),
        ({"default": {}, "eu": {"timeoutt": 3}}, r"LLM\['eu'\]\['timeoutt'\]: unknown option."),
        ({5: 3}, r"LLM\['5'\]: Keys should be strings"),
    ],
)
def test_faults_of_a_mapping(given: Any, message: str) -> None:
    """A mapping that cannot be understood fails, with the setting's name and the place in it."""
    with pytest.raises(ConfigError, match=message):
        Settings.from_mapping(given, name="LLM").make_configs()


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"AI_CLIENT_CLIENTS": ["azure"]}, "AI_CLIENT_CLIENTS must map aliases to options"),
        ({"AI_CLIENT_CLIENTS": {"azure": 3}}, r"AI_CLIENT_CLIENTS\['azure'\] must be a mapping of options."),
        (
            {"AI_CLIENT_CLIENTS": {"default": {}}},
            r"AI_CLIENT_CLIENTS is for further clients; .* AI_CLIENT_\*",
        ),
        ({"AI_CLIENT_TIMEOUTT": 3}, "AI_CLIENT_TIMEOUTT: unknown option. Did you mean AI_CLIENT_TIMEOUT?"),
        ({"AI_CLIENT_CLIENTS": {"eu": {"timeoutt": 3}}}, r"AI_CLIENT_CLIENTS\['eu'\]\['timeoutt'\]: unknown"),
        ({5: 3, "AI_CLIENT_TIMEOUT": "soon"}, "AI_CLIENT_TIMEOUT"),
    ],
)
def test_faults_of_keys(config: Any, message: str) -> None:
    """Keys that cannot be understood fail, by their names."""
    with pytest.raises(ConfigError, match=message):
        Settings.from_keys(config).make_configs()


def test_no_secret_is_shown() -> None:
    """A representation of settings shows no option."""
    assert KEY not in repr(Settings.from_mapping({"api_key": KEY}))
    assert KEY not in repr(Settings.from_keys({"AI_CLIENT_API_KEY": KEY}))


def test_findings_have_the_names_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Findings and the report name each option as it is written, for each client."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    settings = Settings.from_mapping({"default": {"timeoutt": 3}, "eu": {"base_url": "http://eu.test/v1"}})
    texts = [f"{finding.id} {finding.message} {finding.hint}" for finding in settings.examine()]
    assert any("E002 AI_CLIENT['timeoutt']" in text for text in texts)
    assert any("AI_CLIENT['eu']['base_url']" in text for text in texts)
    lines = list(settings.diagnose(offline=True))
    assert [line for line, fault in lines if fault and "AI_CLIENT['timeoutt']" in line]
    assert [line for line, _ in lines if "eu: " in line and "(setting AI_CLIENT['eu']['base_url'])" in line]


def test_risks_are_logged_at_the_start(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A provider is made with a warning for each risk, unless the framework reports them itself."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    settings = Settings.from_keys({})
    with caplog.at_level(logging.WARNING, "ai_client"):
        settings.make_provider(warn=False)
        assert not caplog.records
        settings.make_provider()
    assert "Set AI_CLIENT_API_KEY" in caplog.text


@pytest.mark.parametrize(
    ("controls", "advice"),
    [
        ({}, r'pip install "ai-client\[prices\]"'),
        ({"price_options": {"library": False}}, r"'price_options'"),
    ],
    ids=["not installed", "switched off"],
)
def test_a_budget_without_prices(
    monkeypatch: pytest.MonkeyPatch, controls: dict[str, Any], advice: str
) -> None:
    """The advice for a budget without prices is what mends it, and names the place as it was written."""
    monkeypatch.setattr("ai_client.checks.find_spec", lambda name: None if name == "genai_prices" else name)
    controls = {"budgets": [{"usd": 5}], **controls}
    for settings, place in (
        (Settings.from_keys({}, keywords={"default": {"api_key": KEY, "controls": controls}}), "controls="),
        (Settings.from_mapping({"api_key": KEY, "controls": controls}), "AI_CLIENT['controls']"),
    ):
        found = next(finding for finding in settings.examine() if finding.id == "W004")
        assert re.search(advice, found.hint)
        assert f"'prices' inside {place}" in found.hint


@pytest.mark.parametrize(
    "controls",
    [
        {"budgets": [Budget(usd=5)]},
        {"budgets": [Budget(usd=5)], "price_options": Prices()},
        {"budgets": [{"usd": 5}], "price_options": True},
    ],
    ids=["a budget", "prices", "no mapping"],
)
def test_policies_as_objects_are_examined(controls: dict[str, Any]) -> None:
    """A budget without prices is found where its control is an object, and what is no mapping fails no check."""
    settings = Settings.from_mapping({"api_key": KEY, "base_url": "http://127.0.0.1:1", "controls": controls})
    assert "W004" in {finding.id for finding in settings.examine()}
