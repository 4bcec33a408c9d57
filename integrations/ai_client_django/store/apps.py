"""The Django app with the tables of the store."""

from django.apps import AppConfig


class AIClientStoreConfig(AppConfig):
    """Adds the tables of `django-db://`, and checks that they are there."""

    name = "ai_client_django.store"
    label = "ai_client_store"
    verbose_name = "AI client: store"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the checks."""
        from . import checks  # noqa: PLC0415 - needs the settings

        checks.register_all()
