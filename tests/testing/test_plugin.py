"""The pytest plugin that comes with the package."""

import httpx

from ai_client.testing import Upstream


def test_the_fixture_is_a_running_upstream(ai_client_upstream: Upstream) -> None:
    """`ai_client_upstream` needs no import and answers."""
    assert httpx.get(f"{ai_client_upstream.url}/health").status_code == 200
