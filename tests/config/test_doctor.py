"""The report on an application's clients."""

import pytest

from ai_client.adapter import Settings
from ai_client.doctor import Subject, as_json, examine_all, shown

KEY = "sk-verysecret"


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("api_key", KEY, "***"),
        ("api_key", lambda: KEY, "***"),
        ("webhook_secret", KEY, "***"),
        ("default_headers", {"X-One": KEY}, "{X-One: ***}"),
        ("default_query", {"token": KEY}, "{token: ***}"),
        ("apikey", KEY, "***"),
        ("base_url", f"https://user:{KEY}@ai.test:8443/v1?key={KEY}#x", "https://ai.test:8443/v1"),
        ("base_url", f"https://user:a/{KEY}@ai.test/v1?{KEY}@x", "https://x"),
        ("base_url", f"user:{KEY}@ai.test/v1", "ai.test/v1"),
        ("azure_endpoint", f"https://{KEY}@ai.test?{KEY}", "https://ai.test"),
        ("timeout", 3.0, "3.0"),
        ("timeout", None, "None"),
    ],
)
def test_shown(name: str, value: object, text: str) -> None:
    """Values are written without secrets: not those of keys, headers, queries and options that do not exist."""
    assert shown(name, value) == text


def test_where_an_option_is_from(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each option is told with its origin: given, an environment variable, or the default."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("AI_CLIENT_TIMEOUT", "7")
    settings = Settings.from_keys(
        {"AI_CLIENT_MAX_RETRIES": 1}, keywords={"default": {"project": "p"}}, place="flask"
    )
    found = examine_all(settings.subject, offline=True)
    told = {check.name: check.message for check in found if check.area == "configuration"}
    assert told["api_key"] == "***  (environment variable OPENAI_API_KEY)"
    assert told["timeout"] == "7.0  (environment variable AI_CLIENT_TIMEOUT)"
    assert told["max_retries"] == "1  (Flask key AI_CLIENT_MAX_RETRIES)"
    assert told["project"] == "'p'  (keyword project=)"
    assert told["trust"] == "'certifi'  (default)"


def test_a_faulty_client_does_not_hide_another() -> None:
    """Every client is reported; a faulty one by what is wrong with it, and it is not called."""
    clients = {"default": {"api_key": KEY, "timeot": 1}, "azure": {"api_key": KEY}}
    found = list(examine_all(Subject(clients, lambda alias, name: f"{alias}.{name}"), offline=True))
    faults = [(check.client, check.name, check.message) for check in found if check.status == "fault"]
    assert faults == [("default", "E002", "default.timeot is not an option of the client.")]
    assert {check.client for check in found} == {"default", "azure", ""}
    assert KEY not in as_json(found)


def test_each_fault_is_a_finding() -> None:
    """Each fault of an option is a finding of its own, which begins with the option as the user writes it."""
    settings = Settings.from_mapping({"timeout": "soon", "max_retries": -1, "base_url": "ftp://example.org"})
    messages = sorted(finding.message for finding in settings.examine() if finding.id == "E003")
    assert [message.split(": ")[0] for message in messages] == [
        "AI_CLIENT['base_url']",
        "AI_CLIENT['max_retries']",
        "AI_CLIENT['timeout']",
    ]
