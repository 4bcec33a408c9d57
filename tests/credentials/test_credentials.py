"""Credentials of a tenant: what they may be, and that they show no key."""

import copy
import pickle
import traceback
from typing import Any

import pytest

from ai_client import ConfigError, Credentials
from ai_client.credentials import credentials_of

SECRET = "sk-planted-0123456789"


def test_they_show_no_key() -> None:
    """Neither the repr nor an exception shows the key, the user of an address or its query."""
    shown = repr(Credentials(SECRET, base_url=f"https://me:{SECRET}@ai.example/v1?key={SECRET}"))
    assert shown == "<Credentials at https://ai.example/v1>"
    assert repr(Credentials(SECRET)) == "<Credentials>"


def test_they_are_not_pickled() -> None:
    """A key never gets into a pickle; copies are the same object, since nothing of it changes."""
    one = Credentials(SECRET)
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(one)
    assert copy.copy(one) is copy.deepcopy(one) is one
    assert one == Credentials(SECRET) != Credentials("sk-other-0123456789")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"api_key": ""}, "api_key is empty. Return None"),
        ({"api_key": f" {SECRET}"}, "api_key has blanks"),
        ({"api_key": f"{SECRET}\r\nx: y"}, "api_key"),
        ({"api_key": 3}, "api_key must be a string, not int"),
        ({"api_key": None}, "api_key must be a string, not NoneType"),
        ({"api_key": SECRET, "base_url": "ai.example"}, "base_url must be an absolute http"),
        ({"api_key": SECRET, "base_url": ""}, "base_url must be an absolute http"),
        ({"api_key": SECRET, "base_url": 3}, "base_url must be text, not int"),
        ({"api_key": SECRET, "organization": ""}, "organization: is empty"),
        ({"api_key": SECRET, "project": "a\nb"}, "project: "),
        ({"api_key": SECRET, "base_ur": "x"}, "unknown name. Did you mean 'base_url'"),
        ({"api_key": SECRET, "zzz": "x"}, "unknown name. The names are api_key, base_url"),
        ({SECRET: "x", "api_key": SECRET}, "unknown name"),
        ({"base_url": "https://ai.example"}, "has no api_key"),
    ],
)
def test_what_cannot_be_sent_is_an_error(given: dict[str, Any], message: str) -> None:
    """Credentials that cannot be sent, and names that are none, are refused without showing a value."""
    with pytest.raises(ConfigError, match=message) as raised:
        credentials_of(given, "f")
    assert SECRET not in "".join(traceback.format_exception_only(raised.value))


@pytest.mark.parametrize("given", [SECRET, 3, True, [], object(), Credentials])
def test_anything_else_is_an_error(given: object) -> None:
    """A function returns credentials, a mapping or `None`; the message names the type of all else."""
    with pytest.raises(ConfigError, match=f"f returned {type(given).__name__}: return Credentials") as raised:
        credentials_of(given, "f")
    assert SECRET not in str(raised.value)


def test_a_mapping_is_as_good() -> None:
    """A mapping of the same names is read as credentials, and `None` as none."""
    given = {"api_key": SECRET, "base_url": "https://ai.example/v1", "organization": "o", "project": None}
    assert credentials_of(given, "f") == Credentials(SECRET, "https://ai.example/v1", "o")
    assert credentials_of(None, "f") is None
