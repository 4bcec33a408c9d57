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
    "route in class attr / self helper chain": """
from fastapi import APIRouter
from openai import AsyncOpenAI
class Controller:
    def __init__(self):
        self.router = APIRouter()
        self.router.add_api_route("/ask", self.ask, methods=["POST"])
    async def ask(self, q: str):
        return await self._llm().responses.create(model="m", input=q)
    def _llm(self):
        return AsyncOpenAI()  # built
""",
    "dependency via call instance": """
from fastapi import Depends, FastAPI
from openai import OpenAI
class Dep:
    def __init__(self, timeout): self.timeout = timeout
    def __call__(self):
        return OpenAI(timeout=self.timeout)  # built
app = FastAPI()
@app.get("/")
def index(client=Depends(Dep(5))): return client
""",
    "dependency factory returns inner": """
from fastapi import Depends, FastAPI
from openai import OpenAI
def client_for(name):
    def dep():
        return OpenAI(organization=name)  # built
    return dep
app = FastAPI()
@app.get("/", dependencies=[Depends(client_for("x"))])
def index(): return 1
""",
    "sub dependency of a dependency": """
from typing import Annotated
from fastapi import Depends, FastAPI
from openai import OpenAI
app = FastAPI()
def key(): return "k"
def client(key: Annotated[str, Depends(key)]):
    return OpenAI(api_key=key)  # built
class Service:
    def __init__(self, client: Annotated[OpenAI, Depends(client)]):
        self.client = client
@app.get("/")
def index(service: Annotated[Service, Depends(Service)]): return service
""",
    "contextmanager helper": """
from contextlib import asynccontextmanager
from fastapi import FastAPI
from openai import AsyncOpenAI
app = FastAPI()
@asynccontextmanager
async def session():
    async with AsyncOpenAI() as client:  # built
        yield client
@app.get("/")
async def index():
    async with session() as client:
        return await client.models.list()
""",
    "exit stack": """
from contextlib import AsyncExitStack
from fastapi import FastAPI
import openai
app = FastAPI()
@app.get("/")
async def index():
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(openai.AsyncOpenAI())  # built
        return await client.models.list()
""",
    "star import": {
        "llm.py": """
from openai import *
def ask():
    return OpenAI().models.list()  # built
""",
        "app.py": """
from fastapi import FastAPI
from llm import *
app = FastAPI()
@app.get("/")
def index(): return ask()
""",
    },
    "re-export through package": {
        "pkg/__init__.py": """from .llm import ask
""",
        "pkg/llm.py": """
from openai import OpenAI as O
def ask():
    return O().models.list()  # built
""",
        "main.py": """
import pkg
from flask import Flask
app = Flask(__name__)
@app.route("/")
def index(): return pkg.ask()
""",
    },
    "walrus, ternary": """
from flask import Flask, request
from openai import OpenAI, AzureOpenAI
app = Flask(__name__)
@app.route("/")
def index():
    if (client := (OpenAI if request.args else AzureOpenAI)()):  # built
        return client.models.list()
""",
    "asyncio gather, executor": """
import asyncio, concurrent.futures
from fastapi import FastAPI
from openai import OpenAI
app = FastAPI()
pool = concurrent.futures.ThreadPoolExecutor()
def work(q):
    return OpenAI().responses.create(model="m", input=q)  # built
@app.get("/")
async def index(q: str):
    return await asyncio.get_running_loop().run_in_executor(pool, work, q)
""",
    "pool.submit": """
import concurrent.futures
from flask import Flask
from openai import OpenAI
app = Flask(__name__)
pool = concurrent.futures.ThreadPoolExecutor()
def work(q):
    return OpenAI().responses.create(model="m", input=q)  # built
@app.route("/")
def index():
    return pool.submit(work, "x").result()
""",
    "django async view in package + urls include": {
        "proj/urls.py": """
from django.urls import include, path
urlpatterns = [path("chat/", include("chat.urls"))]
""",
        "chat/__init__.py": """""",
        "chat/urls.py": """
from django.urls import path
from .views import chat, ChatView
urlpatterns = [path("", chat), path("v/", ChatView.as_view())]
""",
        "chat/views/__init__.py": """from .chat import ChatView, chat
""",
        "chat/views/chat.py": """
from django.views.generic.base import View
from openai import AsyncOpenAI
async def chat(request):
    client = AsyncOpenAI()  # built
    return await client.models.list()
class ChatView(View):
    http_method_names = ["get"]
    def dispatch(self, request, *args, **kwargs):
        self.client = AsyncOpenAI()  # built
        return super().dispatch(request, *args, **kwargs)
""",
    },
    "drf viewset": """
from rest_framework import viewsets
from rest_framework.decorators import action
from openai import OpenAI
class Chats(viewsets.ModelViewSet):
    def perform_create(self, serializer):
        serializer.save(answer=OpenAI().models.list())  # built
    @action(detail=True)
    def again(self, request, pk=None):
        return OpenAI().models.list()  # built
""",
    "nested function called": """
from flask import Flask
from openai import OpenAI
app = Flask(__name__)
@app.route("/")
def index():
    def make(**kw):
        return OpenAI(**kw)  # built
    return make(timeout=3).models.list()
""",
    "guard that tests something else": """
from fastapi import FastAPI
from openai import OpenAI
app = FastAPI()
client = None
@app.get("/")
def index(fresh: bool = False):
    global client
    if fresh:
        client = OpenAI()  # built
    return client
""",
    "local memo": """
from fastapi import FastAPI
from openai import OpenAI
app = FastAPI()
@app.get("/")
def index():
    clients = {}
    for name in ("a", "b"):
        if name not in clients:
            clients[name] = OpenAI(organization=name)  # built
    return clients
""",
    "lru_cache on a method of a fresh object": """
from functools import lru_cache
from fastapi import FastAPI
from openai import OpenAI
class Service:
    @lru_cache
    def client(self):
        return OpenAI()  # built
app = FastAPI()
@app.get("/")
def index():
    return Service().client()
""",
    "azure ours": """
from ai_client import AsyncAzureOpenAI
from starlette.routing import WebSocketRoute
async def talk(websocket):
    c = AsyncAzureOpenAI(azure_endpoint="https://x", api_version="1")  # built
routes = [WebSocketRoute("/ws", talk)]
""",
    "method via annotation param": """
from typing import Annotated
from fastapi import Depends, FastAPI
from openai import OpenAI
class Service:
    def ask(self):
        return OpenAI().models.list()  # built
def service() -> Service:
    return Service()
app = FastAPI()
@app.get("/")
def index(s: Annotated[Service, Depends(service)]):
    return s.ask()
""",
    "app.get call form": """
from fastapi import FastAPI
from openai import OpenAI
app = FastAPI()
def index():
    return OpenAI()  # built
app.get("/")(index)
""",
    "exception handler": """
from fastapi import FastAPI
from openai import OpenAI
app = FastAPI()
@app.exception_handler(ValueError)
async def handle(request, exc):
    return OpenAI()  # built
""",
    "flask class static": """
from flask import Flask
from openai import OpenAI
class LLM:
    @staticmethod
    def client():
        return OpenAI()  # built
    @classmethod
    def ask(cls, q):
        return cls.client().models.list()
app = Flask(__name__)
@app.route("/")
def index():
    return LLM.ask("x")
""",
    "super chain": """
from flask.views import View
from openai import OpenAI
class Base(View):
    def make(self):
        return OpenAI()  # built
class Mine(Base):
    def make(self):
        return super().make().with_options(timeout=1)
    def dispatch_request(self):
        return self.make()
""",
    "passing the class to a helper": """
from flask import Flask
from openai import OpenAI
app = Flask(__name__)
def build(kind, **kw):
    return kind(**kw)
@app.route("/")
def index():
    return build(OpenAI, timeout=3)  # built
""",
    "match and try": """
from flask import Flask
import openai
app = Flask(__name__)
@app.route("/")
def index():
    try:
        client = openai.OpenAI()  # built
    except openai.OpenAIError:
        return "no"
    match client:
        case _:
            return "yes"
""",
    "pydantic model built": """
from pydantic import BaseModel, Field
from fastapi import FastAPI
from openai import OpenAI
class Req(BaseModel):
    q: str
    client: object = Field(default_factory=lambda: OpenAI())  # built
app = FastAPI()
@app.post("/")
def index(body: Req): return body.q
""",
    "a default that a caller needs": """
from fastapi import FastAPI
from openai import OpenAI

shared = OpenAI()

class Assistant:
    def __init__(self, client=None):
        self.client = client or OpenAI()  # built

def ask(question, client=None):
    if client is None:
        client = OpenAI()  # built
    return client.responses.create(model="m", input=question)

app = FastAPI()

@app.get("/")
def index():
    return Assistant().client, ask("Hello", client=shared), ask("Hello", client=None)
""",
    "a registry whose file names the package in a text": {
        "main.py": """
import fastapi
import services
def create_app():
    app = fastapi.FastAPI()
    @app.get("/q")
    async def q(text: str):
        llm = services.make("openai")
        return await llm.complete(text)
    return app
app = create_app()
""",
        "services/__init__.py": """
from .registry import make as make
""",
        "services/registry.py": """
from .llm import OpenAILLM, Fake
BACKENDS = {"openai": OpenAILLM, "fake": Fake}
def make(name):
    return BACKENDS[name]()
""",
        "services/llm.py": """
import openai
class Fake:
    async def complete(self, t): return t
class OpenAILLM:
    def __init__(self):
        self._c = openai.AsyncOpenAI()  # built
    async def complete(self, t):
        return await self._c.responses.create(model="m", input=t)
""",
    },
    "star imports through packages": {
        "main.py": """
from starlette.applications import Starlette
from starlette.routing import Route, Mount
from pkg.views import *
app = Starlette(routes=[Mount("/a", routes=[Route("/x", ask), Route("/y", Ask)])])
""",
        "pkg/views.py": """
from .core import *
from starlette.endpoints import HTTPEndpoint
async def ask(request):
    c = Client()  # built
class Ask(HTTPEndpoint):
    async def post(self, request):
        return make()
""",
        "pkg/core/__init__.py": """
from ._impl import *
""",
        "pkg/core/_impl.py": """
from openai import AsyncOpenAI as Client
def make():
    return Client()  # built
""",
    },
    "a proxy of what flask.g keeps": """
from flask import Flask, g
from werkzeug.local import LocalProxy
from openai import OpenAI
app = Flask(__name__)
def _get():
    if not hasattr(g, "c"):
        g.c = OpenAI()  # built
    return g.c
client = LocalProxy(_get)
@app.route("/")
def index():
    return client.models.list()
""",
    "a job that a view enqueues": """
from flask import Flask
from redis import Redis
from rq import Queue
from openai import OpenAI
app = Flask(__name__)
q = Queue(connection=Redis())
def work(t): OpenAI().models.list()  # built
@app.route("/")
def index():
    q.enqueue(work, "x")
    return "ok"
""",
    "actions of an admin page": """
from django.contrib import admin
from openai import OpenAI
@admin.action(description="x")
def summarize(modeladmin, request, queryset):
    OpenAI().models.list()  # built
class A(admin.ModelAdmin):
    actions = [summarize]
    def save_model(self, request, obj, form, change):
        OpenAI().models.list()  # built
""",
    "decorators under other names": """
from rest_framework.decorators import api_view as view
from celery import shared_task as st
from dramatiq import actor as act
from openai import OpenAI
@view(["GET"])
def a(request): OpenAI()  # built
@st
def b(): OpenAI()  # built
@act(max_retries=1)
def c(): OpenAI()  # built
""",
    "a base class in a file that mentions no client": {
        "core/__init__.py": """

""",
        "core/views.py": """
from django.views import View
class BaseView(View):
    login = True
""",
        "shop/views.py": """
from core.views import BaseView
from openai import OpenAI
class Ask(BaseView):
    def get(self, request):
        return OpenAI().models.list()  # built
""",
    },
    "a base class that a package passes on": {
        "core/__init__.py": """
from .views import BaseView as BaseView
""",
        "core/views.py": """
from rest_framework import generics
class BaseView(generics.ListAPIView):
    login = True
""",
        "shop/x.py": """
import core
from openai import OpenAI
class Ask(core.BaseView):
    def get(self, request):
        return OpenAI().models.list()  # built
""",
    },
}
