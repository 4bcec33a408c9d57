"""A Django site with users, two sites of the admin and the dashboard, on a database of its own.

The environment gives `STAFF_DATABASE`, its file, and may give `STAFF_OPTIONS`, the keyword arguments of
`dashboard_urls` as JSON, and `STAFF_MIDDLEWARE`, classes besides the usual ones.
"""

import json
import os
from typing import Any

import django
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application

PASSWORD = "pass-w0rd"
_AUTH = (
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
)
_SESSION, _CSRF, _USER, _MESSAGES = (
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
)


def set_up() -> None:
    """Configure Django."""
    given = os.environ.get
    settings.configure(
        SECRET_KEY="any",
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=__name__,
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["STAFF_DATABASE"]}},
        INSTALLED_APPS=[*_AUTH, "django.contrib.admin", "ai_client_django"],
        MIDDLEWARE=[_SESSION, _CSRF, _USER, _MESSAGES, *given("STAFF_MIDDLEWARE", "").split()],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages",
                    ]
                },
            }
        ],
        STATIC_URL="static/",
        USE_TZ=True,
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        AI_CLIENT={"api_key": "sk-verysecret", "base_url": "http://127.0.0.1:9/v1"},
    )
    django.setup()


def prepare() -> None:
    """Make the database, with a user of staff and one who is none."""
    set_up()
    from django.contrib.auth.models import User
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    User.objects.create_user("anna", password=PASSWORD, is_staff=True)
    User.objects.create_user("bob", password=PASSWORD)


def _urls() -> list[Any]:
    from django.contrib import admin
    from django.urls import include, path

    from ai_client_django.dashboard import dashboard_urls

    own = admin.AdminSite(name="own")
    options = json.loads(os.environ.get("STAFF_OPTIONS", "{}"))
    return [
        path("admin/", admin.site.urls),
        path("own/", own.urls),
        path("ops/ai/", include(dashboard_urls(**options))),
    ]


def wsgi() -> Any:
    """Make the application for servers that speak WSGI."""
    set_up()
    globals()["urlpatterns"] = _urls()
    return get_wsgi_application()


def asgi() -> Any:
    """Make the application for servers that speak ASGI."""
    set_up()
    globals()["urlpatterns"] = _urls()
    return get_asgi_application()


if __name__ == "__main__":
    prepare()
