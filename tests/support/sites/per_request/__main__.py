"""Ask each page of a framework's program, and print what the detector found."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict

from ai_client.detector import counts

from . import PAGES

Get = Callable[[str], int]


def of_fastapi() -> AbstractContextManager[Get]:
    """Return what asks the program of FastAPI."""
    from starlette.testclient import TestClient

    from .fastapi_app import app

    @contextmanager
    def asking() -> Iterator[Get]:
        with TestClient(app) as http:
            yield lambda page: http.get(page).status_code

    return asking()


def of_flask() -> AbstractContextManager[Get]:
    """Return what asks the program of Flask."""
    from .flask_app import app

    http = app.test_client()
    return nullcontext(lambda page: http.get(page).status_code)


def of_django() -> AbstractContextManager[Get]:
    """Return what asks the program of Django."""
    from django.test import Client

    from . import django_app

    del django_app
    http = Client()
    return nullcontext(lambda page: http.get(page).status_code)


FRAMEWORKS = {"fastapi": of_fastapi, "flask": of_flask, "django": of_django}

if __name__ == "__main__":
    framework, number = sys.argv[1], int(sys.argv[2])
    with FRAMEWORKS[framework]() as get:
        statuses = [get(f"/{page}") for page in PAGES for _ in range(number)]
        sys.stdout.write(json.dumps({"statuses": statuses, "counts": [asdict(one) for one in counts()]}))
