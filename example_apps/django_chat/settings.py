"""The project's settings. It has no database; the AI client's key and base URL come from the environment."""

import os

from django.core.management.utils import get_random_secret_key

from example_apps import _chat

DEBUG = os.environ.get("DJANGO_DEBUG") == "1"
SECRET_KEY = os.environ.get("DJANGO_SECRET_KEY") or get_random_secret_key()
ALLOWED_HOSTS = os.environ.get("DJANGO_ALLOWED_HOSTS", "localhost,127.0.0.1").split(",")
ROOT_URLCONF = "example_apps.django_chat.urls"
INSTALLED_APPS = ["ai_client_django"]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "ai_client_django.middleware.AIClientMiddleware",
]
if _chat.is_local():
    MIDDLEWARE.append("example_apps.django_chat.offline.TenantMiddleware")
USE_TZ = True
SILENCED_SYSTEM_CHECKS = ["security.W003"]  # no CSRF middleware: the site uses no cookies
AI_CLIENT = {"controls": _chat.controls()}
