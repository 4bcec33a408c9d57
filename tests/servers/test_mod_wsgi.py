"""What differs under mod_wsgi: its processes are renewed while Apache keeps serving."""

import json
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.servers.conftest import answered, awake
from tests.support.hostile.wire import Request, Script, Wire
from tests.support.server_table import CELLS, Cell, parameters
from tests.support.servers import SECONDS_TO_END, serving

pytestmark = pytest.mark.slow


def wait_for_end(process: int) -> None:
    """Wait until there is no process of that id."""
    deadline = time.monotonic() + SECONDS_TO_END
    while time.monotonic() < deadline:
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    raise AssertionError(f"Process {process} has not ended.")


@pytest.mark.parametrize("cell", parameters(cell for cell in CELLS if cell.row.name == "mod-wsgi"))
def test_a_renewed_process_finishes_what_it_serves(upstream: Wire, cell: Cell) -> None:
    """A process that makes way for a new one finishes both calls of its request; the next has its own clients."""
    released = threading.Event()

    def hold(request: Request) -> Script:
        asked = json.loads(request.body)["messages"][0]["content"]
        return [released, *answered(request)] if asked == "held" else answered(request)

    upstream.answer = hold
    with (
        serving(*cell.command(), "--processes", "1", **cell.variables(upstream.base_url)) as served,
        httpx.Client(base_url=served.url, timeout=60) as http,
        ThreadPoolExecutor(1) as pool,
    ):
        awake(served, cell.row)
        process = http.get("/sync/first").json()["process"]
        upstream.requests.clear()
        asked = pool.submit(http.get, "/two/held")
        upstream.wait_for(lambda: len(upstream.requests) == 1)
        os.kill(process, signal.SIGUSR1)
        released.set()
        answer = asked.result()
        assert answer.status_code == 200, served.log
        assert [(call["text"], call["process"]) for call in answer.json()] == [("held", process)] * 2
        wait_for_end(process)
        answer = http.get("/async/next")
        assert answer.status_code == 200, served.log
        assert answer.json()["text"] == "next"
        assert answer.json()["process"] != process
