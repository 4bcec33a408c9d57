"""Settings; the environment says where the upstream is."""

import os

SECRET_KEY = "not-secret"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "tests.support.sites.django_site.urls"
INSTALLED_APPS = ["ai_client_django", "ai_client_django.store"]
MIDDLEWARE = ["ai_client_django.middleware.AIClientMiddleware"]
USE_TZ = True
AI_CLIENT = {
    "base_url": os.environ.get("UPSTREAM", "http://127.0.0.1:9/v1"),
    "api_key": "sk-verysecret",
    "max_retries": 0,
}
