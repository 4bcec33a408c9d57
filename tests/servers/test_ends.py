"""What is being served when a server is told to end is finished, further calls of it included."""

import json
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.servers.conftest import answered, awake
from tests.support.hostile.wire import Request, Script, Wire
from tests.support.server_table import CELLS, Cell, parameters
from tests.support.servers import serving

pytestmark = pytest.mark.slow
ENDING = [cell for cell in CELLS if cell.row.ends and not cell.master]
MOST = ("two", "generator", "stream", "background")
EXPECTED = {"two": 2, "generator": 2, "stream": 1, "background": 2}
"""Calls of each path."""


def paths_of(cell: Cell) -> list[str]:
    """Return what to ask of a cell: as much as it serves at once."""
    known = MOST if cell.app == "fastapi" else MOST[:3]
    return [f"/{path}/{path}" for path in known[: cell.row.workers * cell.row.in_flight]]


@pytest.mark.parametrize("cell", parameters(ENDING))
def test_what_is_served_is_finished(upstream: Wire, cell: Cell) -> None:
    """At its end in the middle of a first call a server does all that the request does later, and then ends."""
    released = threading.Event()

    def hold(request: Request) -> Script:
        asked = json.loads(request.body)
        script = answered(request)
        return script if asked["messages"][0]["content"] == "first" else [released, *script]

    upstream.answer = hold
    number = cell.row.ends
    assert number is not None
    paths = paths_of(cell)
    with (
        serving(*cell.command(), **cell.variables(upstream.base_url)) as served,
        httpx.Client(base_url=served.url, timeout=60) as http,
        ThreadPoolExecutor(len(paths)) as pool,
    ):
        awake(served, cell.row)
        upstream.requests.clear()
        asked = {path: pool.submit(http.get, path) for path in paths}
        upstream.wait_for(lambda: len(upstream.requests) == len(paths))
        served.process.send_signal(number)
        opener = threading.Timer(0.5, released.set)
        opener.start()
        answers = {path: answer.result() for path, answer in asked.items()}
        code = served.process.wait(40)
        opener.join()
    assert {path: answer.status_code for path, answer in answers.items()} == dict.fromkeys(paths, 200), (
        served.log
    )
    texts = {path: answer.text for path, answer in answers.items()}
    for path in paths:
        name = path.rpartition("/")[2]
        text = texts[path]
        if name == "two":
            assert [body["text"] for body in json.loads(text)] == [name, name]
        elif name == "generator":
            assert text == f"{name}\n{name}\n"
        elif name == "stream":
            assert name in text
            assert text.endswith("data: [DONE]\n\n")
        else:
            assert json.loads(text)["text"] == name
    calls = Counter(json.loads(request.body)["messages"][0]["content"] for request in upstream.requests)
    assert calls == {path.rpartition("/")[2]: EXPECTED[path.rpartition("/")[2]] for path in paths}
    assert code in {0, -number}
