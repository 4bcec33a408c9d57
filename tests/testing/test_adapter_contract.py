"""The contract suite as a part of the package."""

import subprocess
import sys


def test_contract_without_pytest() -> None:
    """Where pytest is not installed, importing the contract fails with the command that installs it."""
    code = "import sys; sys.modules['pytest'] = None; import ai_client.testing.adapter_contract"
    failed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert failed.returncode == 1
    assert (
        'ImportError: The contract of adapters is tested by pytest: pip install "pytest>=8"' in failed.stderr
    )


def test_test_kit_without_pytest() -> None:
    """The rest of the test kit needs no pytest."""
    code = "import sys; sys.modules['pytest'] = None; from ai_client.testing import Upstream, override"
    subprocess.run([sys.executable, "-c", code], check=True)
