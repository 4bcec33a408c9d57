"""The routes."""

from django.urls import path

from . import views

urlpatterns = [
    path("", views.page),
    path("api/about", views.about),
    path("api/chat", views.chat),
    path("api/html", views.html),
    path("api/ask", views.ask),
    path("api/plan", views.plan),
    path("api/webhook", views.webhook),
]
