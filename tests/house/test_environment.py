"""What collecting the tests leaves in the environment, which the processes that tests start inherit."""

import os


def test_no_settings_of_django_are_left() -> None:
    """No module of the tests leaves a choice of Django settings to the applications that other tests start."""
    assert "DJANGO_SETTINGS_MODULE" not in os.environ
