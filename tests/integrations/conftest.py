"""The Django site of these tests, loaded once."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.integrations.django_site.settings")
django.setup()
