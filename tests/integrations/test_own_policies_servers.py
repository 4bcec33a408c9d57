"""Policies of one's own under real servers, named in the environment by their paths."""

import json
from collections import Counter
from pathlib import Path

import httpx
import pytest

from ai_client.testing import Upstream
from tests.support.load import get_many
from tests.support.servers import serving

pytestmark = pytest.mark.slow

REQUESTS = 16
SITES = "tests.support.sites"
UVICORN = ("uvicorn", "--port", "{port}", "--no-access-log")
GUNICORN = ("gunicorn", "--bind", "127.0.0.1:{port}", "-k", "gthread", "-w", "2", "--threads", "4")
SERVED: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "fastapi under uvicorn": ((*UVICORN, f"{SITES}.fastapi_app:app"), ("/ask",), ("/stream",)),
    "django under uvicorn": (
        (*UVICORN, f"{SITES}.django_site.asgi:application"),
        ("/items/1/", "/async/1/"),
        ("/stream-async/",),
    ),
    "django under gunicorn": (
        (*GUNICORN, "--preload", f"{SITES}.django_site.wsgi"),
        ("/items/1/", "/async/1/"),
        ("/stream/",),
    ),
    "flask under gunicorn": (
        (*GUNICORN, "--preload", f"{SITES}.flask_site:create_app()"),
        ("/items/1", "/async/1"),
        ("/stream",),
    ),
}
"""Each server's command, and the paths of its application that call and stream."""


@pytest.mark.parametrize("name", SERVED)
def test_one_policy_in_each_worker(ai_client_upstream: Upstream, tmp_path: Path, name: str) -> None:
    """Each worker makes its own policies, once for both clients; they see every call, and every stream's end."""
    command, asks, streams = SERVED[name]
    trail = tmp_path / "trail"
    trail.touch()
    policies = [
        {"policy": "tests.support.own_policies.Trail", "place": "target"},
        {"policy": "tests.support.own_policies.make_trail", "place": "innermost"},
    ]
    environment = {"OPENAI_API_KEY": "any", "OPENAI_BASE_URL": ai_client_upstream.base_url}
    with serving(
        *command,
        UPSTREAM=ai_client_upstream.base_url,
        TRAIL=str(trail),
        AI_CLIENT_CONTROLS=json.dumps({"policies": policies}),
        **environment,
    ) as served:
        for path in asks:
            assert len(get_many(served.url + path, REQUESTS, 8)) == REQUESTS
        for path in streams:
            for _ in range(4):
                text = httpx.get(served.url + path, timeout=30).raise_for_status().text
                assert text.endswith("data: [DONE]\n\n")
        served.stop()
        assert "Traceback" not in served.log
    lines = [line.split() for line in trail.read_text().splitlines()]
    made = Counter(process for process, what in lines if what == "made")
    assert set(made.values()) == {2}
    assert len(made) <= 2
    assert {process for process, _ in lines} == made.keys()
    seen = Counter(what for _, what in lines)
    assert (seen["whole"], seen["read"], seen["left"]) == (2 * REQUESTS * len(asks), 2 * 4 * len(streams), 0)


@pytest.mark.parametrize("name", [name for name in SERVED if name != "django under uvicorn"])
def test_a_faulty_path_stops_the_server(ai_client_upstream: Upstream, name: str) -> None:
    """A server whose policy cannot be imported does not serve, and its log names the variable and the policy."""
    command, *_ = SERVED[name]
    controls = json.dumps({"policies": ["tests.support.own_policies.Trial"]})
    command = tuple("1" if part == "2" else part for part in command)
    with (
        pytest.raises(AssertionError, match=r"did not (start|listen)") as caught,
        serving(
            *command,
            UPSTREAM=ai_client_upstream.base_url,
            OPENAI_API_KEY="any",
            AI_CLIENT_CONTROLS=controls,
        ),
    ):
        pass
    assert "AI_CLIENT_CONTROLS in the environment" in str(caught.value)
    assert "policies[0]: cannot import" in str(caught.value)
    assert "Did you mean 'tests.support.own_policies.Trail'?" in str(caught.value)
