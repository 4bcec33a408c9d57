"""The documentation of options: each has a description, a unit where it is an amount, and a place in one table."""

import re
from typing import Any

import pytest

from ai_client import ClientConfig
from ai_client.control.assembly import OPTIONS
from tools.docs.notation import is_number, unit
from tools.docs.policies import POLICIES, members
from tools.docs.settings import all_settings, keywords
from tools.readme import ROOT

PAGES = sorted((ROOT / "docs").rglob("*.md"))
WITHOUT_MEMBERS = {"store", "on_store_failure", "policies", "models", "dashboard"}
"""Options of `controls` that are no policy's."""
DOCUMENTED = [
    pytest.param(one.annotation, one.description, id=f"{option}.{one.name}")
    for option in POLICIES
    for one in members(option)
] + [pytest.param(one.annotation, one.description, id=one.name) for one in all_settings()]


def pages_with(table: str) -> list[str]:
    """Return the pages of the documentation that have a table."""
    return [page.name for page in PAGES if f"<!-- {table} -->\n" in page.read_text()]


@pytest.mark.parametrize(("annotation", "description"), DOCUMENTED)
def test_is_described(annotation: Any, description: str) -> None:
    """An option has a description of at least one sentence, which names the unit of an amount."""
    assert re.fullmatch(r"[A-Z`].+\.", description)
    if is_number(annotation):
        assert unit(annotation, description), "name the unit in the description, such as `Seconds for which`"


def test_options_of_controls_have_a_table() -> None:
    """The members of each option of `controls` have a table on exactly one page."""
    assert set(OPTIONS) == POLICIES.keys() | WITHOUT_MEMBERS
    assert {option: len(pages_with(f"policy {option}")) for option in POLICIES} == dict.fromkeys(POLICIES, 1)


def test_settings_have_a_table() -> None:
    """The page of the configuration has the settings, the options of `controls` and a client's keywords."""
    for table in ("settings", "controls", "keywords ai_client.OpenAI"):
        assert pages_with(table) == ["configuration.md"]
    assert {one.name for one in all_settings()} == ClientConfig.model_fields.keys()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Seconds for which a call waits.", "seconds"),
        ("Upper bound, in bytes.", "bytes"),
        ("USD per million characters spoken.", "USD per million characters"),
        ("The limit in USD.", "USD"),
        ("A number.", ""),
    ],
)
def test_unit(text: str, expected: str) -> None:
    """The unit of an amount is the first that its description names."""
    assert unit(float | None, text) == expected


def test_what_is_no_amount_has_no_unit() -> None:
    """A switch and a text have no unit, whatever their description says."""
    assert unit(bool, "Seconds.") == unit(str | None, "Seconds.") == ""


def test_keywords_are_no_settings() -> None:
    """The table of a function's keywords leaves out what the table of settings has."""
    assert "| `layers` |" in keywords("ai_client.OpenAI")
    assert "`timeout`" not in keywords("ai_client.OpenAI")
