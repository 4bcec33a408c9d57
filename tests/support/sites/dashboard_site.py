"""One application in each framework that makes calls of every kind and has a dashboard.

The environment gives `DASHBOARD_UPSTREAM` and `DASHBOARD_STORE`, the addresses of the API and of a store.
"""

import os
from typing import Any

from ai_client import labels
from tests.support.mixed_calls import CONTROLS, acall, call

TOKEN = "s3cret"
PATH = "/ops/ai"
HOSTILE = (
    "<script>document.title='broken'</script>",
    "\"'><img/src=x/onerror=\"document.title='broken'\">",
    "javascript:document.title='broken'",
    '=HYPERLINK("https://elsewhere.example","look")',
    "</title></textarea></svg><script>document.title='broken'</script>",
)
"""Names of models and tenants, and prompts, that a page must show as they are."""


def options() -> dict[str, Any]:
    """Return the options of the clients."""
    controls = {
        **CONTROLS,
        "telemetry": False,
        "store": os.environ["DASHBOARD_STORE"],
        "dashboard": True,
        "journal": {"content": True, "per_second": 1000},
        "prices": {**CONTROLS["prices"], **{text: {"input": 1.0, "output": 3.0} for text in HOSTILE}},
        "budgets": [{"usd": 5, "per": "day", "scope": "tenant", "name": "daily"}],
    }
    return {
        "base_url": os.environ["DASHBOARD_UPSTREAM"],
        "api_key": "sk-test",
        "max_retries": 1,
        "controls": controls,
    }


def hostile(number: int) -> dict[str, Any]:
    """Return the arguments of a call whose model and prompt try to break out of a page."""
    text = HOSTILE[number]
    return {"model": text, "messages": [{"role": "user", "content": f"{text} {number}"}]}


def fastapi_app() -> Any:
    """Make the FastAPI application."""
    from fastapi import FastAPI

    from ai_client_fastapi import AIClientDep, ai_client_lifespan, dashboard_routes

    app = FastAPI(lifespan=ai_client_lifespan(options()))
    app.include_router(dashboard_routes(token=TOKEN, development=True), prefix="/ops")

    @app.get("/calls/{tenant}/{kind}/{number}")
    async def make(tenant: str, kind: str, number: int, client: AIClientDep) -> str:
        labels(tenant=tenant)
        await acall(client, kind, number)
        return str(os.getpid())

    @app.get("/hostile/{number}")
    async def attack(number: int, client: AIClientDep) -> None:
        labels(tenant=HOSTILE[number])
        await client.chat.completions.create(**hostile(number))

    return app


def flask_app() -> Any:
    """Make the Flask application."""
    from flask import Flask

    from ai_client_flask import AIClient

    app = Flask(__name__)
    clients = AIClient(app, **options())
    app.register_blueprint(clients.dashboard_blueprint(token=TOKEN, development=True), url_prefix="/ops")

    @app.get("/calls/<tenant>/<kind>/<int:number>")
    def make(tenant: str, kind: str, number: int) -> str:
        labels(tenant=tenant)
        call(clients.client, kind, number)
        return str(os.getpid())

    @app.get("/hostile/<int:number>")
    def attack(number: int) -> str:
        labels(tenant=HOSTILE[number])
        clients.client.chat.completions.create(**hostile(number))
        return ""

    return app


def django_app() -> Any:
    """Make the Django application."""
    import django
    from django.conf import settings
    from django.core.wsgi import get_wsgi_application
    from django.http import HttpRequest, HttpResponse
    from django.urls import include, path

    settings.configure(
        SECRET_KEY="any",
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=__name__,
        INSTALLED_APPS=["ai_client_django"],
        MIDDLEWARE=[
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "ai_client_django.middleware.AIClientMiddleware",
        ],
        AI_CLIENT=options(),
    )
    django.setup()
    from ai_client_django import get_ai_client
    from ai_client_django.dashboard import dashboard_urls

    def make(request: HttpRequest, tenant: str, kind: str, number: int) -> HttpResponse:
        del request
        labels(tenant=tenant)
        call(get_ai_client(), kind, number)
        return HttpResponse(str(os.getpid()))

    def attack(request: HttpRequest, number: int) -> HttpResponse:
        del request
        labels(tenant=HOSTILE[number])
        get_ai_client().chat.completions.create(**hostile(number))
        return HttpResponse()

    globals()["urlpatterns"] = [
        path("ops/ai/", include(dashboard_urls(token=TOKEN, development=True))),
        path("calls/<str:tenant>/<str:kind>/<int:number>", make),
        path("hostile/<int:number>", attack),
    ]
    return get_wsgi_application()
