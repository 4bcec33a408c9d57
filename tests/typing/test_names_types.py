"""What type checkers make of the package's own names: each is known, and no other exists."""

from typing import assert_type

import pytest

import ai_client
from ai_client import Client, OpenAI
from ai_client._client.modes import Sync
from ai_client.resources.chat import Chat
from ai_client.resources.chat.completions import Completions


def of_the_package() -> None:
    """Use names of the package, which type checkers check and nobody runs."""
    _chat: Chat[Sync] = ai_client.chat
    _completions: Completions[Sync] = ai_client.chat.completions
    assert_type(ai_client.api_key is None, bool)
    assert_type(Client(), OpenAI)


def test_no_other_name_exists() -> None:
    """A name that does not exist is an error, for Python as for type checkers, which would miss it here."""
    with pytest.raises(AttributeError, match="made_up"):
        ai_client.made_up  # type: ignore[attr-defined] # noqa: B018
