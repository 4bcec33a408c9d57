"""Programs that build no client for a request, though they look a little like it."""

PROGRAMS: dict[str, str | dict[str, str]] = {
    "fastapi: a module's client": """
from fastapi import FastAPI
from openai import AsyncOpenAI

app = FastAPI()
client = AsyncOpenAI()

@app.get("/")
async def index():
    return await client.models.list()
""",
    "fastapi: a lifespan": """
from contextlib import asynccontextmanager
from fastapi import Depends, FastAPI, Request
from openai import AsyncOpenAI

@asynccontextmanager
async def lifespan(app):
    async with AsyncOpenAI() as app.state.client:
        yield

app = FastAPI(lifespan=lifespan)

def get_client(request: Request) -> AsyncOpenAI:
    return request.app.state.client

@app.get("/")
async def index(client: AsyncOpenAI = Depends(get_client)):
    return await client.models.list()
""",
    "fastapi: a start event in a factory": """
from fastapi import FastAPI
from openai import AsyncOpenAI

def create_app():
    app = FastAPI()

    @app.on_event("startup")
    async def start():
        app.state.client = AsyncOpenAI()

    @app.get("/")
    async def index():
        return await app.state.client.models.list()

    return app
""",
    "fastapi: a cached dependency": """
from functools import lru_cache
from fastapi import Depends, FastAPI
from openai import AsyncOpenAI

@lru_cache
def get_client():
    return AsyncOpenAI()

app = FastAPI()

@app.get("/")
async def index(client=Depends(get_client)):
    return await client.models.list()
""",
    "fastapi: functools.cache by its module": """
import functools
from fastapi import FastAPI
import openai

@functools.cache
def client_for(tenant):
    return openai.OpenAI(organization=tenant)

app = FastAPI()

@app.get("/{tenant}")
def index(tenant: str):
    return client_for(tenant).models.list()
""",
    "fastapi: cached by a call": """
from functools import cache
from fastapi import FastAPI
from openai import OpenAI

def make():
    return OpenAI()

get_client = cache(make)
app = FastAPI()

@app.get("/")
def index():
    return get_client().models.list()
""",
    "a global that is made once": """
from flask import Flask
from openai import OpenAI

app = Flask(__name__)
_client = None

def get_client():
    global _client
    if _client is None:
        _client = OpenAI()
    return _client

@app.route("/")
def index():
    return get_client().models.list().to_json()
""",
    "a global that is made once, with an early return and a lock": """
import threading
from flask import Flask
from openai import OpenAI

app = Flask(__name__)
_lock = threading.Lock()
_client = None

def get_client():
    global _client
    if _client is not None:
        return _client
    with _lock:
        if _client is None:
            client = OpenAI()
            _client = client
    return _client

@app.route("/")
def index():
    return get_client().models.list().to_json()
""",
    "a global by or, and made by a helper": """
from flask import Flask
from openai import OpenAI

app = Flask(__name__)
_client = None
_other = None

def build():
    return OpenAI()

def get_client():
    global _client, _other
    _client = _client or OpenAI()
    if not _other:
        _other = build()
    return _client

@app.route("/")
def index():
    return get_client().models.list().to_json()
""",
    "a dict of clients by tenant": """
from flask import Flask, request
from openai import OpenAI

app = Flask(__name__)
clients = {}

def get_client(tenant):
    if tenant not in clients:
        clients[tenant] = OpenAI(organization=tenant)
    return clients[tenant]

def get_other(tenant):
    client = clients.get(tenant)
    if client is None:
        client = OpenAI(organization=tenant)
        clients[tenant] = client
    return client

def get_third(tenant):
    try:
        return clients[tenant]
    except KeyError:
        client = clients[tenant] = OpenAI(organization=tenant)
        return client

@app.route("/")
def index():
    tenant = request.args["tenant"]
    return [get_client(tenant), get_other(tenant), get_third(tenant)]
""",
    "flask: an extension's place": """
from flask import Flask, current_app
from openai import OpenAI

app = Flask(__name__)

def get_client():
    if "openai" not in current_app.extensions:
        current_app.extensions["openai"] = OpenAI()
    return current_app.extensions["openai"]

@app.route("/")
def index():
    return get_client().models.list().to_json()
""",
    "fastapi: the application's state": """
from fastapi import FastAPI, Request
from openai import AsyncOpenAI

app = FastAPI()

@app.get("/")
async def index(request: Request):
    if not hasattr(request.app.state, "client"):
        request.app.state.client = AsyncOpenAI()
    state = request.app.state
    if getattr(state, "other", None) is None:
        state.other = AsyncOpenAI()
    return await state.client.models.list()
""",
    "a service of the module that keeps its client": """
from functools import cached_property
from fastapi import FastAPI
from openai import OpenAI

class Assistant:
    _client = None

    def __init__(self):
        self._others = {}

    @cached_property
    def cached(self):
        return OpenAI()

    @property
    def client(self):
        if self._client is None:
            self._client = OpenAI()
        return self._client

    def other(self, tenant):
        if tenant not in self._others:
            self._others[tenant] = OpenAI()
        return self._others[tenant]

assistant = Assistant()
app = FastAPI()

@app.get("/")
def index(tenant: str):
    return assistant.client.models.list(), assistant.cached, assistant.other(tenant)
""",
    "a service made once, with its client": """
from functools import lru_cache
from fastapi import Depends, FastAPI
from openai import OpenAI

class Assistant:
    def __init__(self, client=None):
        self.client = client or OpenAI()

@lru_cache(maxsize=1)
def get_assistant():
    return Assistant()

app = FastAPI()

@app.get("/")
def index(assistant: Assistant = Depends(get_assistant)):
    return assistant.client.models.list()
""",
    "singletons": """
from fastapi import FastAPI
from openai import OpenAI

class One:
    _instance = None

    def __new__(cls):
        if cls._instance is None:
            cls._instance = super().__new__(cls)
            cls._instance.client = OpenAI()
        return cls._instance

class Other:
    _instance = None

    def __init__(self):
        self.client = OpenAI()

    @classmethod
    def get(cls):
        if cls._instance is None:
            cls._instance = cls()
        return cls._instance

class Meta(type):
    pass

class SingletonMeta(type):
    _all = {}

    def __call__(cls, *args):
        if cls not in cls._all:
            cls._all[cls] = super().__call__(*args)
        return cls._all[cls]

class Third(metaclass=SingletonMeta):
    def __init__(self):
        self.client = OpenAI()

app = FastAPI()

@app.get("/")
def index():
    return One().client, Other.get().client, Third().client
""",
    "a class attribute, a default argument": """
from django.views import View
from openai import OpenAI

class Ask(View):
    client = OpenAI()

    def get(self, request, using=OpenAI()):
        return self.client.models.list()
""",
    "django: an app that is ready": """
from django.apps import AppConfig
from openai import OpenAI

class ShopConfig(AppConfig):
    def ready(self):
        self.client = OpenAI()
""",
    "django: a management command": {
        "shop/management/commands/ask.py": """
from django.core.management.base import BaseCommand
from openai import OpenAI

class Command(BaseCommand):
    def handle(self, *args, **options):
        self.stdout.write(str(OpenAI().models.list()))
""",
    },
    "django: middleware that makes its client at the start": {
        "settings.py": 'MIDDLEWARE = ["middleware.attach", "middleware.Attach"]',
        "middleware.py": """
from openai import OpenAI

def attach(get_response):
    client = OpenAI()

    def middleware(request):
        request.client = client
        return get_response(request)
    return middleware

class Attach:
    def __init__(self, get_response):
        self.get_response = get_response
        self.client = OpenAI()

    def __call__(self, request):
        request.client = self.client
        return self.get_response(request)
""",
    },
    "a script": """
from openai import OpenAI

def ask(question):
    return OpenAI().responses.create(model="m", input=question)

def main():
    print(ask("Hello"))

if __name__ == "__main__":
    main()
""",
    "tests": {
        "app.py": """
from fastapi import FastAPI

app = FastAPI()

@app.get("/")
def index():
    return "Hello"
""",
        "tests/test_app.py": """
import pytest
from openai import OpenAI
from app import app

@pytest.fixture
def client():
    return OpenAI()

@app.get("/fake")
def fake():
    return OpenAI()
""",
        "conftest.py": """
from openai import OpenAI
from app import app

@app.get("/other")
def other():
    return OpenAI()
""",
    },
    "an ignored line": """
from fastapi import FastAPI
from openai import OpenAI

app = FastAPI()

@app.get("/")
def index(key: str):
    client = OpenAI(  # ai-client: ignore
        api_key=key,
    )
    return client.models.list()
""",
    "ours, injected": """
from fastapi import FastAPI
from ai_client_fastapi import AIClientDep, ai_client_lifespan

app = FastAPI(lifespan=ai_client_lifespan())

@app.get("/")
async def index(client: AIClientDep):
    return await client.with_options(timeout=5).models.list()
""",
    "annotations and checks alone": """
from fastapi import FastAPI
from openai import AsyncOpenAI, OpenAI

app = FastAPI()
client = OpenAI()

@app.get("/")
def index():
    one: OpenAI = client
    assert isinstance(one, OpenAI | AsyncOpenAI)
    return one.with_options(max_retries=0).models.list()
""",
    "other classes of the name": '''
from fastapi import FastAPI
from mylib import OpenAI as Theirs
from shop.models import Client

class OpenAI:
    """A name that is taken."""

app = FastAPI()

@app.get("/")
def index(AzureOpenAI: str):
    return OpenAI(), Client(), Theirs()
''',
    "a task of a worker that keeps its client": """
from celery import Celery, Task
from celery.signals import worker_process_init
from openai import OpenAI

app = Celery("jobs")

class Asking(Task):
    _client = None

    @property
    def client(self):
        if self._client is None:
            self._client = OpenAI()
        return self._client

@app.task(base=Asking, bind=True)
def ask(self, question):
    return self.client.responses.create(model="m", input=question)

@worker_process_init.connect
def start(**kwargs):
    app.client = OpenAI()
""",
    "an ASGI application's lifespan": """
from openai import AsyncOpenAI

clients = []

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        client = AsyncOpenAI()
        clients.append(client)
        return
    await send({"type": "http.response.start", "status": 200})
""",
    "a decorator of the application's own that keeps": """
from functools import wraps
from fastapi import FastAPI
from openai import OpenAI

def shared(function):
    box = []

    @wraps(function)
    def wrapper():
        if not box:
            box.append(function())
        return box[0]
    return wrapper

@shared
def get_client():
    return OpenAI()

app = FastAPI()

@app.get("/")
def index():
    return get_client().models.list()
""",
    "a command of Flask and a shell's context": """
from flask import Flask
from openai import OpenAI

app = Flask(__name__)

@app.cli.command("ask")
def ask():
    print(OpenAI().models.list())

@app.shell_context_processor
def names():
    return {"client": OpenAI()}
""",
    "a flag, and a function that sets the global": """
from fastapi import FastAPI
from openai import OpenAI

app = FastAPI()
_ready = False
_client = None

def setup():
    global _client
    _client = OpenAI()

@app.get("/")
def index():
    global _ready
    if not _ready:
        setup()
        _ready = True
    if _client is None:
        setup()
    return _client.models.list()
""",
    "an attribute of the function": """
from fastapi import FastAPI
from openai import OpenAI

app = FastAPI()

def get_client():
    if not hasattr(get_client, "client"):
        get_client.client = OpenAI()
    return get_client.client

@app.get("/")
def index():
    return get_client().models.list()
""",
    "a client of each thread": """
import threading
from flask import Flask
from openai import OpenAI

app = Flask(__name__)
local = threading.local()

def get_client():
    try:
        return local.client
    except AttributeError:
        local.client = OpenAI()
        return local.client

@app.route("/")
def index():
    return get_client().models.list().to_json()
""",
    "a container's singleton, given the class": """
from dependency_injector import containers, providers
from fastapi import Depends, FastAPI
from openai import OpenAI

class Container(containers.DeclarativeContainer):
    client = providers.Singleton(OpenAI, api_key="k")

app = FastAPI()
container = Container()

@app.get("/")
def index(client=Depends(lambda: container.client())):
    return client.models.list()
""",
    "async lock guard": """
import asyncio
from fastapi import FastAPI
from openai import AsyncOpenAI
app = FastAPI()
lock = asyncio.Lock()
state = {}
async def get():
    async with lock:
        client = state.get("c")
        if not client:
            client = state["c"] = AsyncOpenAI()
    return client
@app.get("/")
async def index(): return await get()
""",
    "service in app.state by lifespan": """
from contextlib import asynccontextmanager
from fastapi import FastAPI, Request
from openai import AsyncOpenAI
class Service:
    def __init__(self): self.client = AsyncOpenAI()
    async def ask(self): return await self.client.models.list()
@asynccontextmanager
async def lifespan(app):
    app.state.service = Service()
    yield {"service": app.state.service}
app = FastAPI(lifespan=lifespan)
@app.get("/")
async def index(request: Request):
    return await request.state.service.ask()
""",
    "lazy class-level": """
from flask import Flask
from openai import OpenAI
class LLM:
    _client = None
    @classmethod
    def client(cls):
        if cls._client is None:
            cls._client = OpenAI()
        return cls._client
app = Flask(__name__)
@app.route("/")
def index(): return LLM.client().models.list()
""",
    "extension init_app": """
from flask import Flask, current_app
from openai import OpenAI
class LLM:
    def init_app(self, app):
        app.extensions["llm"] = OpenAI()
    @property
    def client(self): return current_app.extensions["llm"]
llm = LLM()
def create_app():
    app = Flask(__name__)
    llm.init_app(app)
    @app.route("/")
    def index(): return llm.client.models.list()
    return app
""",
    "setter elsewhere": {
        "state.py": """
client = None
def get(): return client
def put(c):
    global client
    client = c
""",
        "app.py": """
import state
from openai import OpenAI
from flask import Flask
app = Flask(__name__)
@app.route("/")
def index():
    if state.get() is None:
        state.put(OpenAI())
    if state.client is None:
        state.client = OpenAI()
    return state.get()
""",
    },
    "cachetools": """
from cachetools import cached, TTLCache
from fastapi import FastAPI
from openai import OpenAI
@cached(cache=TTLCache(100, 600))
def client(key): return OpenAI(api_key=key)
app = FastAPI()
@app.get("/")
def index(key: str): return client(key)
""",
    "contextvar-less singleton via module getattr": """
from fastapi import FastAPI
from openai import OpenAI
_cache = {}
def __getattr__(name):
    if name == "client":
        if "client" not in _cache:
            _cache["client"] = OpenAI()
        return _cache["client"]
    raise AttributeError(name)
app = FastAPI()
@app.get("/")
def index(): return _cache
""",
    "dict subclass missing": """
from fastapi import FastAPI
from openai import OpenAI
class Clients(dict):
    def __missing__(self, tenant):
        client = self[tenant] = OpenAI(organization=tenant)
        return client
clients = Clients()
app = FastAPI()
@app.get("/{t}")
def index(t: str): return clients[t].models.list()
""",
    "weird: isinstance mention in view": """
from fastapi import FastAPI
import openai
app = FastAPI()
@app.get("/")
def index():
    try:
        return 1
    except (openai.OpenAIError, openai.APIError):
        return openai.__version__
""",
    "celery worker global": """
from celery import shared_task
from openai import OpenAI
client = None
def get_client():
    global client
    client = client or OpenAI()
    return client
@shared_task
def ask(q): return get_client()
""",
    "startup via add_event_handler": """
from fastapi import FastAPI
from openai import OpenAI
app = FastAPI()
def start(): app.state.c = OpenAI()
app.add_event_handler("startup", start)
def make_app():
    return FastAPI(on_startup=[start])
""",
    "quart before_serving": """
from quart import Quart
from openai import AsyncOpenAI
app = Quart(__name__)
@app.before_serving
async def start(): app.client = AsyncOpenAI()
@app.while_serving
async def life():
    app.other = AsyncOpenAI()
    yield
""",
    "requests-like get decorator": """
import registry
from openai import OpenAI
hooks = registry.Hooks()
@hooks.get("name")
def f(): return OpenAI()
@hooks.post("other")
def g(): return OpenAI()
""",
    "invoke task": """
from invoke import task
from openai import OpenAI
@task
def ask(c): print(OpenAI())
""",
    "setdefault over sentinel with get first": """
from fastapi import FastAPI
from openai import OpenAI
app = FastAPI()
clients = {}
@app.get("/{t}")
def index(t: str):
    client = clients.get(t)
    if client is None:
        client = clients.setdefault(t, OpenAI())
    return client
""",
    "instance kept on module with nested services": """
from fastapi import FastAPI
from openai import OpenAI
class Llm:
    def __init__(self): self._c = None
    def get(self):
        if self._c is None:
            self._c = OpenAI()
        return self._c
class Service:
    def __init__(self): self.llm = Llm()
    def ask(self): return self.llm.get()
service = Service()
app = FastAPI()
@app.get("/")
def index(): return service.ask()
""",
    "django appconfig state": {
        "apps.py": """
from django.apps import AppConfig
from openai import OpenAI
class Shop(AppConfig):
    name = "shop"
    def ready(self):
        self.client = OpenAI()
""",
        "views.py": """
from django.apps import apps
def ask(request):
    return apps.get_app_config("shop").client.models.list()
""",
    },
    "django cached_property on singleton": """
from django.utils.functional import cached_property, SimpleLazyObject
from openai import OpenAI
class Llm:
    @cached_property
    def client(self): return OpenAI()
llm = Llm()
lazy = SimpleLazyObject(lambda: OpenAI())
def ask(request):
    return llm.client, lazy
""",
    "a client that callers pass, and a default that none of them needs": """
from fastapi import FastAPI
from openai import OpenAI

shared = OpenAI()

class Assistant:
    def __init__(self, client=None):
        self.client = client or OpenAI()

def ask(question, *, client=None):
    if client is None:
        client = OpenAI()
    return client.responses.create(model="m", input=question)

def other(client=None):
    return OpenAI() if client is None else client

app = FastAPI()

@app.get("/")
def index():
    return Assistant(shared).client, ask("Hello", client=shared), other(client=shared)
""",
    "a metaclass that keeps": """
from fastapi import FastAPI
from openai import AsyncOpenAI
class Singleton:
    _i = None
    def __new__(cls):
        if cls._i is None:
            cls._i = super().__new__(cls)
            cls._i.client = AsyncOpenAI()
        return cls._i
class Meta(type):
    _instances = {}
    def __call__(cls, *a, **k):
        if cls not in cls._instances:
            cls._instances[cls] = super().__call__(*a, **k)
        return cls._instances[cls]
class LLM(metaclass=Meta):
    def __init__(self): self.c = AsyncOpenAI()
class Get:
    _c = None
    @classmethod
    def get(cls):
        if not cls._c:
            cls._c = AsyncOpenAI()
        return cls._c
app = FastAPI()
@app.get("/")
async def root():
    LLM(); Get.get()
    return Singleton().client
""",
    "a metaclass of another file": {
        "single.py": """
class OneMeta(type):
    _all = {}
    def __call__(cls, *a, **k):
        if cls not in cls._all:
            cls._all[cls] = super().__call__(*a, **k)
        return cls._all[cls]
""",
        "app.py": """
from single import OneMeta
from flask import Flask
from openai import OpenAI
app = Flask(__name__)
class LLM(metaclass=OneMeta):
    def __init__(self): self.c = OpenAI()
@app.route("/")
def i(): return LLM().c
""",
    },
    "kept in lists, dicts, globals and functions": """
from fastapi import FastAPI
from openai import AsyncOpenAI
_holder = []
def get():
    if not _holder:
        _holder.append(AsyncOpenAI())
    return _holder[0]
_state = {"c": None}
def get2():
    if _state["c"] is None:
        _state["c"] = AsyncOpenAI()
    return _state["c"]
def get3():
    global _c
    try:
        _c
    except NameError:
        _c = AsyncOpenAI()
    return _c
def get4():
    if "_c4" not in globals():
        globals()["_c4"] = AsyncOpenAI()
    return globals()["_c4"]
def get5():
    if not hasattr(get5, "c"):
        get5.c = AsyncOpenAI()
    return get5.c
app = FastAPI()
@app.get("/")
async def root():
    get(); get2(); get3(); get4(); get5()
""",
}
