"""The report on an application's clients."""

import pytest

from ai_client.adapter import Settings
from ai_client.doctor import describe, diagnose, shown

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
    lines = {line.split()[0]: line.split(maxsplit=1)[1] for line in describe({"max_retries": 1})}
    assert lines["api_key"] == "***  (OPENAI_API_KEY)"
    assert lines["timeout"] == "7.0  (AI_CLIENT_TIMEOUT)"
    assert lines["max_retries"] == "1  (given)"
    assert lines["trust"] == "'certifi'  (default)"


def test_a_faulty_client_does_not_hide_another() -> None:
    """Every client is reported; a faulty one by what is wrong with it, and it is not called."""

    def call(alias: str) -> None:
        assert alias == "azure"
        raise LookupError

    clients = {"default": {"timeot": 1}, "azure": {"api_key": KEY}}
    lines: list[tuple[str, bool]] = []
    with pytest.raises(LookupError):
        lines.extend(diagnose(clients, lambda alias, name: f"{alias}.{name}", call))  # type: ignore[arg-type]
    lines = list(diagnose(clients, lambda alias, name: f"{alias}.{name}"))
    faults = [line for line, fault in lines if fault]
    assert faults == ["  E002: default.timeot is not an option of the client. Did you mean default.timeout?"]
    assert ("azure:", False) in lines
    assert not any(KEY in line for line, _ in lines)


def test_each_fault_is_a_finding() -> None:
    """Each fault of an option is a finding of its own, which begins with the option as the user writes it."""
    settings = Settings.from_mapping({"timeout": "soon", "max_retries": -1, "base_url": "ftp://example.org"})
    messages = sorted(finding.message for finding in settings.examine() if finding.id == "E003")
    assert [message.split(": ")[0] for message in messages] == [
        "AI_CLIENT['base_url']",
        "AI_CLIENT['max_retries']",
        "AI_CLIENT['timeout']",
    ]
