"""Responses with pages that are made without a framework."""

from django.http import HttpResponse
from django.utils.cache import patch_cache_control

from ai_client.operations import RenderedPage


def response_with(page: RenderedPage) -> HttpResponse:
    """Return the response with a page, private, as some caches of a site keep all else."""
    response = HttpResponse(page.body, status=page.status, headers=dict(page.headers))
    patch_cache_control(response, private=True)
    return response
