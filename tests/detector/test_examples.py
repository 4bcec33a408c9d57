"""The example applications: the detector has nothing to say of them."""

import os
import subprocess
import sys

import pytest

from tests.support.servers import ROOT

pytestmark = pytest.mark.slow
TESTS = {
    "fastapi": "import pytest; code = pytest.main(['-q', 'example_apps/fastapi_chat'])",
    "flask": "import pytest; code = pytest.main(['-q', 'example_apps/flask_chat'])",
    "quart": "import pytest; code = pytest.main(['-q', 'example_apps/quart_adapter'])",
    "django": """
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "example_apps.django_chat.settings"
import django
from django.conf import settings
from django.test.utils import get_runner
django.setup()
code = get_runner(settings)().run_tests(["example_apps.django_chat"])
""",
}
ALARMS = """
from ai_client.detector import counts
print("alarms:", counts())
raise SystemExit(int(code))
"""


@pytest.mark.parametrize("framework", TESTS)
def test_no_false_alarms(framework: str) -> None:
    """The tests of an example pass with the clients of all packages detected, and none is found."""
    done = subprocess.run(
        [sys.executable, "-c", TESTS[framework] + ALARMS],
        cwd=ROOT,
        env={**os.environ, "AI_CLIENT_WARN_ON_EXTRA_CLIENTS": "openai,httpx,httpx2"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "alarms: []" in done.stdout
    assert "while requests are served" not in done.stderr
