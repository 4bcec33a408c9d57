"""The routes."""

from django.urls import URLPattern, URLResolver, include, path

from ai_client_django.dashboard import dashboard_urls
from example_apps import _chat

from . import offline, views

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.page),
    path("api/about", views.about),
    path("api/chat", views.chat),
    path("api/html", views.html),
    path("api/ask", views.ask),
    path("api/plan", views.plan),
    path("api/webhook", views.webhook),
]
if _chat.is_local():
    urlpatterns += offline.urlpatterns
if (readers := _chat.dashboard()) is not None:
    urlpatterns.append(path(_chat.DASHBOARD.lstrip("/"), include(dashboard_urls(**readers))))
