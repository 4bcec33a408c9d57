"""Libraries that another thread is importing."""

import sys
from types import ModuleType

import httpx
import pytest

from ai_client import ClientProvider, OpenAI
from ai_client.testing import Upstream
from tests.support.invoke import KEY


@pytest.mark.parametrize("name", ["httpx2", "openai"])
def test_a_library_that_is_half_imported_is_not_asked(
    name: str, monkeypatch: pytest.MonkeyPatch, upstream: Upstream
) -> None:
    """A module whose classes are not there yet, as a thread is importing it, fails no client."""
    monkeypatch.setitem(sys.modules, name, ModuleType(name))
    provider = ClientProvider(api_key=KEY, base_url=upstream.base_url, client_class=OpenAI)
    try:
        assert provider.client.models.list()
    finally:
        provider.close()
    with httpx.Client() as http_client:
        client = OpenAI(api_key=KEY, base_url=upstream.base_url, http_client=http_client)
        assert client.models.list()
    with httpx.Client() as http_client:
        provider = ClientProvider(api_key=KEY, base_url=upstream.base_url, http_client=http_client)
        try:
            assert provider.client.models.list()
        finally:
            provider.close()
