"""The store `django-db://alias`: state of the controls in one of the project's databases.

    INSTALLED_APPS = [..., "ai_client_django", "ai_client_django.store"]
    AI_CLIENT = {"controls": {"store": "django-db://default", ...}}

and then `manage.py migrate`. It needs SQLite or PostgreSQL.
"""
