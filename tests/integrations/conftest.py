"""The Django site of these tests, loaded once."""

import os

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.support.sites.django_site.settings"
django.setup()
del os.environ["DJANGO_SETTINGS_MODULE"]  # the servers that tests start have settings of their own
