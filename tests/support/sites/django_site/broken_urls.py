"""A view that fails, for reports of errors."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import path


def filtered(request: HttpRequest) -> HttpResponse:
    """Fail under a filter of the request's own."""
    from tests.integrations.test_django_reports import OwnFilter

    own: Any = request
    own.exception_reporter_filter = OwnFilter()
    raise LookupError(request.path)


urlpatterns = [path("filtered/", filtered)]
