"""One application in each framework that makes calls of every kind and serves its metrics."""

import json
import os
import threading
from pathlib import Path
from typing import Any

from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from ai_client import labels
from tests.support.mixed_calls import CONTROLS, acall, call

TOKEN = "s3cret"
_reader: list[InMemoryMetricReader] = []
_lock = threading.Lock()


def options() -> dict[str, Any]:
    """Return the options of the clients."""
    controls = {**CONTROLS, "store": os.environ["COUNTED_STORE"]}
    return {
        "base_url": os.environ["COUNTED_UPSTREAM"],
        "api_key": "sk-test",
        "max_retries": 1,
        "controls": controls,
    }


def measure() -> None:
    """Set up OpenTelemetry in a worker, before its first call."""
    with _lock:
        if not _reader:
            _reader.append(InMemoryMetricReader())
            metrics.set_meter_provider(MeterProvider(_reader))


def show() -> str:
    """Write what OpenTelemetry has of this worker into a file of its own, and return the worker's id."""
    with _lock:
        data = _reader[0].get_metrics_data()
        assert data is not None
        found = {
            metric.name: [
                {
                    "attributes": dict(point.attributes or {}),
                    **{part: getattr(point, part, 0) for part in ("value", "sum", "count")},
                }
                for point in metric.data.data_points
            ]
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }
        worker = str(os.getpid())
        Path(os.environ["COUNTED_POINTS"], worker).write_text(json.dumps(found))
        return worker


def fastapi_app() -> Any:
    """Make the FastAPI application."""
    from fastapi import FastAPI

    from ai_client_fastapi import AIClientDep, ai_client_lifespan, metrics_routes

    app = FastAPI(lifespan=ai_client_lifespan(options()))
    app.include_router(metrics_routes(token=TOKEN))

    @app.get("/{tenant}/{kind}/{number}")
    async def make(tenant: str, kind: str, number: int, client: AIClientDep) -> str:
        measure()
        labels(tenant=tenant)
        await acall(client, kind, number)
        return show()

    return app


def flask_app() -> Any:
    """Make the Flask application."""
    from flask import Flask

    from ai_client_flask import AIClient

    app = Flask(__name__)
    clients = AIClient(app, **options())
    app.register_blueprint(clients.metrics_blueprint(token=TOKEN))

    @app.get("/<tenant>/<kind>/<int:number>")
    def make(tenant: str, kind: str, number: int) -> str:
        measure()
        labels(tenant=tenant)
        call(clients.client, kind, number)
        return show()

    return app


def django_app() -> Any:
    """Make the Django application."""
    import django
    from django.conf import settings
    from django.core.wsgi import get_wsgi_application
    from django.http import HttpRequest, HttpResponse
    from django.urls import path

    settings.configure(
        SECRET_KEY="any",
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=__name__,
        INSTALLED_APPS=["ai_client_django"],
        AI_CLIENT=options(),
    )
    django.setup()
    from ai_client_django import get_ai_client
    from ai_client_django.metrics import metrics_view

    def make(request: HttpRequest, tenant: str, kind: str, number: int) -> HttpResponse:
        del request
        measure()
        labels(tenant=tenant)
        call(get_ai_client(), kind, number)
        return HttpResponse(show())

    globals()["urlpatterns"] = [
        path("metrics", metrics_view(token=TOKEN)),
        path("<str:tenant>/<str:kind>/<int:number>", make),
    ]
    return get_wsgi_application()
