"""Programs that build a client for each request, of many shapes; a line that does is marked with `# built`."""

PROGRAMS: dict[str, str | dict[str, str]] = {
    "fastapi: in a route": """
from fastapi import FastAPI
from openai import AsyncOpenAI

app = FastAPI()

@app.post("/ask")
async def ask(question: str):
    client = AsyncOpenAI()  # built
    return await client.responses.create(model="m", input=question)
""",
    "fastapi: with, in a route of a router": """
import openai
from fastapi import APIRouter

router = APIRouter()

@router.get("/ask/{pk}")
async def ask(pk: int):
    async with openai.AsyncOpenAI(api_key="k") as client:  # built
        return await client.models.list()
""",
    "fastapi: a dependency": """
from typing import Annotated
from fastapi import Depends, FastAPI
from ai_client import AsyncOpenAI

app = FastAPI()

def get_client() -> AsyncOpenAI:
    return AsyncOpenAI()  # built

@app.get("/")
async def index(client: Annotated[AsyncOpenAI, Depends(get_client)]):
    return await client.models.list()
""",
    "fastapi: a dependency that is a generator, as default": """
from fastapi import Depends, FastAPI
from openai import OpenAI

app = FastAPI()

def client():
    with OpenAI() as one:  # built
        yield one

@app.get("/")
def index(client: OpenAI = Depends(client)):
    return client.models.list()
""",
    "fastapi: a dependency in another module, by an alias": {
        "clients.py": """
import openai as sdk

async def make():
    client = sdk.AsyncOpenAI()  # built
    try:
        yield client
    finally:
        await client.close()
""",
        "deps.py": """
from typing import Annotated
from fastapi import Depends
from clients import make

ClientDep = Annotated[object, Depends(make)]
""",
        "app.py": """
from fastapi import FastAPI
from deps import ClientDep

app = FastAPI()

@app.get("/")
async def index(client: ClientDep):
    return client
""",
    },
    "fastapi: a class as a dependency": """
from fastapi import Depends, FastAPI
from openai import OpenAI

app = FastAPI()

class Service:
    def __init__(self):
        self.client = OpenAI()  # built

    def ask(self):
        return self.client.models.list()

@app.get("/")
def index(service: Service = Depends()):
    return service.ask()
""",
    "fastapi: registered by a call": """
from fastapi import FastAPI
from openai import OpenAI

def ask():
    return OpenAI().models.list()  # built

def create_app():
    app = FastAPI()
    app.add_api_route("/ask", ask)
    return app
""",
    "fastapi: a WebSocket handler": """
from fastapi import FastAPI, WebSocket
from openai import AsyncOpenAI

app = FastAPI()

@app.websocket("/ws")
async def talk(websocket: WebSocket):
    client = AsyncOpenAI()  # built
    await websocket.accept()
""",
    "fastapi: middleware": """
from fastapi import FastAPI
from openai import AsyncOpenAI

app = FastAPI()

@app.middleware("http")
async def attach(request, call_next):
    request.state.client = AsyncOpenAI()  # built
    return await call_next(request)
""",
    "starlette: middleware as a class": """
from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware
import openai

class Attach(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next):
        request.state.client = openai.AsyncClient()  # built
        return await call_next(request)

app = Starlette()
app.add_middleware(Attach)
""",
    "starlette: a pure ASGI middleware": """
from openai import AsyncOpenAI

class Attach:
    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        scope["client"] = AsyncOpenAI()  # built
        await self.app(scope, receive, send)
""",
    "starlette: routes in a list": """
from starlette.applications import Starlette
from starlette.routing import Route
from openai import AsyncOpenAI as Client

async def ask(request):
    client = Client()  # built
    return await client.models.list()

app = Starlette(routes=[Route("/ask", endpoint=ask)])
""",
    "starlette: an endpoint as a class": """
from starlette.endpoints import HTTPEndpoint
from openai import AsyncOpenAI

class Ask(HTTPEndpoint):
    async def get(self, request):
        return await AsyncOpenAI().models.list()  # built
""",
    "fastapi: through functions of a package": {
        "shop/__init__.py": "",
        "shop/api.py": """
from fastapi import APIRouter
from .services import assistant

router = APIRouter()

@router.post("/ask")
async def ask(question: str):
    return await assistant.answer(question)
""",
        "shop/services/__init__.py": "",
        "shop/services/assistant.py": """
from shop.services.factory import build_client as build

async def answer(question):
    client = build()
    return await client.responses.create(model="m", input=question)
""",
        "shop/services/factory.py": """
from openai import AsyncOpenAI

def build_client():
    return AsyncOpenAI(max_retries=5)  # built
""",
    },
    "fastapi: a method of a service of the module": """
from fastapi import FastAPI
from openai import AsyncOpenAI

class Assistant:
    async def answer(self, question):
        return await self._client().responses.create(model="m", input=question)

    def _client(self):
        return AsyncOpenAI()  # built

assistant = Assistant()
app = FastAPI()

@app.post("/ask")
async def ask(question: str):
    return await assistant.answer(question)
""",
    "fastapi: a property of an object made in the route": """
from functools import cached_property
from fastapi import FastAPI
from openai import OpenAI

class Assistant:
    @cached_property
    def client(self):
        return OpenAI()  # built

app = FastAPI()

@app.get("/")
def index():
    return Assistant().client.models.list()
""",
    "fastapi: a default_factory": """
from dataclasses import dataclass, field
from fastapi import FastAPI
from openai import OpenAI

@dataclass
class Job:
    question: str
    client: OpenAI = field(default_factory=OpenAI)  # built

app = FastAPI()

@app.get("/")
def index(question: str):
    return Job(question).client.models.list()
""",
    "fastapi: a partial of the class": """
from functools import partial
from fastapi import FastAPI
from openai import AsyncOpenAI

make = partial(AsyncOpenAI, timeout=5)
app = FastAPI()

@app.get("/")
async def index():
    return await make().models.list()  # built
""",
    "fastapi: a lambda": """
from fastapi import Depends, FastAPI
from openai import OpenAI

make = lambda: OpenAI()  # built
app = FastAPI()

@app.get("/")
def index(client=Depends(make)):
    return client.models.list()
""",
    "fastapi: a comprehension, imported inside": """
from fastapi import FastAPI

app = FastAPI()

@app.get("/")
async def index(keys: str):
    from openai import AsyncOpenAI
    clients = [AsyncOpenAI(api_key=key) for key in keys.split(",")]  # built
    return len(clients)
""",
    "fastapi: in a thread": """
import asyncio
from fastapi import FastAPI
from openai import OpenAI

app = FastAPI()

def work():
    return OpenAI().models.list()  # built

@app.get("/")
async def index():
    return await asyncio.to_thread(work)
""",
    "fastapi: a subclass, and a background task": """
import openai
from fastapi import BackgroundTasks, FastAPI

class Client(openai.OpenAI):
    pass

app = FastAPI()

def later(question):
    Client().responses.create(model="m", input=question)  # built

@app.get("/")
def index(tasks: BackgroundTasks):
    tasks.add_task(later, "Hello")
""",
    "fastapi: a provider of ours": """
from ai_client import ClientProvider
from fastapi import FastAPI

app = FastAPI()

@app.get("/")
async def index():
    return await ClientProvider().async_client.models.list()  # built
""",
    "fastapi: a global that is replaced each time": """
from fastapi import FastAPI
from openai import OpenAI

app = FastAPI()
client = None

@app.get("/")
def index():
    global client
    client = OpenAI()  # built
    return client.models.list()
""",
    "fastapi: kept for the request alone": """
from fastapi import FastAPI, Request
from openai import OpenAI

app = FastAPI()

@app.get("/")
def index(request: Request):
    if not hasattr(request.state, "client"):
        request.state.client = OpenAI()  # built
    return request.state.client.models.list()
""",
    "fastapi: a decorator of the application's own": """
from functools import wraps
from fastapi import FastAPI
from openai import OpenAI

def with_client(function):
    @wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, client=OpenAI(), **kwargs)  # built
    return wrapper

app = FastAPI()

@app.get("/")
@with_client
def index(client):
    return client.models.list()
""",
    "flask: in a view": """
from flask import Flask
from openai import OpenAI

app = Flask(__name__)

@app.route("/ask")
def ask():
    client = OpenAI()  # built
    return client.models.list().to_json()
""",
    "flask: a view in a factory": """
from flask import Flask
import openai

def create_app():
    app = Flask(__name__)

    @app.get("/ask")
    def ask():
        return openai.OpenAI().models.list().to_json()  # built

    return app
""",
    "flask: a blueprint's hook": """
from flask import Blueprint, g
from openai import OpenAI

blueprint = Blueprint("ask", __name__)

@blueprint.before_app_request
def attach():
    g.client = OpenAI()  # built
""",
    "flask: kept in g, which ends with the request": """
from flask import Flask, g
from openai import OpenAI

app = Flask(__name__)

def get_client():
    if "client" not in g:
        g.client = OpenAI()  # built
    return g.client

@app.route("/")
def index():
    return get_client().models.list().to_json()
""",
    "flask: a view class": """
from flask import Flask
from flask.views import MethodView
from openai import AzureOpenAI

class Ask(MethodView):
    def __init__(self):
        self.client = AzureOpenAI()  # built

    def post(self):
        return self.client.models.list().to_json()

app = Flask(__name__)
app.add_url_rule("/ask", view_func=Ask.as_view("ask"))
""",
    "flask: registered by a call, streamed by a function inside": """
from flask import Flask, Response
from openai import OpenAI

def ask():
    def events():
        client = OpenAI()  # built
        yield from client.chat.completions.create(model="m", messages=[], stream=True)
    return Response(events())

app = Flask(__name__)
app.add_url_rule("/ask", "ask", ask)
""",
    "django: a view in urls": {
        "site/urls.py": """
from django.urls import path
from shop import views

urlpatterns = [path("ask/", views.ask)]
""",
        "site/shop/__init__.py": "",
        "site/shop/views.py": """
from openai import OpenAI

def ask(request):
    client = OpenAI()  # built
    return client.models.list()
""",
    },
    "django: a wrapped view, with helpers elsewhere": {
        "urls.py": """
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from handlers import answer

urlpatterns = [path("ask/", csrf_exempt(answer))]
""",
        "handlers.py": """
import llm

def answer(req):
    return llm.complete(req.GET["q"])
""",
        "llm.py": """
from openai import OpenAI

def complete(question):
    return OpenAI().responses.create(model="m", input=question)  # built
""",
    },
    "django: a class based view": """
from django.views import View
from openai import AsyncOpenAI

class Ask(View):
    async def get(self, request):
        return await self.client.models.list()

    @property
    def client(self):
        return AsyncOpenAI()  # built
""",
    "django: kept by a view, which is made for each request": """
from django.views.generic import TemplateView
from openai import OpenAI

class Ask(TemplateView):
    _client = None

    def get_client(self):
        if self._client is None:
            self._client = OpenAI()  # built
        return self._client

    def get_context_data(self, **kwargs):
        return {"models": self.get_client().models.list()}
""",
    "django: rest framework": """
from rest_framework.decorators import api_view
from rest_framework.views import APIView
from openai import OpenAI

class Ask(APIView):
    def post(self, request):
        return OpenAI().models.list()  # built

@api_view(["GET"])
def models(request):
    return OpenAI().models.list()  # built
""",
    "django: middleware": {
        "settings.py": 'MIDDLEWARE = ["middleware.attach", "middleware.Attach"]',
        "middleware.py": """
from openai import OpenAI

def attach(get_response):
    def middleware(request):
        request.client = OpenAI()  # built
        return get_response(request)
    return middleware

class Attach:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        request.client = OpenAI()  # built
        return self.get_response(request)
""",
    },
    "django: ninja": """
from ninja import NinjaAPI
from openai import OpenAI

api = NinjaAPI()

@api.get("/ask")
def ask(request):
    return OpenAI().models.list()  # built
""",
    "celery: tasks": """
from celery import Celery, shared_task
from openai import OpenAI

app = Celery("jobs")

@app.task(bind=True)
def one(self, question):
    return OpenAI().responses.create(model="m", input=question)  # built

@shared_task
def other(question):
    return OpenAI().responses.create(model="m", input=question)  # built
""",
    "inherited by a view of another module": {
        "base.py": """
from openai import OpenAI

class Asking:
    client_class = OpenAI

    def ask(self, question):
        return self.client_class().responses.create(model=self.model(), input=question)  # built
""",
        "views.py": """
from django.views import View
from base import Asking

class Ask(Asking, View):
    def model(self):
        return "m"

    def get(self, request):
        return self.ask("Hello")
""",
    },
    "two classes to choose from, and getattr": """
import openai
from fastapi import FastAPI

app = FastAPI()
CLASSES = {"a": openai.OpenAI, "b": openai.AzureOpenAI}

@app.get("/")
def index(kind: str):
    return CLASSES[kind]().models.list()  # built

@app.get("/other")
def other():
    return getattr(openai, "OpenAI")().models.list()  # built
""",
    "optional import": """
from flask import Flask

try:
    from openai import OpenAI
except ImportError:
    OpenAI = None

app = Flask(__name__)

@app.post("/ask")
def ask():
    return OpenAI().models.list().to_json()  # built
""",
}
